//===- PrefixFile.h - Sequences in files ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_PREFIXFILE_H
#define SHERRY_RUNTIME_PREFIXFILE_H

#include "Sequence.h"

namespace sherry::runtime {

/// Writes the tokens and the pages of a sequence; `model` identifies the model.
/// Throws std::runtime_error, which names the file; an old file is then as it
/// was.
void writePrefix(const std::string &path, const sherry_abi_checksum &model,
                 const PagePool &pool, const Sequence &sequence);

/// Reads a file of writePrefix() into pages of `pool`. Throws Error, which
/// names the file, if it is damaged, of another model or runtime, or longer
/// than `capacity` tokens, or if it has tokens that are not below `vocabSize`.
Sequence readPrefix(const std::string &path, const sherry_abi_checksum &model,
                    uint32_t vocabSize, PagePool &pool, uint32_t capacity);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_PREFIXFILE_H
