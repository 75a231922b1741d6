//===- TrainingConfig.h - Configuration of a training run -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The keys of sherry-train's configuration file. One table describes them; the
// reader, the flags of the command line, --help and the record of a run use it.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_TRAININGCONFIG_H
#define SHERRY_TRAINING_TRAININGCONFIG_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

namespace sherry::training {

/// The table of keys documents the members. Shares are of all steps.
struct TrainingConfig {
  std::string model, tokenizer;
  int64_t hiddenSize = 256, intermediateSize = 768, numLayers = 4;
  int64_t numHeads = 4, numKeyValueHeads = 0, headDim = 0, vocabSize = 0;
  int64_t maxPositionEmbeddings = 2048;
  double rmsNormEps = 1e-5, ropeTheta = 10000;
  double ropeScalingFactor = 0, ropeLowFreqFactor = 1, ropeHighFreqFactor = 4;
  int64_t ropeOriginalContext = 8192;
  bool tieWordEmbeddings = true;
  double initializerRange = 0.02;

  std::vector<std::string> trainFiles, validationFiles;
  int64_t contextLength = 256, batchSize = 16, accumulationSteps = 1;

  std::string quantizer = "sherry", codebook = "3:4", granularity = "per_group";
  int64_t groupSize = 128;
  std::string arenasSchedule = "cosine";
  double arenasWarmup = 0.1, arenasMaximum = 1, arenasEnd = 0.95;

  int64_t steps = 1000;
  double learningRate = 1e-3;
  std::string learningRateSchedule = "cosine";
  double learningRateWarmup = 0.05, learningRateMinimum = 0.1;
  double weightDecay = 0.1, adamBeta1 = 0.9, adamBeta2 = 0.95;
  double adamEpsilon = 1e-8, maxGradientNorm = 1;
  int64_t seed = 1;

  std::string teacher;
  double distillationShare = 0.5, distillationTemperature = 1;

  std::string output, dtype = "bfloat16";
  int64_t checkpointInterval = 500, keepCheckpoints = 2;
  int64_t logInterval = 10, validationInterval = 250, diagnosticsInterval = 0;
  int64_t trappedSteps = 100, histogramBins = 61;
  int64_t threads = 0;

  /// Applies the keys of an object; `source` names its origin in messages.
  /// Fails on unknown keys and on values out of range.
  llvm::Error apply(const nlohmann::json &object, llvm::StringRef source);
  /// Reads a file of keys.
  llvm::Error load(llvm::StringRef path);
  /// Checks that the values of different keys agree.
  llvm::Error validate() const;
  /// All keys with their values, in the order of the table.
  nlohmann::ordered_json toJson() const;
};

struct ConfigKey {
  const char *name;
  const char *section; ///< section of --help
  const char *help;
  std::variant<int64_t TrainingConfig::*, double TrainingConfig::*,
               bool TrainingConfig::*, std::string TrainingConfig::*,
               std::vector<std::string> TrainingConfig::*>
      member;
  double min = 0, max = 0;           ///< of numbers
  std::vector<const char *> choices; ///< of strings; empty: any
  /// A run cannot go on with another value, because its records would differ.
  /// Paths of files may change; their contents are compared.
  bool isFixed = true;
};

llvm::ArrayRef<ConfigKey> listConfigKeys();

/// The value of a key.
nlohmann::json getValue(const TrainingConfig &config, const ConfigKey &key);

} // namespace sherry::training

#endif // SHERRY_TRAINING_TRAININGCONFIG_H
