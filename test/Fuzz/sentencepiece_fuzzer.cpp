//===- sentencepiece_fuzzer.cpp - Fuzzes the reader of tokenizer.model ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is accepted is also read, and used on a text, by the runtime.
//
//===----------------------------------------------------------------------===//
#include "SentencePiece.h"
#include "sherry/support/Error.h"
#include "sherry/text/Tokenizer.h"

using namespace llvm;
using namespace sherry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  auto read = readSentencePiece(MemoryBufferRef(text, "input.model"));
  if (!read) {
    consumeError(read.takeError());
    return 0;
  }
  constexpr uint32_t vocabSize = 1 << 16;
  const std::string json =
      read->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  try {
    const runtime::Tokenizer tokenizer(json, vocabSize, std::nullopt,
                                       std::nullopt);
    for (bool special : {false, true})
      for (int32_t token :
           tokenizer.encode({text.data(), text.size()}, false, special))
        tokenizer.bytes(token); // throws if there is no such token
  } catch (const runtime::Error &) {
    // Refused; any other exception ends the program.
  }
  return 0;
}
