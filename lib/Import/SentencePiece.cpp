//===- SentencePiece.cpp - Reader of tokenizer.model ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SentencePiece.h"
#include "BosTemplate.h"
#include "sherry/Import/GgufTokenizer.h"
#include "sherry/Support/Json.h"

#include "llvm/Support/Endian.h"

#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

namespace {

/// One field of a message: its number, and its value as an integer or as bytes.
struct Field {
  uint64_t number = 0;
  uint64_t integer = 0; ///< an integer, or the bits of a 32 or 64-bit number
  StringRef bytes;      ///< a text or a message
};

/// Reads the fields of a message, one after the other.
class MessageReader {
public:
  explicit MessageReader(StringRef message) : left(message) {}

  /// Returns false at the end, or if the message is damaged.
  bool next(Field &field);
  bool isDamaged() const { return damaged; }

private:
  bool readVarint(uint64_t &value);
  bool fail() {
    damaged = true;
    return false;
  }

  StringRef left;
  bool damaged = false;
};

} // namespace

bool MessageReader::readVarint(uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (left.empty())
      return fail();
    auto byte = static_cast<uint8_t>(left.front());
    left = left.drop_front();
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80)
      return true;
  }
  return fail();
}

bool MessageReader::next(Field &field) {
  if (left.empty() || damaged)
    return false;
  uint64_t tag;
  if (!readVarint(tag))
    return false;
  field = {tag >> 3, 0, {}};
  uint64_t size = 0;
  switch (tag & 7) {
  case 0:
    return readVarint(field.integer);
  case 1:
    size = 8;
    break;
  case 2:
    if (!readVarint(size))
      return false;
    break;
  case 5:
    size = 4;
    break;
  default:
    return fail();
  }
  if (size > left.size())
    return fail();
  field.bytes = left.take_front(size);
  left = left.drop_front(size);
  if ((tag & 7) == 1)
    field.integer = support::endian::read64le(field.bytes.data());
  if ((tag & 7) == 5)
    field.integer = support::endian::read32le(field.bytes.data());
  return true;
}

/// ModelProto.SentencePiece
static json readPiece(StringRef message, bool &isDamaged) {
  std::string text;
  float score = 0;
  uint64_t type = 1;
  MessageReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.number == 1)
      text = field.bytes.str();
    if (field.number == 2)
      score = bit_cast<float>(static_cast<uint32_t>(field.integer));
    if (field.number == 3)
      type = field.integer;
  }
  isDamaged |= reader.isDamaged() || !std::isfinite(score);
  return {text, score, nameTokenKind(type)};
}

Expected<json> sherry::readSentencePiece(MemoryBufferRef file) {
  StringRef path = file.getBufferIdentifier();
  json vocab = json::array();
  uint64_t modelType = 1, bos = 1;
  bool addPrefix = true, dropsSpaces = true, hasRules = false;
  bool marksSpaces = true, spaceIsSuffix = false;
  bool isDamaged = false;
  MessageReader reader(file.getBuffer());
  for (Field field; reader.next(field);) {
    MessageReader part(field.bytes);
    Field inner;
    if (field.number == 1)
      vocab.push_back(readPiece(field.bytes, isDamaged));
    if (field.number == 2) // TrainerSpec
      while (part.next(inner)) {
        if (inner.number == 3)
          modelType = inner.integer;
        if (inner.number == 24)
          spaceIsSuffix = inner.integer != 0;
        if (inner.number == 41)
          bos = inner.integer; // -1, a large number here: no BOS token
      }
    if (field.number == 3) // NormalizerSpec
      while (part.next(inner)) {
        if (inner.number == 2)
          hasRules = !inner.bytes.empty();
        if (inner.number == 3)
          addPrefix = inner.integer != 0;
        if (inner.number == 4)
          dropsSpaces = inner.integer != 0;
        if (inner.number == 5)
          marksSpaces = inner.integer != 0;
      }
    isDamaged |= part.isDamaged();
  }
  if (isDamaged || reader.isDamaged() || vocab.empty())
    return makeError(path + ": is not a SentencePiece model, or is damaged");
  if (modelType != 2)
    return makeError(path + ": the model is of type " + Twine(modelType) +
                     "; only BPE (2) is supported");
  if (hasRules || dropsSpaces)
    return makeError(path + ": the tokenizer " +
                     (hasRules ? "rewrites characters" : "drops spaces") +
                     " before it cuts the text, which is not supported");
  if (!marksSpaces || spaceIsSuffix)
    return makeError(path + ": " +
                     (spaceIsSuffix ? "treat_whitespace_as_suffix is true"
                                    : "escape_whitespaces is false") +
                     ", which is not supported");
  json processor = nullptr;
  if (bos < vocab.size() && vocab[bos][2] == "control")
    processor = makeBosTemplate(vocab[bos][0], static_cast<int64_t>(bos));
  return json{{"model",
               {{"type", "SentencePieceBPE"},
                {"add_dummy_prefix", addPrefix},
                {"vocab", std::move(vocab)}}},
              {"post_processor", std::move(processor)}};
}
