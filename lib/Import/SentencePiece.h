//===- SentencePiece.h - Reader of tokenizer.model --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_SENTENCEPIECE_H
#define SHERRY_LIB_IMPORT_SENTENCEPIECE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <nlohmann/json.hpp>

namespace sherry {

/// Turns a SentencePiece model (a protocol buffer, sentencepiece_model.proto)
/// into a tokenizer.json with a model of type "SentencePieceBPE". Fails if the
/// model is not BPE or has rules that change the text.
llvm::Expected<nlohmann::json> readSentencePiece(llvm::MemoryBufferRef file);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_SENTENCEPIECE_H
