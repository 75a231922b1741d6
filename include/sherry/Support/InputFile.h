//===- InputFile.h - Files that are read ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_INPUTFILE_H
#define SHERRY_SUPPORT_INPUTFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace sherry {

/// Maps or reads a regular file of at most `maxBytes` bytes.
///
/// Bytes of a mapped file that are gone when they are looked at, because the
/// file became shorter meanwhile, end the process with a message, status 1 and
/// without its unfinished outputs: no reader of a mapping can return from that.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(llvm::StringRef path, uint64_t maxBytes);

/// Fails if a file whose buffer is still there has changed since readFile has
/// mapped it, or its name is that of another or of none: what was read may be
/// of two versions. To be asked when all is read.
llvm::Error checkUnchanged();

/// Fails if `output` is one of the files that readFile has opened so far, under
/// this or another name. An output that does not exist yet is none of them.
llvm::Error checkNotRead(llvm::StringRef output);

} // namespace sherry

#endif // SHERRY_SUPPORT_INPUTFILE_H
