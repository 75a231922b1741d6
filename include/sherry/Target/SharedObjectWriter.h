//===- SharedObjectWriter.h - Code and weights in one file ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_SHAREDOBJECTWRITER_H
#define SHERRY_TARGET_SHAREDOBJECTWRITER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace sherry {

/// Writes the files `paths`, one for each rank of the model: the shared object
/// `code` with two more sections that are not loaded:
/// SHERRY_ABI_WEIGHTS_SECTION of `weightsSize` bytes, page-aligned, and
/// SHERRY_ABI_CHECKSUM_SECTION at the end. `writeWeights` streams the weights
/// section of one rank after the other.
///
/// A file gets its name only when it and the files of all later ranks are
/// complete. After a failure or a signal, nothing is left of files without a
/// name.
llvm::Error writeSharedObjects(
    llvm::ArrayRef<std::string> paths, llvm::StringRef code,
    uint64_t weightsSize,
    llvm::function_ref<llvm::Error(int64_t rank, llvm::raw_ostream &)>
        writeWeights);

} // namespace sherry

#endif // SHERRY_TARGET_SHAREDOBJECTWRITER_H
