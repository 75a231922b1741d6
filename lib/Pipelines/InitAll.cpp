//===- InitAll.cpp - Everything a sherry tool registers -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/InitAll.h"

#include "ConversionPasses.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "sherry/Conversion/KernelToX86/Passes.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Conversion/TeamToLLVM.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Dialect/X86/X86Dialect.h"
#include "sherry/Pipelines/Pipelines.h"
#include "sherry/Transforms/Passes.h"

using namespace mlir;

void sherry::registerAllDialects(DialectRegistry &registry) {
  registry
      .insert<affine::AffineDialect, amx::AMXDialect, arith::ArithDialect,
              cf::ControlFlowDialect, func::FuncDialect, index::IndexDialect,
              LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
              scf::SCFDialect, SherryDialect, tensor::TensorDialect,
              ub::UBDialect, vector::VectorDialect, x86::X86Dialect>();
  func::registerInlinerExtension(registry);
  // Conversions for -convert-to-llvm.
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  index::registerConvertIndexToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  registerConvertTeamToLLVMInterface(registry);
}

void sherry::registerAllPasses() {
  registerSherryConversionPasses();
  registerSherryKernelToX86Passes();
  registerSherryTransformsPasses();
  registerPipelines();
  registerTransformsPasses();
  memref::registerMemRefPasses();
  affine::registerAffinePasses();
  registerPass([] { return createLowerAffinePass(); });
  registerPass([] { return createSCFToControlFlowPass(); });
  registerPass([] { return createConvertVectorToLLVMPass(); });
  registerPass([] { return createConvertToLLVMPass(); });
  registerPass([] { return createReconcileUnrealizedCastsPass(); });
}
