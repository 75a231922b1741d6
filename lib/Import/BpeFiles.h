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

/// Turns vocab.json and merges.txt, and the added tokens that the files beside
/// them name, into a tokenizer.json. How text is cut depends on the class that
/// tokenizer_config.json names, or that belongs to the model's type; null if it
/// is not known.
llvm::Expected<nlohmann::json> readBpeFiles(llvm::StringRef directory);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_BPEFILES_H
