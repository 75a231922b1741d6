//===- Division.h - Work of a thread of the team ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_DIVISION_H
#define LIB_CONVERSION_LOOPSTOKERNEL_DIVISION_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

namespace sherry {

/// The argument of the type !sherry.team; null if there is none.
inline mlir::Value findTeam(mlir::func::FuncOp function) {
  for (mlir::Value argument : function.getArguments())
    if (llvm::isa<TeamType>(argument.getType()))
      return argument;
  return nullptr;
}

/// Divides `count` iterations equally; returns the thread's range.
inline std::pair<mlir::Value, mlir::Value>
divideEqually(mlir::ImplicitLocOpBuilder &b, mlir::Value team,
              mlir::Value count) {
  using namespace mlir;
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value thread = ThreadOp::create(b, team);
  Value threads = NumThreadsOp::create(b, team);
  auto bound = [&](Value number) -> Value {
    return arith::DivUIOp::create(
        b, Value(arith::MulIOp::create(b, number, count)), threads);
  };
  Value begin = bound(thread);
  return {begin, bound(arith::AddIOp::create(b, thread, one))};
}

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_DIVISION_H
