//===- Evaluation.h - The loss of a text ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_EVALUATION_H
#define SHERRY_TRAINING_EVALUATION_H

#include "sherry/Training/ModelFolder.h"

namespace sherry::training {

/// A mean of negative natural log likelihoods.
struct TextLoss {
  double mean = 0;
  int64_t tokens = 0; ///< number of predicted tokens
};

/// Cuts the text into windows of `window` tokens and reads each window on its
/// own: all its tokens except the first are predicted. `sherry-run --perplexity
/// --window` does the same.
TextLoss measureLoss(Transformer &model, llvm::ArrayRef<int32_t> tokens,
                     int64_t window, int64_t batchSize);

struct EvaluationOptions {
  std::string folder; ///< a Hugging Face folder
  std::vector<std::string> files;
  int64_t window, batchSize;
  /// Not set: the projection of the folder's quantization_config.
  std::optional<Projection> projection;
};

/// The loss of a checkpoint with projected weights on text files.
llvm::Expected<nlohmann::ordered_json>
evaluate(const EvaluationOptions &options);

} // namespace sherry::training

#endif // SHERRY_TRAINING_EVALUATION_H
