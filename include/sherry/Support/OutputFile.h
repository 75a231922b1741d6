//===- OutputFile.h - Files that are written atomically ---------*- C++ -*-===//
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

/// Writes a file through `write`; the file gets the name `path` when it is
/// complete (see PendingFile). If `path` is a link, the target of the link is
/// replaced. `path` "-" is the standard output. A device or pipe is written
/// directly, and at once if it cannot seek.
llvm::Error writeFileAtomically(
    llvm::StringRef path,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

} // namespace sherry

#endif // SHERRY_SUPPORT_OUTPUTFILE_H
