//===- tokenizer_fuzzer.cpp - Fuzzes the runtime's tokenizer --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a tokenizer.json, a zero byte, and a text. Tokens of a text that
// is encoded are in range and, unless spaces are added or dropped, give the
// same bytes.
//
//===----------------------------------------------------------------------===//
#include "Support.h"
#include "Tokenizer.h"

#include <cstdlib>

using namespace sherry::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t end = input.find('\0');
  const std::string_view config = input.substr(0, end);
  const std::string_view text =
      end == std::string_view::npos ? "the end" : input.substr(end + 1);
  constexpr uint32_t vocabSize = 512;
  const bool keepsSpaces =
      config.find("strip\"") == std::string_view::npos &&
      config.find("\\") == std::string_view::npos &&
      config.find("\"add_prefix_space\": false") != std::string_view::npos &&
      config.find("\"add_prefix_space\": true") == std::string_view::npos;
  try {
    Tokenizer tokenizer(config, vocabSize, std::nullopt, std::nullopt);
    for (bool special : {false, true}) {
      std::string joined;
      for (int32_t token : tokenizer.encode(text, false, special))
        joined += tokenizer.bytes(token); // throws if out of range
      if (keepsSpaces && joined != text)
        std::abort();
    }
  } catch (const Error &) {
    // Refused; anything else ends the program.
  }
  return 0;
}
