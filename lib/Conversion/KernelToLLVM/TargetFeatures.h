//===- TargetFeatures.h - Features of a module's target ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_KERNELTOLLVM_TARGETFEATURES_H
#define LIB_CONVERSION_KERNELTOLLVM_TARGETFEATURES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace sherry {

/// Whether `op`'s module (or `op`, if it is a module) is for a target with this
/// feature, such as "+avx2". Without `llvm.target` it has no features.
inline bool hasFeature(mlir::Operation *op, llvm::StringRef feature) {
  auto module = llvm::dyn_cast<mlir::ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<mlir::ModuleOp>();
  if (!module)
    return false;
  auto target = module->getAttrOfType<mlir::LLVM::TargetAttr>(
      mlir::LLVM::LLVMDialect::getTargetAttrName());
  return target && target.getFeatures() &&
         target.getFeatures().contains(feature);
}

} // namespace sherry

#endif // LIB_CONVERSION_KERNELTOLLVM_TARGETFEATURES_H
