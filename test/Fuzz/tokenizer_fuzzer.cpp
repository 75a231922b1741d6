//===- tokenizer_fuzzer.cpp - Fuzzes the runtime's tokenizer --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a tokenizer.json on one line, and after it a text of any bytes.
// A tokenizer that is accepted gives tokens in range, and these the text again.
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Error.h"
#include "sherry/text/ByteLevel.h"
#include "sherry/text/Tokenizer.h"

#include <algorithm>
#include <array>
#include <cstdlib>

using namespace sherry::runtime;

static constexpr uint32_t kVocabSize = 512;

static void require(bool condition) {
  if (!condition)
    abort();
}

/// Whether tokens give back the text byte by byte: none are added or dropped,
/// nothing becomes unknown or takes another form, and no added token is also
/// what merges of other bytes lead to.
static bool keepsBytes(const TokenizerConfig &config, std::string_view text) {
  if (config.prefixSpace != PrefixSpace::Never || config.unknown >= 0 ||
      config.nfc || config.characters)
    return false;
  std::array<bool, 256> hasToken = {};
  for (const TokenEntry &token : config.tokens)
    if (token.kind == TokenKind::Text && token.bytes.size() == 1)
      hasToken[static_cast<unsigned char>(token.bytes[0])] = true;
  for (char byte : text)
    if (!hasToken[static_cast<unsigned char>(byte)])
      return false;
  for (const SplitStep &step : config.steps)
    if (step.prefixSpace || step.behavior == SplitBehavior::Removed)
      return false;
  return std::none_of(
      config.tokens.begin(), config.tokens.end(), [](const TokenEntry &token) {
        if (token.kind != TokenKind::Added && token.kind != TokenKind::Special)
          return false;
        auto merged = decodeByteLevel(token.bytes);
        return token.stripLeft || token.stripRight ||
               (merged && *merged != token.bytes);
      });
}

static void checkText(const Tokenizer &tokenizer, std::string_view text,
                      bool special, bool keeps) {
  std::string joined;
  for (int32_t token : tokenizer.encode(text, /*bos=*/false, special)) {
    require(token >= 0 && token < static_cast<int32_t>(kVocabSize));
    joined += tokenizer.bytes(token);
  }
  require(!keeps || joined == text);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  const std::string_view json = input.substr(0, input.find('\n'));
  const std::string_view text =
      input.substr(std::min(json.size() + 1, input.size()));
  try {
    const bool keeps =
        keepsBytes(TokenizerConfig::parse(json, kVocabSize), text);
    const Tokenizer tokenizer(json, kVocabSize, std::nullopt, std::nullopt);
    require(tokenizer.firstToken().value_or(0) <
            static_cast<int32_t>(kVocabSize));
    for (bool special : {false, true})
      checkText(tokenizer, text, special, keeps);
  } catch (const Error &) {
    // Refused; any other exception ends the program.
  }
  return 0;
}
