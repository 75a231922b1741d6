//===- ModelDescription.h - Descriptions of a model in files ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_EXPORT_MODELDESCRIPTION_H
#define SHERRY_EXPORT_MODELDESCRIPTION_H

#include "sherry/Export/GgufWriter.h"
#include "sherry/Import/ModelFiles.h"

#include <nlohmann/json.hpp>

namespace sherry {

/// Describes a model and its tokenizer in a GGUF file: copies the values of the
/// GGUF file that the model comes from, or translates the files of a folder.
/// `pre` is the tokenizer.ggml.pre of byte-level tokenizers; empty: the one
/// with the tokenizer's expressions. Fails if none has them, or if the
/// tokenizer is of another kind. Adds to `notes` properties that GGUF files
/// cannot hold.
llvm::Error describeInGguf(const ModelFiles &files, llvm::StringRef pre,
                           GgufWriter &writer, std::set<std::string> &notes);

/// Describes the model's rope scaling in a GGUF file as llama.cpp reads it: by
/// keys, or by the tensor rope_freqs.weight, whose numbers are returned (empty:
/// no tensor). Fails if files of this architecture cannot describe it.
llvm::Expected<std::vector<float>> describeRope(const ModelConfig &config,
                                                GgufWriter &writer);

/// Describes a model in a Hugging Face folder: writes config.json, with
/// `quantization` or without any, and the files of the tokenizer. `source` is
/// the path that `files` were opened from.
llvm::Error
describeInFolder(const ModelFiles &files, llvm::StringRef source,
                 const std::optional<QuantizationConfig> &quantization,
                 llvm::StringRef dtype, llvm::StringRef folder);

/// Fails if a file to be written in a folder is an input file or a link to one,
/// or if the folder has a file of another model that describeInFolder would
/// leave there.
llvm::Error checkFolder(const ModelFiles &files, llvm::StringRef source,
                        llvm::StringRef folder);

/// Copies those files of a folder that describeInFolder copies: all existing
/// files of a model except config.json and the weights.
llvm::Error copyModelFiles(llvm::StringRef source, llvm::StringRef folder);

/// The quantization_config of config.json.
nlohmann::json describeQuantization(const QuantizationConfig &quantization);

} // namespace sherry

#endif // SHERRY_EXPORT_MODELDESCRIPTION_H
