//===- Trainer.h - A training run -------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_TRAINER_H
#define SHERRY_TRAINING_TRAINER_H

#include "sherry/Training/TrainingConfig.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace sherry::training {

enum class TrainingEnd { Complete, Interrupted };

/// Trains as `config`, which is valid, says. Goes on from the last checkpoint
/// in the output folder, if there is one; steps, losses and checkpoints are
/// then those of a run that was never interrupted. Prints progress to `log`.
/// Once `isStopped` returns true, a checkpoint is written and the run ends.
///
/// Fails, among others, on a loss or a gradient that is not finite, naming the
/// step, the place in the text and the last checkpoint; nothing is overwritten.
llvm::Expected<TrainingEnd> train(const TrainingConfig &config,
                                  llvm::raw_ostream &log,
                                  llvm::function_ref<bool()> isStopped);

/// Takes `steps` steps of such a run, of which nothing is kept, and says what
/// they cost: the rate of their matrix products, beside that of LibTorch's own,
/// and memory.
llvm::Expected<nlohmann::ordered_json>
measureSteps(const TrainingConfig &config, int64_t steps);

/// Sets the number of threads; 0: one for each physical core.
void setThreads(int64_t threads);

} // namespace sherry::training

#endif // SHERRY_TRAINING_TRAINER_H
