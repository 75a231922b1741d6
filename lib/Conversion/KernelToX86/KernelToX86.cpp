//===- KernelToX86.cpp - Kernel ops to x86 instructions -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/KernelToX86/Passes.h"

#include "mlir/Pass/PassManager.h"

void sherry::x86::addKernelLowerings(mlir::OpPassManager &pm) {
  pm.addPass(createLowerKernelToAMX());
  pm.addPass(createLowerKernelToAVX512());
  pm.addPass(createLowerKernelToAVX2());
}
