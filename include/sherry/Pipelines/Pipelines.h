//===- Pipelines.h - The stages of the compiler -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipelines that sherry-compile runs one after the other, also registered
// under these names for sherry-opt. They have no options: what depends on the
// target stands on the module (`sherry-attach-target`). docs/Pipeline.md says
// what IR is legal after each.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_PIPELINES_PIPELINES_H
#define SHERRY_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace sherry {

/// `sherry-layout-pipeline`: a graph to specialised graphs whose weights have
/// layouts and places.
void buildLayoutPipeline(mlir::OpPassManager &pm);
/// `sherry-loops-pipeline`: graphs to loops over buffers, affine where their
/// bounds and subscripts are.
void buildLoopsPipeline(mlir::OpPassManager &pm);
/// `sherry-kernel-pipeline`: loops to those of one thread, over buffers in the
/// workspace, with codes taken apart.
void buildKernelPipeline(mlir::OpPassManager &pm);
/// `sherry-llvm-pipeline`: loops and kernel ops to the LLVM dialect.
void buildLLVMPipeline(mlir::OpPassManager &pm);

/// Makes the pipelines known by name.
void registerPipelines();

} // namespace sherry

#endif // SHERRY_PIPELINES_PIPELINES_H
