//===- Compiler.h - From a model folder to a shared object ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DRIVER_COMPILER_H
#define SHERRY_DRIVER_COMPILER_H

#include "sherry/Import/Gguf.h"
#include "sherry/Import/ImportGraph.h"
#include "sherry/Support/Problem.h"
#include "sherry/Target/TargetModel.h"

#include "llvm/Support/raw_ostream.h"

#include <optional>

namespace sherry {

/// The stages of the compiler, in order; each can be the last one.
enum class Stage {
  Sherry,
  Layout,
  Loops,
  Kernel,
  LLVMDialect,
  LLVM,
  Assembly,
  Object,
  SharedObject
};

/// Fails if a number is out of range; the error names the option of
/// sherry-compile.
llvm::Error checkSchedule(const Schedule &schedule);

/// Bounds that make a model smaller, to measure a part of it. The smaller model
/// has no tokenizer and no special tokens.
struct ModelLimits {
  int64_t numLayers, vocabSize;
};

struct CompileOptions {
  std::string model;  ///< a Hugging Face folder or a GGUF file
  std::string output; ///< a path, or "-"
  /// A file with the IR of a stage, from which compilation goes on instead of
  /// from `model`. It replaces the options below for graph, target and
  /// schedule.
  std::string from;
  std::string targetCpu = "native";
  /// On a CPU without FMA, round products and sums as FMA does, slowly.
  bool emulateFma = false;
  bool quantizeActivations = true;
  /// Quantized inputs of ternary weights have one scale per token. Unset: true
  /// if the model was trained in this way.
  std::optional<bool> hasScalesPerToken;
  WeightOptions weights;
  /// Unset: f16 with quantized activations, else f32.
  std::optional<CacheType> cacheType;
  bool strict = false; ///< this warning is an error
  StqScale stqScale = StqScale::Auto;
  std::optional<uint64_t> randomSeed; ///< set: weights are random
  Schedule schedule;
  /// Number of processes that run the model together. From 2 on, each rank gets
  /// a file of its own, see rankFileName().
  int64_t ranks = 1;
  std::optional<ModelLimits> limits;
  Stage lastStage = Stage::SharedObject;
  /// The tool has registered MLIR's options for passes; apply them.
  bool usesPassOptions = false;
  std::vector<Remedy> remedies; ///< options of the tool, for warnings
  bool printStats = false;      ///< on `log`
  bool showProgress = false;    ///< on `log`, which is a terminal
};

/// Compiles. Warnings, progress and statistics go to `log`. After a failure no
/// output file is left, except for complete files of ranks.
llvm::Error compile(const CompileOptions &options, llvm::raw_ostream &log);

} // namespace sherry

#endif // SHERRY_DRIVER_COMPILER_H
