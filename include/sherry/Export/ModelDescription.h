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

/// Describes a model and its tokenizer in a GGUF file: takes over the values of
/// the GGUF file that it comes from, or says the same of a folder. `pre` is the
/// tokenizer.ggml.pre of byte-level tokenizers; empty: that which has their
/// expressions. Fails if there is none, or the tokenizer is of another kind.
/// Adds to `notes` what such files cannot say.
llvm::Error describeInGguf(const ModelFiles &files, llvm::StringRef pre,
                           GgufWriter &writer, std::set<std::string> &notes);

/// Says the model's rope scaling in a GGUF file as llama.cpp reads it: by keys,
/// or by the tensor rope_freqs.weight, whose numbers are returned; empty: none.
/// Fails if files of this architecture cannot say it.
llvm::Expected<std::vector<float>> describeRope(const ModelConfig &config,
                                                GgufWriter &writer);

/// Describes a model in a Hugging Face folder: config.json, which says
/// `quantization` of it or that it has none, and the files of the tokenizer.
/// `source` is the path that `files` were opened from.
llvm::Error
describeInFolder(const ModelFiles &files, llvm::StringRef source,
                 const std::optional<QuantizationConfig> &quantization,
                 llvm::StringRef dtype, llvm::StringRef folder);

/// Fails if a file of a folder that is written is one of those that are read,
/// or a link to one, and if the folder has one that describeInFolder would
/// leave there: another model's.
llvm::Error checkFolder(const ModelFiles &files, llvm::StringRef source,
                        llvm::StringRef folder);

/// What describeInFolder copies of a folder: all files but config.json and the
/// weights, as far as they are there.
llvm::Error copyModelFiles(llvm::StringRef source, llvm::StringRef folder);

/// The quantization_config of config.json.
nlohmann::json describeQuantization(const QuantizationConfig &quantization);

} // namespace sherry

#endif // SHERRY_EXPORT_MODELDESCRIPTION_H
