//===- PreTokenizers.h - How GGUF files name the rules of words -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values of tokenizer.ggml.pre, as llama.cpp (src/llama-vocab.cpp) has
// them: by which expressions a byte-level tokenizer cuts texts into words.
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
  bool addsBos = false;       ///< texts begin with BOS if the file says nothing
  bool normalizes = false;    ///< texts are brought to NFC before
};

/// The rule of a value of tokenizer.ggml.pre, "" if the file has none; without
/// patterns if it is not known.
PreTokenizer getPreTokenizer(llvm::StringRef name);

/// The names that are known, for a message.
std::string listPreTokenizers();

/// The value of tokenizer.ggml.pre for a tokenizer that does this; empty if
/// there is none. Only patterns, ignoresMerges and normalizes are looked at.
std::string findPreTokenizer(const PreTokenizer &rule);

} // namespace sherry

#endif // SHERRY_IMPORT_PRETOKENIZERS_H
