//===- PrefixFile.h - Sequences in files ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_PREFIXFILE_H
#define SHERRY_RUNTIME_PREFIXFILE_H

#include "Sequence.h"

namespace sherry::runtime {

/// Writes the tokens and the pages of a sequence; `model` tells the model from
/// others. Throws std::runtime_error, naming the file, which is then as it was.
void writePrefix(const std::string &path, const sherry_abi_checksum &model,
                 const PagePool &pool, const Sequence &sequence);

/// What writePrefix() wrote, in pages of `pool`. Throws Error, naming the file,
/// if it is not whole, of another model or runtime, longer than `capacity`
/// tokens, or has tokens of `vocabSize` and above.
Sequence readPrefix(const std::string &path, const sherry_abi_checksum &model,
                    uint32_t vocabSize, PagePool &pool, uint32_t capacity);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_PREFIXFILE_H
