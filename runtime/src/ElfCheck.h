//===- ElfCheck.h - Checks the ELF headers of a model -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dynamic loader trusts the file that it loads, so the file is checked
// first: everything that the loader follows must lie within the file and agree
// with the section headers, which describe the same contents.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_ELFCHECK_H
#define SHERRY_RUNTIME_ELFCHECK_H

#include "sherry/support/Memory.h"

namespace sherry::runtime {

/// A range of bytes in a file.
struct FileRange {
  uint64_t offset;
  uint64_t size;
  uint64_t end() const { return offset + size; }
};

/// The sections that the runtime reads. They are not loaded and do not overlap.
struct ModelSections {
  FileRange weights;  ///< not empty, at a multiple of
                      ///< SHERRY_ABI_WEIGHTS_ALIGNMENT
  FileRange checksum; ///< of the size of sherry_abi_identity, or in earlier
                      ///< ABIs of sherry_abi_checksum
};

/// Checks the headers of an ELF64 x86-64 shared object and returns the ranges
/// of its sections. Throws Error, which names the file and the field, if the
/// file is not a shared object, is cut off or contradicts itself. Does not
/// check the contents of sections: see Checksum.h.
ModelSections checkElf(const File &file);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_ELFCHECK_H
