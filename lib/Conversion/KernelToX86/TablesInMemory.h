//===- TablesInMemory.h - Tables that registers cannot hold -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_KERNELTOX86_TABLESINMEMORY_H
#define LIB_CONVERSION_KERNELTOX86_TABLESINMEMORY_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace sherry {

/// Lets loops with many lookups read their tables where they are used. LLVM
/// would read the tables before the loop and, because registers cannot hold
/// them, write copies to the stack.
template <typename LookupOp> void keepTablesInMemory(mlir::Operation *root) {
  constexpr auto kMostLookups = 16; // those of one token in a step
  root->walk([](mlir::scf::ForOp loop) {
    auto lookups = loop.getBody()->getOps<LookupOp>();
    if (std::distance(lookups.begin(), lookups.end()) <= kMostLookups)
      return;
    auto b = mlir::OpBuilder::atBlockBegin(loop.getBody());
    // An order for the compiler, without an instruction.
    mlir::LLVM::FenceOp::create(
        b, loop.getLoc(), mlir::LLVM::AtomicOrdering::acq_rel, "singlethread");
  });
}

} // namespace sherry

#endif // LIB_CONVERSION_KERNELTOX86_TABLESINMEMORY_H
