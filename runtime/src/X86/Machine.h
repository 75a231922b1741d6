//===- Machine.h - The parts of the runtime for x86-64 ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_X86_MACHINE_H
#define SHERRY_RUNTIME_X86_MACHINE_H

#include <elf.h>

namespace sherry::runtime {

inline constexpr char kMachineName[] = "x86-64";
inline constexpr int kElfMachine = EM_X86_64; ///< of the models it can load

/// Tells the CPU that a loop waits for another thread.
inline void pauseThread() { __builtin_ia32_pause(); }

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_X86_MACHINE_H
