//===- Linker.h - Object file to shared object ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_LINKER_H
#define SHERRY_TARGET_LINKER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace sherry {

/// Links an object file in memory to a shared object in memory, with the ld.lld
/// at `linker`; if empty, the one on the PATH or beside LLVM. The result needs
/// no library; an undefined symbol is an error. Equal input gives equal output.
/// Leaves no temporary file.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
linkSharedObject(llvm::StringRef object, llvm::StringRef linker = "");

} // namespace sherry

#endif // SHERRY_TARGET_LINKER_H
