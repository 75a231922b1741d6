//===- Run.h - A training run -----------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_TRAINING_RUN_H
#define LIB_TRAINING_RUN_H

#include "TrainingState.h"
#include "sherry/Training/Arenas.h"
#include "sherry/Training/RunFolder.h"
#include "sherry/Training/Trainer.h"

#include <chrono>

namespace sherry::training {

/// Seconds since some point in time.
inline double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// A run of the trainer. Throws the exceptions of LibTorch.
class Run {
public:
  Run(const TrainingConfig &config, llvm::raw_ostream &log,
      llvm::function_ref<bool()> isStopped)
      : config(config), log(log), isStopped(isStopped),
        arenas(*Arenas::parseSchedule(
                   config.quantizer == "none" ? "none" : config.arenasSchedule),
               config.arenasWarmup, config.arenasMaximum, config.arenasEnd,
               config.steps) {}

  llvm::Expected<TrainingEnd> run();
  llvm::Expected<nlohmann::ordered_json> measureSteps(int64_t steps);

private:
  llvm::Error open();
  llvm::Error openModel();
  llvm::Error openData();
  llvm::Error openTeacher();
  llvm::Error openState();
  llvm::Expected<bool> openMetrics();
  llvm::Error takeSteps();
  llvm::Error takeStep();
  struct Gradients {
    double loss, norm;
  };
  llvm::Expected<Gradients> computeGradients(double lambda, int64_t parts,
                                             bool keepsTrits);
  llvm::Expected<double> measure(Transformer &measured,
                                 llvm::StringRef what) const;
  llvm::Expected<double> validate();
  llvm::Error saveCheckpoint();
  llvm::Error finish();
  double getLearningRate(int64_t done) const;
  void printProgress(double loss, double lambda, double tokensPerSecond);
  llvm::Error refuse(const llvm::Twine &what, int64_t first,
                     int64_t count) const;
  llvm::Error refuseLast(const llvm::Twine &what) const;
  std::string getLatest() const { return folder ? folder->getLatest() : ""; }
  std::string describeLatest() const;
  int64_t countWeights() const;

  int64_t sequencesPerStep() const {
    return config.batchSize * config.accumulationSteps;
  }
  int64_t tokensPerStep() const {
    return sequencesPerStep() * config.contextLength;
  }
  bool hasValidation() const { return validationTokens.size() >= 2; }
  bool isDue(int64_t interval) const {
    return interval > 0 && state->step % interval == 0;
  }
  format::TensorType getTensorType() const {
    return config.dtype == "bfloat16" ? format::TensorType::BF16
                                      : format::TensorType::F32;
  }
  double getSeconds() const { return state->seconds + now() - started; }

  const TrainingConfig &config;
  llvm::raw_ostream &log;
  llvm::function_ref<bool()> isStopped;
  Arenas arenas;
  std::optional<RunFolder> folder; ///< nothing if steps are only measured
  std::optional<Metrics> metrics;
  std::string tokenizerFolder;
  std::optional<TextTokenizer> tokenizer;
  std::optional<ModelDescription> description;
  std::optional<Transformer> model, teacher;
  std::string teacherHash; ///< empty: no teacher
  std::optional<AdamW> optimizer;
  std::optional<TrappedWeights> trapped;
  std::optional<TrainingState> state;
  std::vector<int32_t> trainTokens, validationTokens;
  std::optional<SequenceOrder> order;
  double started = 0;     ///< when this process took its first step
  int64_t savedStep = -1; ///< of the last checkpoint
  int64_t tokensSinceLog = 0;
  double secondsSinceLog = 0; ///< only of steps
};

} // namespace sherry::training

#endif // LIB_TRAINING_RUN_H
