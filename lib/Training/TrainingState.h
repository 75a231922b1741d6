//===- TrainingState.h - What a checkpoint adds to a model ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// training_state.safetensors holds in F32, for each parameter NAME: "NAME", the
// latent weights; "NAME.mean" and "NAME.square" of AdamW; and, of runs with
// diagnostics, "NAME.trits" and "NAME.changed". training_state.json holds the
// rest, hashes of what the run is made from among it.
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
  int64_t step = 0;        ///< steps that are done
  double seconds = 0;      ///< spent in them
  std::string textHash;    ///< of the tokens of all texts
  /// Of the model to start from and of the teacher, by hashModel; empty: none.
  std::string modelHash, teacherHash;

  llvm::Error save(llvm::StringRef folder, const TrainingConfig &config) const;

  /// Fails, naming the key, if the run in the folder was another one.
  llvm::Error load(llvm::StringRef folder, const TrainingConfig &config);
};

/// Tells models apart: by the config.json and the weights.
std::string hashModel(const ModelDescription &description,
                      const Transformer &model);
std::string hashTokens(llvm::ArrayRef<int32_t> tokens);

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_TRAININGSTATE_H
