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

/// The contents of a config.json.
struct ModelDescription {
  nlohmann::ordered_json json; ///< without quantization_config
  ModelConfig config;
  /// The projection of quantization_config, with any quantizer of the trainer.
  Projection projection;
};

/// Reads the config.json of a folder. Fails if the model is not a LLaMA.
llvm::Expected<ModelDescription> readDescription(llvm::StringRef folder);

/// Describes a new model of the sizes in `config`.
llvm::Expected<ModelDescription>
makeDescription(const TrainingConfig &config, const TextTokenizer &tokenizer);

/// The quantizer of a configuration.
Projection makeProjection(const TrainingConfig &config);

/// Opens the latent weights of a checkpoint, for evaluation, as a teacher or as
/// the start of a run. The model projects them by `projection`.
llvm::Expected<Transformer> loadModel(llvm::StringRef folder,
                                      const ModelDescription &description,
                                      const Projection &projection);

/// Writes the latent weights, the configuration and the tokenizer to an
/// existing folder. Copies the files of the tokenizer from `tokenizerFolder`.
/// quantization_config names the quantizer; sherry-compile refuses all
/// quantizers except sherry's by name.
llvm::Error writeModelFolder(llvm::StringRef folder,
                             const ModelDescription &description,
                             const Transformer &model,
                             format::TensorType storage,
                             llvm::StringRef tokenizerFolder);

} // namespace sherry::training

#endif // SHERRY_TRAINING_MODELFOLDER_H
