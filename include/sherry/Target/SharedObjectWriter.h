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

/// Writes the file `path`: the shared object `code` with one more section,
/// SHERRY_ABI_WEIGHTS_SECTION of `weightsSize` bytes, which is not loaded and
/// lies at the end, page-aligned. `writeWeights` streams its bytes.
///
/// The file appears under its name only when it is complete; on failure or a
/// signal nothing is left.
llvm::Error writeSharedObject(
    llvm::StringRef path, llvm::StringRef code, uint64_t weightsSize,
    llvm::function_ref<llvm::Error(llvm::raw_ostream &)> writeWeights);

/// Writes a file through `write` under a temporary name beside `path` and
/// renames it when it is complete; of a link, the file that it names is
/// replaced. `path` "-" is the standard output; what is no regular file (a
/// device, a pipe) is written to directly, at once if it cannot be patched.
llvm::Error writeFileAtomically(
    llvm::StringRef path,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

} // namespace sherry

#endif // SHERRY_TARGET_SHAREDOBJECTWRITER_H
