//===- Pipelines.h - The stages of the compiler -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipelines that sherry-compile runs one after the other, also registered
// under these names for sherry-opt. They have no options: attributes of the
// module describe the target (`sherry-attach-target`). docs/Pipeline.md lists
// the IR that is legal after each pipeline.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_PIPELINES_PIPELINES_H
#define SHERRY_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace sherry {

/// `sherry-layout-pipeline`: a graph to specialised graphs whose weights have
/// layouts and offsets.
void buildLayoutPipeline(mlir::OpPassManager &pm);
/// `sherry-loops-pipeline`: graphs to loops over buffers, which are affine if
/// their bounds and subscripts are.
void buildLoopsPipeline(mlir::OpPassManager &pm);
/// `sherry-kernel-pipeline`: loops to the loops of one thread, over buffers in
/// the workspace, with ops on single codes.
void buildKernelPipeline(mlir::OpPassManager &pm);
/// `sherry-llvm-pipeline`: loops and kernel ops to the LLVM dialect.
void buildLLVMPipeline(mlir::OpPassManager &pm);

/// Registers the pipelines by name.
void registerPipelines();

} // namespace sherry

#endif // SHERRY_PIPELINES_PIPELINES_H
