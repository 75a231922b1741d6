//===- ModelInput.h - The input of a compilation ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_DRIVER_MODELINPUT_H
#define LIB_DRIVER_MODELINPUT_H

#include "sherry/Driver/Compiler.h"
#include "sherry/Import/TokenizerFile.h"
#include "sherry/Weights/WeightSource.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>

namespace sherry {

/// The files of a model, and the IR that was imported or parsed.
struct ModelInput {
  ModelConfig config;
  TokenizerFile tokenizer;
  std::optional<Checkpoint> checkpoint; ///< without random weights
  std::optional<WeightSource> source;   ///< may point to `checkpoint`
  TargetModel target;
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< after its `sherry.stage`
};

/// Reads the model and imports its graph, or parses `options.from`. Warnings
/// and notes go to `log`. `input` must not be moved, because its members refer
/// to each other.
llvm::Error readInput(const CompileOptions &options, mlir::MLIRContext &context,
                      ModelInput &input, llvm::raw_ostream &log);

} // namespace sherry

#endif // LIB_DRIVER_MODELINPUT_H
