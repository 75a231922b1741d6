//===- Checksum.h - Checks that a model is undamaged ------------*- C++ -*-===//
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

/// The checksum of all bytes of a file outside of the two sections.
uint32_t computeCodeChecksum(const File &file, const ModelSections &sections);

/// The checksum of `size` bytes, computed by this thread.
uint32_t checksumOfPiece(const uint8_t *bytes, uint64_t size);

/// The checksum of `size` bytes, computed by all threads.
uint32_t computeChecksum(const uint8_t *bytes, uint64_t size);

/// Returns the contents of the checksum section. Throws Error, which names the
/// file, if the code does not match its checksum.
sherry_abi_identity checkCode(const File &file, const ModelSections &sections);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CHECKSUM_H
