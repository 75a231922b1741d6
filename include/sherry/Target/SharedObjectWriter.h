//===- SharedObjectWriter.h - Code and weights in one file ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_SHAREDOBJECTWRITER_H
#define SHERRY_TARGET_SHAREDOBJECTWRITER_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace sherry {

/// Writes the file `path`: the shared object `code` with two more sections that
/// are not loaded: SHERRY_ABI_WEIGHTS_SECTION of `weightsSize` bytes,
/// page-aligned, and SHERRY_ABI_CHECKSUM_SECTION at the end. `writeWeights`
/// streams the bytes of the former.
///
/// The file appears under its name only when it is complete; on failure or a
/// signal nothing is left.
llvm::Error writeSharedObject(
    llvm::StringRef path, llvm::StringRef code, uint64_t weightsSize,
    llvm::function_ref<llvm::Error(llvm::raw_ostream &)> writeWeights);

} // namespace sherry

#endif // SHERRY_TARGET_SHAREDOBJECTWRITER_H
