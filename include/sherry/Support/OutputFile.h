//===- OutputFile.h - Files that are whole or not there ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_OUTPUTFILE_H
#define SHERRY_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace sherry {

/// Writes a file through `write` that gets the name `path` when it is complete
/// (see PendingFile); of a link, the file that it names is replaced. `path` "-"
/// is the standard output; what is no regular file (a device, a pipe) is
/// written to directly, at once if it cannot be patched.
llvm::Error writeFileAtomically(
    llvm::StringRef path,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

} // namespace sherry

#endif // SHERRY_SUPPORT_OUTPUTFILE_H
