//===- ConversionPasses.h - MLIR's conversions in pipelines -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replaces mlir/Conversion/Passes.h, which takes half a minute to compile.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_PIPELINES_CONVERSIONPASSES_H
#define SHERRY_PIPELINES_CONVERSIONPASSES_H

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"

#endif // SHERRY_PIPELINES_CONVERSIONPASSES_H
