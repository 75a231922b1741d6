//===- WeightPlan.h - Weights of a model and their types --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_WEIGHTPLAN_H
#define SHERRY_WEIGHTS_WEIGHTPLAN_H

#include "sherry/Import/Checkpoint.h"
#include "sherry/Weights/WeightType.h"

#include "llvm/Support/raw_ostream.h"

#include <map>
#include <optional>

namespace sherry {

/// Options of a user for the types of weights.
struct WeightOptions {
  /// Unset values come from the checkpoint's quantization_config, else from the
  /// defaults of TernaryLayout.
  std::optional<format::Granularity> granularity;
  std::optional<int64_t> groupSize;
  const format::Codebook *codebook = nullptr; ///< null: unset
  std::optional<format::ScaleType> scaleType; ///< unset: f16
  /// Format of the head, and of a tied embedding. Unset: the blocks of a GGUF
  /// file; else q8_0, or the type in the checkpoint if numbers are kept.
  std::optional<format::DenseFormat> head;
  /// Numbers of the embedding and of the head also become trits.
  bool isVocabularyTernary = false;
  /// Whether the weights of linear layers become trits; blocks of a GGUF file
  /// never do. Unset: yes, with a warning if they were not trained as trits.
  std::optional<bool> quantize;
  bool isStrided = false; ///< groups of four of random weights are strided
  /// Types of weights by name, which override all other fields: random weights
  /// can have the types of another model.
  std::map<std::string, WeightType> types;
};

/// A weight of the graph.
struct PlannedWeight {
  std::string name; ///< name of its symbol
  int64_t count;    ///< number of tensors: one, or one per layer
  /// Name of the tensor in the checkpoint, where {} stands for the layer.
  std::string source;
  llvm::SmallVector<int64_t, 2> shape;
  WeightType type;
};

struct WeightPlan {
  std::vector<PlannedWeight> weights; ///< in the order of the graph
  /// How numbers become trits, if weights of linear layers do.
  TernaryWeights projection;
};

/// Follows the options and, where they are unset, the checkpoint: blocks are
/// kept unchanged, numbers in F32, F16 and BF16 are projected onto 3:4-sparse
/// trits or rounded, unless `keepNumbers`. `checkpoint` is null for random
/// weights. Writes notes to `log` about types that cannot be kept.
llvm::Expected<WeightPlan> planWeights(const WeightOptions &options,
                                       bool keepNumbers,
                                       const ModelConfig &config,
                                       Checkpoint *checkpoint,
                                       llvm::raw_ostream &log);

/// Whether the checkpoint stores linear layers in types of trits (not as
/// numbers that happen to be trits) that lack the pattern 3:4.
llvm::Expected<bool> storesTritsWithoutPattern(const ModelConfig &config,
                                               Checkpoint &checkpoint);

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTPLAN_H
