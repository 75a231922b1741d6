//===- Pipelines.h - The stages of the compiler -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipelines that sherry-compile runs one after the other, also registered
// under these names for sherry-opt. docs/Pipeline.md says what IR is legal
// after each.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_PIPELINES_PIPELINES_H
#define SHERRY_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "sherry/Target/TargetInfo.h"

namespace sherry {

/// `sherry-layout-pipeline`: a graph to specialised graphs whose weights have
/// layouts and places.
struct LayoutPipelineOptions
    : mlir::PassPipelineOptions<LayoutPipelineOptions> {
  Option<bool> quantizeActivations{
      *this, "quantize-activations",
      llvm::cl::desc("use 8-bit activations where kernels for them exist"),
      llvm::cl::init(true)};
  Option<int64_t> maxBlock{
      *this, "max-block",
      llvm::cl::desc("most tokens of a prefill call, a multiple of 8"),
      llvm::cl::init(128)};
  Option<std::string> order{
      *this, "order", llvm::cl::desc("code order: auto, words or nibbles"),
      llvm::cl::init("auto")};
  Option<int64_t> interleave{
      *this, "interleave",
      llvm::cl::desc("tiles of 32 rows whose steps alternate; 0: by target"),
      llvm::cl::init(0)};
};
void buildLayoutPipeline(mlir::OpPassManager &pm,
                         const LayoutPipelineOptions &options);

/// `sherry-kernel-pipeline`: graphs to loops over buffers in the workspace.
struct KernelPipelineOptions
    : mlir::PassPipelineOptions<KernelPipelineOptions> {
  Option<int64_t> prefetchDistance{
      *this, "prefetch-distance",
      llvm::cl::desc("how many bytes ahead decode kernels prefetch weights"),
      llvm::cl::init(8192)};
  Option<int64_t> prefetchDistanceL2{
      *this, "prefetch-distance-l2",
      llvm::cl::desc("the same for the second-level cache; 0: only the first"),
      llvm::cl::init(0)};
  Option<bool> pairSums{
      *this, "pair-sums",
      llvm::cl::desc("several tokens: sum pairs of products in 16 bits"),
      llvm::cl::init(false)};
  Option<bool> fuseDecode{
      *this, "fuse-decode",
      llvm::cl::desc("several tokens: multiply the first ones while decoding"),
      llvm::cl::init(false)};
  Option<bool> multiplyPanels{
      *this, "multiply-panels",
      llvm::cl::desc("several tokens: multiply 32 with a whole panel at once"),
      llvm::cl::init(false)};
  Option<bool> fuseMulAdd{
      *this, "fuse-mul-add",
      llvm::cl::desc("round a product and its addition once, as FMA does"),
      llvm::cl::init(false)};

  /// Chooses what suits a CPU.
  void setTarget(const TargetInfo &target);
};
void buildKernelPipeline(mlir::OpPassManager &pm,
                         const KernelPipelineOptions &options);

/// `sherry-llvm-pipeline`: loops and kernel ops to the LLVM dialect.
struct LLVMPipelineOptions : mlir::PassPipelineOptions<LLVMPipelineOptions> {
  Option<bool> avx2{*this, "avx2", llvm::cl::desc("use AVX2 instructions"),
                    llvm::cl::init(false)};
  Option<bool> avx512{*this, "avx512",
                      llvm::cl::desc("use AVX-512 F, BW, DQ and VL"),
                      llvm::cl::init(false)};
  Option<bool> vnni512{*this, "vnni512", llvm::cl::desc("use AVX512VNNI"),
                       llvm::cl::init(false)};
  Option<bool> vnni256{*this, "vnni256", llvm::cl::desc("use AVX-VNNI"),
                       llvm::cl::init(false)};
  Option<bool> amx{*this, "amx", llvm::cl::desc("use AMX-INT8"),
                   llvm::cl::init(false)};
  Option<bool> f16c{*this, "f16c", llvm::cl::desc("use F16C"),
                    llvm::cl::init(false)};
  Option<bool> fma{*this, "fma", llvm::cl::desc("use FMA"),
                   llvm::cl::init(false)};

  /// Uses what the CPU has.
  void setTarget(const TargetInfo &target);
};
void buildLLVMPipeline(mlir::OpPassManager &pm,
                       const LLVMPipelineOptions &options);

/// Makes the pipelines known by name.
void registerPipelines();

} // namespace sherry

#endif // SHERRY_PIPELINES_PIPELINES_H
