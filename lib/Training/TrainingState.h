//===- TrainingState.h - The state of a run in a checkpoint -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// training_state.safetensors has in F32, for each parameter NAME: "NAME", the
// latent weights; "NAME.mean" and "NAME.square" of AdamW; and, in runs with
// diagnostics, "NAME.trits" and "NAME.changed". training_state.json has the
// rest, including hashes of the inputs of the run.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_TRAININGSTATE_H
#define SHERRY_LIB_TRAINING_TRAININGSTATE_H

#include "sherry/Training/AdamW.h"
#include "sherry/Training/Diagnostics.h"
#include "sherry/Training/ModelFolder.h"

namespace sherry::training {

struct TrainingState {
  Transformer &model;
  AdamW &optimizer;
  TrappedWeights *trapped; ///< null: no diagnostics
  int64_t step = 0;        ///< completed steps
  double seconds = 0;      ///< time of these steps
  std::string textHash;    ///< of the tokens of all texts
  /// Hashes by hashModel() of the model to start from and of the teacher;
  /// empty: none.
  std::string modelHash, teacherHash;

  llvm::Error save(llvm::StringRef folder, const TrainingConfig &config) const;

  /// Returns an error, which names the key, if the folder has a state of
  /// another run.
  llvm::Error load(llvm::StringRef folder, const TrainingConfig &config);
};

/// A hash of a model's config.json and weights.
std::string hashModel(const ModelDescription &description,
                      const Transformer &model);
std::string hashTokens(llvm::ArrayRef<int32_t> tokens);

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_TRAININGSTATE_H
