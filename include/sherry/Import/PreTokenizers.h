//===- PreTokenizers.h - Rules of words in GGUF files -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values of tokenizer.ggml.pre, as in llama.cpp (src/llama-vocab.cpp). A
// value names the expressions by which a byte-level tokenizer cuts texts into
// words.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_PRETOKENIZERS_H
#define SHERRY_IMPORT_PRETOKENIZERS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace sherry {

struct PreTokenizer {
  /// The expressions that cut texts, one after the other.
  std::vector<std::string> patterns;
  bool ignoresMerges = false; ///< words that are tokens are not merged
  bool addsBos = false;       ///< default: texts begin with BOS
  bool normalizes = false;    ///< texts are first brought to NFC
};

/// The rule of a value of tokenizer.ggml.pre; "" stands for a missing value. An
/// unknown value gives a rule without patterns.
PreTokenizer getPreTokenizer(llvm::StringRef name);

/// The known names, for messages.
std::string listPreTokenizers();

/// The value of tokenizer.ggml.pre with the same patterns, ignoresMerges and
/// normalizes; empty if no value has them.
std::string findPreTokenizer(const PreTokenizer &rule);

} // namespace sherry

#endif // SHERRY_IMPORT_PRETOKENIZERS_H
