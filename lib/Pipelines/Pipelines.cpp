//===- Pipelines.cpp - The stages of the compiler -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Pipelines/Pipelines.h"

#include "ConversionPasses.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Transforms/Passes.h"

using namespace mlir;
using namespace sherry;

void sherry::buildLayoutPipeline(OpPassManager &pm,
                                 const LayoutPipelineOptions &options) {
  pm.addPass(createVerifyStage({"sherry"}));
  // Equal rms_norms and the like must be one value before linear ops are
  // grouped by their input.
  pm.addPass(createCSEPass());
  pm.addPass(createFuseLinear());
  pm.addPass(createFuseResidual());
  // After fusion: fewer inputs to quantize.
  if (options.quantizeActivations)
    pm.addPass(createQuantizeActivations());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createSpecializeTokens({options.maxBlock}));
  pm.addPass(createSelectLayout({options.order, options.interleave}));
  // Tiles are those of the layout.
  pm.addPass(createFuseSwiGLU());
  // Sizes of weights follow from their layouts.
  pm.addPass(createPlaceWeights());
  pm.addPass(createVerifyStage({"layout"}));
}

void KernelPipelineOptions::setTarget(const TargetInfo &target) {
  pairSums = target.has(SHERRY_CPU_AVX2) && !target.hasAVX512() &&
             !target.has(SHERRY_CPU_AVXVNNI);
  // A code of the order `words` takes a shift and a permutation.
  fuseDecode = target.hasAVX512();
  multiplyPanels = target.hasAMX();
  fuseMulAdd = target.has(SHERRY_CPU_FMA);
}

void sherry::buildKernelPipeline(OpPassManager &pm,
                                 const KernelPipelineOptions &options) {
  pm.addPass(createConvertSherryToKernel(
      {options.prefetchDistance, options.prefetchDistanceL2, options.pairSums,
       options.fuseDecode, options.multiplyPanels, options.fuseMulAdd}));
  // Before any canonicalization: that would put the body of a loop with one
  // iteration in the place of the loop, and every thread would run it.
  pm.addNestedPass<func::FuncOp>(createDistributeParallel());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createPlaceBuffers());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyStage({"kernel"}));
}

void LLVMPipelineOptions::setTarget(const TargetInfo &target) {
  avx2 = target.has(SHERRY_CPU_AVX2);
  avx512 = target.hasAVX512();
  vnni512 = target.hasAVX512() && target.has(SHERRY_CPU_AVX512VNNI);
  vnni256 = target.has(SHERRY_CPU_AVXVNNI);
  amx = target.hasAMX();
  f16c = target.has(SHERRY_CPU_F16C);
  fma = target.has(SHERRY_CPU_FMA);
}

void sherry::buildLLVMPipeline(OpPassManager &pm,
                               const LLVMPipelineOptions &options) {
  // First, because its polynomials have math.fma.
  pm.addPass(createApproximateMath());
  // The widest instructions first; each pass leaves what it cannot do better.
  if (options.amx)
    pm.addPass(createLowerKernelToAMX());
  if (options.avx512)
    pm.addPass(createLowerKernelToAVX512({options.vnni512}));
  if (options.avx2)
    pm.addPass(createLowerKernelToAVX2({options.vnni256}));
  pm.addPass(createLowerKernelGeneric({options.f16c, options.fma}));
  pm.addPass(createLowerTeam());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Subviews become offsets before memory does.
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.amx = options.amx;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  // Memrefs cross calls as bare pointers: all of them have fixed shapes.
  ConvertFuncToLLVMPassOptions functions;
  functions.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(functions));
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCanonicalizerPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCSEPass());
  pm.addPass(createVerifyStage({"llvm"}));
}

void sherry::registerPipelines() {
  PassPipelineRegistration<LayoutPipelineOptions>(
      "sherry-layout-pipeline",
      "specialise a graph, choose layouts and place weights",
      buildLayoutPipeline);
  PassPipelineRegistration<KernelPipelineOptions>(
      "sherry-kernel-pipeline", "write graphs out as loops over the workspace",
      buildKernelPipeline);
  PassPipelineRegistration<LLVMPipelineOptions>(
      "sherry-llvm-pipeline", "lower loops and kernel ops to the LLVM dialect",
      buildLLVMPipeline);
}
