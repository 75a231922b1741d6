//===- UnusedTokens.h - Tokens that a model does not have -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_UNUSEDTOKENS_H
#define SHERRY_LIB_IMPORT_UNUSEDTOKENS_H

#include "llvm/ADT/StringRef.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sherry {

/// Removes tokens whose ids are beyond the model's vocabulary from a
/// tokenizer.json, if they are added tokens or if no text can become them; the
/// remaining tokens beyond the vocabulary are errors. Returns whether it
/// removed any, and then adds a note.
bool leaveOutTokens(nlohmann::json &root, int64_t vocabSize,
                    llvm::StringRef file, std::vector<std::string> &notes);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_UNUSEDTOKENS_H
