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

/// Trains with `config`, which must be valid. Goes on from the last checkpoint
/// in the output folder, if there is one; steps, losses and checkpoints then
/// equal those of a run without interruption. Prints progress to `log`. When
/// `isStopped` returns true, writes a checkpoint and ends the run.
///
/// Fails on errors such as a loss or gradient that is not finite; the error
/// names the step, the offset in the text and the last checkpoint. A failed run
/// overwrites nothing.
llvm::Expected<TrainingEnd> train(const TrainingConfig &config,
                                  llvm::raw_ostream &log,
                                  llvm::function_ref<bool()> isStopped);

/// Runs `steps` steps with `config`, keeps no result, and reports their cost:
/// the rate of their matrix products, the rate of LibTorch's own products, and
/// memory.
llvm::Expected<nlohmann::ordered_json>
measureSteps(const TrainingConfig &config, int64_t steps);

/// Sets the number of threads; 0: one per physical core.
void setThreads(int64_t threads);

} // namespace sherry::training

#endif // SHERRY_TRAINING_TRAINER_H
