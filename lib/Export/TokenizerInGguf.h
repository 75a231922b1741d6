//===- TokenizerInGguf.h - Describes a tokenizer in a GGUF file -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_EXPORT_TOKENIZERINGGUF_H
#define SHERRY_LIB_EXPORT_TOKENIZERINGGUF_H

#include "sherry/Export/GgufWriter.h"
#include "sherry/Import/ModelFiles.h"

#include <set>

namespace sherry {

/// The part of describeInGguf() for the tokenizer.
llvm::Error describeTokenizer(const ModelFiles &files, llvm::StringRef pre,
                              GgufWriter &writer, std::set<std::string> &notes);

} // namespace sherry

#endif // SHERRY_LIB_EXPORT_TOKENIZERINGGUF_H
