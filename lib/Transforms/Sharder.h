//===- Sharder.h - The columns of each rank ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_TRANSFORMS_SHARDER_H
#define LIB_TRANSFORMS_SHARDER_H

#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace sherry {

/// The numbers of columns of a tensor before it was cut, for each matrix that
/// gives some of them. A rank has an equal part of each.
using Pieces = llvm::SmallVector<int64_t, 2>;

/// Goes through the functions in the order in which they run, and tracks the
/// tensors of which a rank has only its columns.
class Sharder {
public:
  Sharder(mlir::ModuleOp module, int64_t ranks)
      : module(module), symbols(module), ranks(ranks) {}

  mlir::LogicalResult run();
  int64_t numGathers = 0;

private:
  mlir::LogicalResult visit(mlir::func::FuncOp function);
  mlir::LogicalResult visit(mlir::Block &block);
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult cut(EmbeddingOp op);
  mlir::LogicalResult cut(LinearOp op);
  mlir::LogicalResult cut(QuantizeActivationsOp op);
  mlir::LogicalResult cut(RmsNormOp op);
  mlir::LogicalResult cut(AddBiasOp op);
  mlir::LogicalResult cut(RopeOp op);
  mlir::LogicalResult cut(mlir::tensor::ExtractSliceOp op);
  mlir::LogicalResult cut(UpdateCacheOp op);
  mlir::LogicalResult cut(AttentionOp op);
  mlir::LogicalResult cut(mlir::scf::ForOp op);
  mlir::LogicalResult cut(mlir::func::CallOp op);
  mlir::LogicalResult cut(mlir::func::ReturnOp op);
  mlir::LogicalResult cutAlike(mlir::Operation *op);

  mlir::FailureOr<WeightOp> cutWeight(mlir::Operation *user);
  mlir::FailureOr<KVCacheType> cutCache(KVCacheType type);
  bool isPart(mlir::Value value) const { return pieces.count(value); }
  /// Records that a rank has its part of `value`, and changes its type to that
  /// of the part.
  void setPart(mlir::Value value, Pieces whole);
  /// Replaces the operand by the columns of all ranks.
  mlir::LogicalResult gather(mlir::OpOperand &operand);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  int64_t ranks;
  llvm::DenseMap<mlir::Value, Pieces> pieces;
  llvm::DenseMap<mlir::Value, mlir::Value> gathered;
  /// Columns of the arguments of functions; whole arguments have none.
  llvm::DenseMap<mlir::func::FuncOp, llvm::SmallVector<Pieces>> visited;
};

} // namespace sherry

#endif // LIB_TRANSFORMS_SHARDER_H
