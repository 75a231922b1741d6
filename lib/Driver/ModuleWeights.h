//===- ModuleWeights.h - The weights that a module names --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_DRIVER_MODULEWEIGHTS_H
#define SHERRY_LIB_DRIVER_MODULEWEIGHTS_H

#include "sherry/Weights/WeightsWriter.h"

#include "mlir/IR/BuiltinOps.h"

namespace sherry {

/// Checks that the source has every tensor that the weights of `module` name.
llvm::Error checkWeights(mlir::ModuleOp module, WeightSource &source);

/// The matrices of weights with layouts and offsets, cut for rank `rank`, in
/// the order of the file.
std::vector<PlacedMatrix> listMatrices(mlir::ModuleOp module, int64_t rank);

/// Bytes of the weights section.
uint64_t getWeightsSize(mlir::ModuleOp module);

} // namespace sherry

#endif // SHERRY_LIB_DRIVER_MODULEWEIGHTS_H
