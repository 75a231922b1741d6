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
#include "sherry/Conversion/KernelToX86/Passes.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Transforms/Passes.h"

using namespace mlir;
using namespace sherry;

void sherry::buildLayoutPipeline(OpPassManager &pm) {
  pm.addPass(createVerifyStage({"sherry"}));
  // Equal ops, such as rms_norm, must be one value before linear ops are
  // grouped by their input.
  pm.addPass(createCSEPass());
  pm.addPass(createFuseLinear());
  pm.addPass(createFuseResidual());
  pm.addPass(createFuseRope());
  // After fusion, fewer inputs are quantized.
  pm.addPass(createQuantizeActivations());
  // Ops that take the same blocks of an input share their quantization.
  pm.addPass(createCSEPass());
  pm.addPass(createCanonicalizerPass());
  // Before functions are copied for different numbers of tokens.
  pm.addPass(createShard());
  pm.addPass(createSpecializeTokens());
  pm.addPass(createSelectLayout());
  // Needs the tiles of the layout.
  pm.addPass(createFuseSwiGLU());
  // Needs the tables of the layout.
  pm.addPass(createFuseSteps());
  // Sizes of weights follow from their layouts.
  pm.addPass(createPlaceWeights());
  pm.addPass(createVerifyStage({"layout"}));
}

void sherry::buildLoopsPipeline(OpPassManager &pm) {
  pm.addPass(createConvertSherryToLoops());
  pm.addPass(createCanonicalizerPass());
  pm.addNestedPass<func::FuncOp>(createNormalizeSubscripts());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyStage({"loops"}));
}

void sherry::buildKernelPipeline(OpPassManager &pm) {
  // Merges equal views of unrolled loops.
  pm.addNestedPass<func::FuncOp>(createUnrollDots());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // While offsets are affine in the number of the tile.
  pm.addNestedPass<func::FuncOp>(createPrefetchTiles());
  pm.addNestedPass<func::FuncOp>(createInterleaveTiles());
  pm.addNestedPass<func::FuncOp>(createJamParallel());
  // The first tokens leave the loop; a matrix unit or blocks of tokens take the
  // rest.
  pm.addNestedPass<func::FuncOp>(createFuseUnpack());
  pm.addNestedPass<func::FuncOp>(createMultiplyPanels());
  pm.addNestedPass<func::FuncOp>(createBlockTokens());
  pm.addNestedPass<func::FuncOp>(createPairSums());
  // Composes the subscripts of copies, constants last.
  pm.addPass(createCanonicalizerPass());
  pm.addNestedPass<func::FuncOp>(createNormalizeSubscripts());
  pm.addNestedPass<func::FuncOp>(createLowerLoops());
  pm.addNestedPass<func::FuncOp>(createExpandCodes());
  // Merges equal views and loads before their lines are prefetched.
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createPrefetchWeights());
  pm.addNestedPass<func::FuncOp>(createHoistBuffers());
  pm.addNestedPass<func::FuncOp>(createDistributeParallel());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createPlaceBuffers());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyStage({"kernel"}));
}

void sherry::buildLLVMPipeline(OpPassManager &pm) {
  // First, because its polynomials have math.fma.
  pm.addPass(createApproximateMath());
  x86::addKernelLowerings(pm);
  pm.addPass(createLowerKernelGeneric());
  pm.addPass(createApplyAbi());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Subviews become offsets before memrefs are lowered.
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  // A pass of its own, because it has options and rewrites before it converts.
  ConvertVectorToLLVMPassOptions vectors;
  vectors.amx = true;
  vectors.x86Vector = true;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCanonicalizerPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCSEPass());
  pm.addPass(createVerifyStage({"llvm-mlir"}));
}

void sherry::registerPipelines() {
  PassPipelineRegistration<>(
      "sherry-layout-pipeline",
      "specialise a graph, choose layouts and place weights",
      buildLayoutPipeline);
  PassPipelineRegistration<>("sherry-loops-pipeline",
                             "convert graphs to loops over buffers",
                             buildLoopsPipeline);
  PassPipelineRegistration<>("sherry-kernel-pipeline",
                             "divide loops among threads, expand packed codes, "
                             "place buffers in the workspace",
                             buildKernelPipeline);
  PassPipelineRegistration<>("sherry-llvm-pipeline",
                             "lower loops and kernel ops to the LLVM dialect",
                             buildLLVMPipeline);
}
