//===- InputFile.h - Input files --------------------------------*- C++ -*-===//
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
/// If a mapped file becomes shorter, a read of its missing bytes ends the
/// process with a message and status 1, and removes unfinished outputs: no
/// reader of a mapping can return from the signal.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(llvm::StringRef path, uint64_t maxBytes);

/// Fails if a file whose buffer still exists has changed since readFile mapped
/// it, or if its name now belongs to another file or to none: the bytes that
/// were read may belong to two versions. Call it when all is read.
llvm::Error checkUnchanged();

/// Fails if `output` is one of the files that readFile has opened so far, under
/// this or another name. Succeeds if `output` does not exist.
llvm::Error checkNotRead(llvm::StringRef output);

} // namespace sherry

#endif // SHERRY_SUPPORT_INPUTFILE_H
