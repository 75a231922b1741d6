//===- ModelConfig.h - What config.json says about a model ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads config.json and generation_config.json of a Hugging Face folder and
// refuses what Sherry does not compile, naming the field.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_MODELCONFIG_H
#define SHERRY_IMPORT_MODELCONFIG_H

#include "sherry/Format/Layout.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <optional>
#include <string>
#include <vector>

namespace sherry {

/// What tells an architecture from others that are made like LLaMA. Adding one
/// is an entry of the table in ModelConfig.cpp, see docs/Architectures.md.
struct Architecture {
  const char *name;      ///< model_type in config.json
  const char *className; ///< of "architectures" in config.json
  const char *ggufName;  ///< general.architecture in GGUF files
  bool hasQkvBias;       ///< queries, keys and values get a bias
  /// Whether the heads of queries and keys are normalised, and when.
  enum class QkNorm { None, BeforeRope, AfterRope } qkNorm;
  const char *queryNorm, *keyNorm; ///< their modules in self_attn
  /// GGUF files have the rows of q and k for rope on neighbours.
  bool ggufInterleavesHeads;

  /// Null if there is none of this name.
  static const Architecture *byName(llvm::StringRef name);
  static const Architecture *byGgufName(llvm::StringRef name);
};

/// Rope scaling of type "llama3". factor >= 1, 0 < lowFreqFactor <
/// highFreqFactor.
struct RopeScaling {
  double factor, lowFreqFactor, highFreqFactor;
  int64_t originalMaxPositionEmbeddings;
};

/// How a Sherry checkpoint was trained.
struct QuantizationConfig {
  format::Granularity granularity;
  int64_t groupSize; ///< a positive multiple of 4; meaningful if PerGroup
  std::vector<std::string> modulesToNotConvert;
};

/// Its name in "granularity".
llvm::StringRef getGranularityName(format::Granularity granularity);

/// The largest size of a model: products of two fit int64.
inline constexpr int64_t kMaxSize = 1 << 24;

/// A LLaMA or a model like it. Sizes are positive and at most kMaxSize.
struct ModelConfig {
  const Architecture *architecture;
  int64_t vocabSize;
  int64_t hiddenSize;       ///< multiple of 4
  int64_t intermediateSize; ///< multiple of 4
  int64_t numLayers;
  int64_t numHeads;
  int64_t numKeyValueHeads; ///< divides numHeads
  int64_t headDim;          ///< even; numHeads * headDim is a multiple of 4
  double rmsNormEps;
  double ropeTheta;
  std::optional<RopeScaling> ropeScaling;
  int64_t maxPositionEmbeddings;
  bool tieWordEmbeddings;
  std::optional<QuantizationConfig> quantization;
  std::optional<int64_t> bosTokenId;      ///< below vocabSize
  llvm::SmallVector<int64_t> eosTokenIds; ///< below vocabSize

  /// Reads config.json and, if it is there, generation_config.json.
  static llvm::Expected<ModelConfig> load(llvm::StringRef directory);

  /// Reads the text of a config.json. The identifier of the buffer is the
  /// file's name in messages, here and below.
  static llvm::Expected<ModelConfig> parse(llvm::MemoryBufferRef json);

  /// Takes over what the text of a generation_config.json says.
  llvm::Error applyGenerationConfig(llvm::MemoryBufferRef json);
};

/// A linear layer of each block.
struct LinearLayer {
  const char *name;   ///< of its weight in the graph
  const char *module; ///< in the checkpoint
  int64_t outputs, inputs;
};
llvm::SmallVector<LinearLayer> listLinearLayers(const ModelConfig &config);

/// The tensor of its weight in the checkpoint.
std::string nameWeight(const LinearLayer &linear, int64_t layer);

} // namespace sherry

#endif // SHERRY_IMPORT_MODELCONFIG_H
