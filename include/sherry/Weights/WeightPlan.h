//===- WeightPlan.h - Which weights a model has -----------------*- C++ -*-===//
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

/// What a user says of the types of weights.
struct WeightOptions {
  /// Unset ones come from the checkpoint's quantization_config, else from the
  /// defaults of TernaryLayout.
  std::optional<format::Granularity> granularity;
  std::optional<int64_t> groupSize;
  const format::Codebook *codebook = nullptr; ///< null is unset
  std::optional<format::ScaleType> scaleType; ///< unset: f16
  /// Of the head, and of the embedding if they are tied. Unset: as a GGUF file
  /// has it in blocks; else q8_0, or the type in the checkpoint if numbers are
  /// kept.
  std::optional<format::DenseFormat> head;
  /// Numbers of the embedding and the head become trits as well.
  bool isVocabularyTernary = false;
  /// Whether the weights of linear layers become trits; blocks of a GGUF file
  /// do not. Unset: yes, with a warning if they were not trained so.
  std::optional<bool> quantize;
  bool isStrided = false; ///< groups of four of random weights are strided
  /// Types of weights by their names, whatever the rest says: random weights
  /// can be those of another model.
  std::map<std::string, WeightType> types;
};

/// A weight of the graph.
struct PlannedWeight {
  std::string name; ///< of its symbol
  int64_t count;    ///< of tensors: one, or one per layer
  /// The tensor in the checkpoint, where {} stands for the layer.
  std::string source;
  llvm::SmallVector<int64_t, 2> shape;
  WeightType type;
};

struct WeightPlan {
  std::vector<PlannedWeight> weights; ///< in the order of the graph
  /// How numbers become trits, if the weights of a linear layer do.
  TernaryWeights projection;
};

/// Follows the options and, where they are silent, the checkpoint: numbers that
/// it holds in blocks are kept as they are, numbers in F32, F16 and BF16 are
/// projected onto 3:4-sparse trits or rounded, unless `keepNumbers`.
/// `checkpoint` is null for random weights. Notes what cannot be kept in `log`.
llvm::Expected<WeightPlan> planWeights(const WeightOptions &options,
                                       bool keepNumbers,
                                       const ModelConfig &config,
                                       Checkpoint *checkpoint,
                                       llvm::raw_ostream &log);

/// Whether linear layers are stored as trits, not as numbers that are some,
/// which have not the pattern of 3:4.
llvm::Expected<bool> storesTritsWithoutPattern(const ModelConfig &config,
                                               Checkpoint &checkpoint);

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTPLAN_H
