//===- sentencepiece_fuzzer.cpp - Fuzzes the reader of tokenizer.model ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SentencePiece.h"

using namespace llvm;
using namespace sherry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  consumeError(
      readSentencePiece(MemoryBufferRef(text, "input.model")).takeError());
  return 0;
}
