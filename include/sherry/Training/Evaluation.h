//===- Evaluation.h - The loss of a text ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_EVALUATION_H
#define SHERRY_TRAINING_EVALUATION_H

#include "sherry/Training/ModelFolder.h"

namespace sherry::training {

/// A mean of negative log likelihoods, natural.
struct TextLoss {
  double mean = 0;
  int64_t tokens = 0; ///< that were predicted
};

/// Cuts the text into windows of `window` tokens, each of which is read on its
/// own: all tokens of a window but the first are predicted. That is what
/// `sherry-run --perplexity --window` does.
TextLoss measureLoss(Transformer &model, llvm::ArrayRef<int32_t> tokens,
                     int64_t window, int64_t batchSize);

struct EvaluationOptions {
  std::string folder; ///< of a Hugging Face checkpoint
  std::vector<std::string> files;
  int64_t window, batchSize;
  /// Not set: as the folder's quantization_config says.
  std::optional<Projection> projection;
};

/// The loss of files under a checkpoint whose weights are projected.
llvm::Expected<nlohmann::ordered_json>
evaluate(const EvaluationOptions &options);

} // namespace sherry::training

#endif // SHERRY_TRAINING_EVALUATION_H
