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

/// Leaves tokens out of a tokenizer.json whose ids are beyond the model's
/// vocabulary, if they are added tokens or such that no text becomes them;
/// those that are left are wrong. Returns whether there were any; then a note
/// says so.
bool leaveOutTokens(nlohmann::json &root, int64_t vocabSize,
                    llvm::StringRef file, std::vector<std::string> &notes);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_UNUSEDTOKENS_H
