//===- Checksum.h - Is a model as it was written? ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See sherry_abi_checksum and sherry_abi_identity.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_CHECKSUM_H
#define SHERRY_RUNTIME_CHECKSUM_H

#include "ElfCheck.h"
#include "sherry-abi/abi.h"

namespace sherry::runtime {

/// Of all bytes of a file that lie in neither section.
uint32_t computeCodeChecksum(const File &file, const ModelSections &sections);

/// Of `size` bytes, by this thread.
uint32_t checksumOfPiece(const uint8_t *bytes, uint64_t size);

/// Of `size` bytes. All threads take part.
uint32_t computeChecksum(const uint8_t *bytes, uint64_t size);

/// Returns what the checksum section holds. Throws Error, naming the file, if
/// its code has another checksum.
sherry_abi_identity checkCode(const File &file, const ModelSections &sections);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CHECKSUM_H
