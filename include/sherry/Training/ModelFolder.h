//===- ModelFolder.h - Hugging Face folders of the trainer ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_MODELFOLDER_H
#define SHERRY_TRAINING_MODELFOLDER_H

#include "sherry/Training/TextData.h"
#include "sherry/Training/TrainingConfig.h"
#include "sherry/Training/Transformer.h"

namespace sherry::training {

/// What a config.json says.
struct ModelDescription {
  nlohmann::ordered_json json; ///< without quantization_config
  ModelConfig config;
  /// As quantization_config says, which may name any of our quantizers.
  Projection projection;
};

/// Reads the config.json of a folder. Fails if the model is no LLaMA.
llvm::Expected<ModelDescription> readDescription(llvm::StringRef folder);

/// Describes a new model, of the sizes that `config` gives.
llvm::Expected<ModelDescription>
makeDescription(const TrainingConfig &config, const TextTokenizer &tokenizer);

/// The quantizer of a configuration.
Projection makeProjection(const TrainingConfig &config);

/// Opens a checkpoint for evaluation, or as a teacher or a start: its latent
/// weights, to be projected as `projection` says.
llvm::Expected<Transformer> loadModel(llvm::StringRef folder,
                                      const ModelDescription &description,
                                      const Projection &projection);

/// Writes the latent weights and all that belongs to them to a folder that
/// exists. The files of the tokenizer are copied from `tokenizerFolder`.
/// quantization_config names the quantizer; what is not sherry's,
/// sherry-compile refuses by name.
llvm::Error writeModelFolder(llvm::StringRef folder,
                             const ModelDescription &description,
                             const Transformer &model,
                             format::TensorType storage,
                             llvm::StringRef tokenizerFolder);

} // namespace sherry::training

#endif // SHERRY_TRAINING_MODELFOLDER_H
