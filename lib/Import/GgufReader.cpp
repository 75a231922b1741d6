//===- GgufReader.cpp - Reads the header of a GGUF file -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Gguf.h"
#include "sherry/Support/Json.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace sherry;

static constexpr uint64_t kMaxAlignment = 1 << 20;
static constexpr uint32_t kMaxDimensions = 4;
/// Least bytes of a value and of a tensor, which bound their numbers.
static constexpr uint64_t kMinValueBytes = 13, kMinTensorBytes = 24;

/// Bytes of a number; 0 for the other types.
static uint64_t sizeOf(GgufType type) {
  switch (type) {
  case GgufType::U8:
  case GgufType::I8:
  case GgufType::Bool:
    return 1;
  case GgufType::U16:
  case GgufType::I16:
    return 2;
  case GgufType::U32:
  case GgufType::I32:
  case GgufType::F32:
    return 4;
  case GgufType::U64:
  case GgufType::I64:
  case GgufType::F64:
    return 8;
  case GgufType::String:
  case GgufType::Array:
    return 0;
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// GgufValue
//===----------------------------------------------------------------------===//

template <typename T> static T readAt(StringRef bytes, uint64_t place) {
  return support::endian::read<T, endianness::little>(bytes.data() +
                                                      place * sizeof(T));
}

std::optional<int64_t> GgufValue::getInteger(uint64_t place) const {
  switch (type) {
  case GgufType::U8:
    return readAt<uint8_t>(bytes, place);
  case GgufType::I8:
    return readAt<int8_t>(bytes, place);
  case GgufType::U16:
    return readAt<uint16_t>(bytes, place);
  case GgufType::I16:
    return readAt<int16_t>(bytes, place);
  case GgufType::U32:
    return readAt<uint32_t>(bytes, place);
  case GgufType::I32:
    return readAt<int32_t>(bytes, place);
  case GgufType::U64:
    if (auto value = readAt<uint64_t>(bytes, place); value <= INT64_MAX)
      return static_cast<int64_t>(value);
    return std::nullopt;
  case GgufType::I64:
    return readAt<int64_t>(bytes, place);
  default:
    return std::nullopt;
  }
}

std::optional<double> GgufValue::getNumber(uint64_t place) const {
  if (type == GgufType::F32)
    return readAt<float>(bytes, place);
  if (type == GgufType::F64)
    return readAt<double>(bytes, place);
  if (auto integer = getInteger(place))
    return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<StringRef> GgufValue::getString(uint64_t place) const {
  if (type != GgufType::String)
    return std::nullopt;
  return strings[place];
}

std::optional<int64_t> GgufValue::getInteger() const {
  return array ? std::nullopt : getInteger(0);
}
std::optional<double> GgufValue::getNumber() const {
  return array ? std::nullopt : getNumber(0);
}
std::optional<StringRef> GgufValue::getString() const {
  return array ? std::nullopt : getString(0);
}
std::optional<bool> GgufValue::getBool() const {
  if (array || type != GgufType::Bool)
    return std::nullopt;
  return bytes[0] != 0;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace sherry {
/// Reads a file from front to back. Keeps the first failure; after it, all
/// reads return zero.
class GgufReader {
public:
  explicit GgufReader(GgufFile &file)
      : file(file), contents(file.buffer->getBuffer()) {}

  Error read();

private:
  template <typename T> T readNumber(const Twine &what) {
    StringRef bytes = take(sizeof(T), what);
    return bytes.empty() ? T() : readAt<T>(bytes, 0);
  }
  StringRef take(uint64_t size, const Twine &what);
  StringRef readString(const Twine &what);
  GgufValue readValue(StringRef key);
  void readNameValue(uint64_t index);
  void readTensor(uint64_t index);
  void fail(const Twine &message) {
    if (message_.empty())
      message_ =
          (file.getPath() + ": byte " + Twine(position) + ": " + message).str();
  }
  uint64_t left() const { return contents.size() - position; }

  GgufFile &file;
  StringRef contents;
  uint64_t position = 0;
  std::string message_;
};
} // namespace sherry

StringRef GgufReader::take(uint64_t size, const Twine &what) {
  if (!message_.empty())
    return {};
  if (size > left()) {
    fail(what + " takes " + Twine(size) + " bytes, but only " + Twine(left()) +
         " follow; the file is truncated or damaged, download it again");
    return {};
  }
  position += size;
  return contents.substr(position - size, size);
}

StringRef GgufReader::readString(const Twine &what) {
  auto size = readNumber<uint64_t>("the length of " + what);
  return take(size, what);
}

GgufValue GgufReader::readValue(StringRef key) {
  GgufValue value;
  std::string what = "the value of " + quote(key);
  auto readType = [&] {
    auto type = readNumber<uint32_t>("the type of " + quote(key));
    if (type > static_cast<uint32_t>(GgufType::F64))
      fail("the type of " + quote(key) + " is " + Twine(type) +
           "; types are 0 to 12");
    return message_.empty() ? static_cast<GgufType>(type) : GgufType::U8;
  };
  value.type = readType();
  if (value.type == GgufType::Array) {
    value.array = true;
    value.type = readType();
    value.count = readNumber<uint64_t>("the length of " + quote(key));
    if (value.type == GgufType::Array)
      fail(what + " is an array of arrays, which is not supported");
  }
  if (value.type == GgufType::String) {
    // Strings have a length of 8 bytes each.
    if (value.count > left() / 8)
      fail(what + " has " + Twine(value.count) +
           " strings, more than the file can hold");
    for (uint64_t i = 0; i < value.count && message_.empty(); ++i)
      value.strings.push_back(readString(what));
    return value;
  }
  uint64_t size = sizeOf(value.type);
  if (message_.empty() && value.count > left() / size)
    fail(what + " has " + Twine(value.count) +
         " numbers, more than the file can hold");
  value.bytes = take(value.count * size, what);
  return value;
}

void GgufReader::readNameValue(uint64_t index) {
  StringRef key = readString("the key of value " + Twine(index));
  GgufValue value = readValue(key);
  if (message_.empty() &&
      !file.values.try_emplace(key.str(), std::move(value)).second)
    fail("the key " + quote(key) + " occurs twice");
}

void GgufReader::readTensor(uint64_t index) {
  StringRef name = readString("the name of tensor " + Twine(index));
  std::string what = "tensor " + quote(name);
  auto dimensions = readNumber<uint32_t>("the number of dimensions of " + what);
  if (dimensions == 0 || dimensions > kMaxDimensions)
    return fail(what + " has " + Twine(dimensions) +
                " dimensions; 1 to 4 are possible");
  GgufFile::Tensor tensor;
  int64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    auto size = readNumber<uint64_t>("a dimension of " + what);
    if (size == 0 || size > static_cast<uint64_t>(INT64_MAX) ||
        MulOverflow(elements, static_cast<int64_t>(size), elements))
      return fail(what + " has a dimension of " + Twine(size) +
                  "; dimensions are positive and their product fits 63 bits");
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  // A vector that was written as a matrix with one row.
  while (tensor.shape.size() > 1 && tensor.shape.front() == 1)
    tensor.shape.erase(tensor.shape.begin());
  tensor.typeId = readNumber<uint32_t>("the type of " + what);
  tensor.offset = readNumber<uint64_t>("the offset of " + what);
  if (message_.empty() &&
      !file.tensors.try_emplace(name.str(), std::move(tensor)).second)
    fail(what + " occurs twice");
}

Error GgufReader::read() {
  StringRef magic = take(4, "the magic number");
  if (message_.empty() && magic != "GGUF")
    return makeError(file.getPath() +
                     ": not a GGUF file: it does not begin with \"GGUF\"");
  auto version = readNumber<uint32_t>("the version");
  if (message_.empty() && version != 2 && version != 3) {
    if (llvm::byteswap(version) == 2 || llvm::byteswap(version) == 3)
      fail("the file is big-endian; convert it on a little-endian machine");
    else
      fail("the version is " + Twine(version) +
           "; 2 and 3 are supported, convert the file anew");
  }
  auto numTensors = readNumber<uint64_t>("the number of tensors");
  auto numValues = readNumber<uint64_t>("the number of values");
  if (message_.empty() && (numTensors > left() / kMinTensorBytes ||
                           numValues > left() / kMinValueBytes))
    fail("announces " + Twine(numTensors) + " tensors and " + Twine(numValues) +
         " values, more than the file can hold");
  for (uint64_t i = 0; i < numValues && message_.empty(); ++i)
    readNameValue(i);
  for (uint64_t i = 0; i < numTensors && message_.empty(); ++i)
    readTensor(i);
  if (!message_.empty())
    return makeError(message_);

  int64_t alignment = 32;
  if (const GgufValue *value = file.find("general.alignment"))
    alignment = value->getInteger().value_or(0);
  if (alignment <= 0 || alignment > static_cast<int64_t>(kMaxAlignment) ||
      !isPowerOf2_64(alignment))
    return makeError(file.getPath() +
                     ": general.alignment must be a power of two of at most " +
                     Twine(kMaxAlignment));
  uint64_t begin = alignTo(position, alignment);
  return file.placeTensors(
      contents.drop_front(std::min<uint64_t>(begin, contents.size())),
      alignment);
}

//===----------------------------------------------------------------------===//
// GgufFile
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<GgufFile>>
GgufFile::parse(std::unique_ptr<MemoryBuffer> buffer) {
  std::unique_ptr<GgufFile> file(new GgufFile(std::move(buffer)));
  if (Error error = GgufReader(*file).read())
    return error;
  return file;
}

Expected<std::unique_ptr<GgufFile>> GgufFile::open(StringRef path) {
  auto buffer = readFile(path, /*maxBytes=*/INT64_MAX);
  if (!buffer)
    return buffer.takeError();
  return parse(std::move(*buffer));
}
