//===- metadata_fuzzer.cpp - Fuzzes the description inside a model --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Metadata.h"
#include "sherry/support/Error.h"

#include <cstdlib>

using namespace sherry::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr int32_t vocabSize = 256;
  try {
    const Metadata metadata = Metadata::parse(
        std::string(reinterpret_cast<const char *>(data), size), vocabSize);
    const auto isToken = [](int32_t token) {
      return token >= 0 && token < vocabSize;
    };
    if (!isToken(metadata.bosToken.value_or(0)))
      std::abort();
    for (int32_t token : metadata.eosTokens)
      if (!isToken(token))
        std::abort();
    for (const uint64_t byte : {uint64_t{0}, uint64_t{100}, uint64_t{1} << 47})
      if (findReader(metadata.matrices, byte, 1024).value_or(0) >= 1024)
        std::abort();
  } catch (const Error &) {
    // Refused; any other exception ends the program.
  }
  return 0;
}
