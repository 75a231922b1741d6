//===- ObjectEmitter.h - LLVM IR to machine code ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_OBJECTEMITTER_H
#define SHERRY_TARGET_OBJECTEMITTER_H

#include "sherry/Target/TargetModel.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>

namespace sherry {

/// Optimizes modules and emits code for one target. The code is
/// position-independent, without fast-math, and has no calls that are not in
/// the IR, because the optimizer knows no library functions.
class ObjectEmitter {
public:
  static llvm::Expected<ObjectEmitter> create(const TargetModel &target);

  /// Sets target and function attributes and runs the O3 pipeline. Functions
  /// with the attribute `sherry-baseline` are compiled for the base CPU, so
  /// that they run on every CPU.
  void optimize(llvm::Module &module) const;

  /// Writes an object file or assembly of an optimized module. Fails if a
  /// function together with its callees takes more stack than
  /// SHERRY_ABI_MAX_STACK.
  llvm::Error emit(llvm::Module &module, llvm::raw_pwrite_stream &out,
                   llvm::CodeGenFileType type) const;

private:
  TargetModel target;
  std::unique_ptr<llvm::TargetMachine> machine;
};

/// Marks functions that run before the CPU is checked.
inline constexpr llvm::StringLiteral kBaselineAttribute = "sherry-baseline";

} // namespace sherry

#endif // SHERRY_TARGET_OBJECTEMITTER_H
