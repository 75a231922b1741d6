//===- TeamToLLVM.h - Team ops to loads and calls ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_CONVERSION_TEAMTOLLVM_H
#define SHERRY_CONVERSION_TEAMTOLLVM_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace sherry {

/// Lets `-convert-to-llvm` lower the team ops. `!sherry.team` becomes a pointer
/// to `sherry_abi_environment`; the ops become reads of its fields and calls of
/// its `take` and `exchange`.
void registerConvertTeamToLLVMInterface(mlir::DialectRegistry &registry);

} // namespace sherry

#endif // SHERRY_CONVERSION_TEAMTOLLVM_H
