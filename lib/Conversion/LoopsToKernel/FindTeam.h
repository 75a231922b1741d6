//===- FindTeam.h - The team of a function ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_FINDTEAM_H
#define LIB_CONVERSION_LOOPSTOKERNEL_FINDTEAM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

/// The argument of type !sherry.team, or null.
inline mlir::Value findTeam(mlir::func::FuncOp function) {
  for (mlir::Value argument : function.getArguments())
    if (llvm::isa<TeamType>(argument.getType()))
      return argument;
  return nullptr;
}

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_FINDTEAM_H
