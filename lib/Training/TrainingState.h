//===- TrainingState.h - What a checkpoint adds to a model ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// training_state.safetensors holds in F32, for each parameter NAME: "NAME", the
// latent weights; "NAME.mean" and "NAME.square" of AdamW; and, of runs with
// diagnostics, "NAME.trits" and "NAME.changed". training_state.json holds the
// rest.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_TRAININGSTATE_H
#define SHERRY_LIB_TRAINING_TRAININGSTATE_H

#include "sherry/Training/AdamW.h"
#include "sherry/Training/Diagnostics.h"
#include "sherry/Training/TrainingConfig.h"

namespace sherry::training {

struct TrainingState {
  Transformer &model;
  AdamW &optimizer;
  TrappedWeights *trapped; ///< null: no diagnostics
  int64_t step = 0;        ///< steps that are done
  double seconds = 0;      ///< spent in them
  std::string textHash;    ///< of the tokens of all texts

  llvm::Error save(llvm::StringRef folder, const TrainingConfig &config) const;

  /// Fails, naming the key, if the run in the folder was another one.
  llvm::Error load(llvm::StringRef folder, const TrainingConfig &config);
};

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_TRAININGSTATE_H
