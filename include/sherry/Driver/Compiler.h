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

/// Fails with the option of sherry-compile that is out of range.
llvm::Error checkSchedule(const Schedule &schedule);

/// Makes a model smaller, to measure a part of it: without tokenizer and
/// special tokens.
struct ModelLimits {
  int64_t numLayers, vocabSize;
};

struct CompileOptions {
  std::string model;  ///< a Hugging Face folder or a GGUF file
  std::string output; ///< a path, or "-"
  /// A file of IR of a stage to go on from, in place of the import. It says all
  /// that the options below say of graph, target and schedule.
  std::string from;
  std::string targetCpu = "native";
  /// Without FMA, round sums as it does, but slowly.
  bool emulateFma = false;
  bool quantizeActivations = true;
  /// Quantized inputs of ternary weights have one scale per token. Unset: if
  /// the model was trained so.
  std::optional<bool> hasScalesPerToken;
  WeightOptions weights;
  /// Unset: f16 with quantized activations, else f32.
  std::optional<CacheType> cacheType;
  bool strict = false; ///< that warning is an error
  StqScale stqScale = StqScale::Auto;
  std::optional<uint64_t> randomSeed; ///< set: weights are random
  Schedule schedule;
  /// Processes that run the model together; from 2 on, a file of each is
  /// written, see rankFileName().
  int64_t ranks = 1;
  std::optional<ModelLimits> limits;
  Stage lastStage = Stage::SharedObject;
  /// The tool has registered MLIR's options for passes, which hold here.
  bool usesPassOptions = false;
  std::vector<Remedy> remedies; ///< of the tool, for warnings
  bool printStats = false;      ///< on `log`
  bool showProgress = false;    ///< on `log`, which is a terminal
};

/// Compiles. Warnings, progress and statistics go to `log`. On failure no
/// output file is left, but for those of ranks that are complete.
llvm::Error compile(const CompileOptions &options, llvm::raw_ostream &log);

} // namespace sherry

#endif // SHERRY_DRIVER_COMPILER_H
