//===- BpeFiles.h - Reader of vocab.json and merges.txt ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_BPEFILES_H
#define SHERRY_LIB_IMPORT_BPEFILES_H

#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>

namespace sherry {

/// Whether a folder has a vocabulary in two files and no tokenizer.json.
bool hasBpeFiles(llvm::StringRef directory);

/// Turns vocab.json, merges.txt and the added tokens of other files in the
/// folder into a tokenizer.json. The class in tokenizer_config.json, or the
/// class for the model's type, determines how text is cut; returns null if the
/// class is not known.
llvm::Expected<nlohmann::json> readBpeFiles(llvm::StringRef directory);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_BPEFILES_H
