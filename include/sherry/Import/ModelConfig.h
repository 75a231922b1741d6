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

#include "sherry-abi/limits.h"
#include "sherry/Format/Layout.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sherry {

/// What a file means that leaves a field out; nothing: the field must be there.
struct ConfigDefaults {
  std::optional<int64_t> context; ///< max_position_embeddings
  std::optional<double> epsilon;  ///< rms_norm_eps
  int64_t headDim;                ///< 0: hidden_size / num_attention_heads
  int64_t numKeyValueHeads;       ///< 0: num_attention_heads
  int64_t window;                 ///< sliding_window; 0: none
  double ropeTheta = 10000;       ///< rope_theta
};

/// What the gate of a feed-forward network passes through.
enum class GateActivation { Silu, Relu2 };

/// What tells an architecture from others that are made like LLaMA. Adding one
/// is an entry of the table in ModelConfig.cpp, see docs/Architectures.md.
struct Architecture {
  const char *name;      ///< model_type in config.json
  const char *className; ///< of "architectures" in config.json
  const char *ggufName;  ///< general.architecture in GGUF files
  /// Of config.json: those of the class in Hugging Face transformers.
  ConfigDefaults defaults;
  bool hasQkvBias; ///< queries, keys and values get a bias
  /// Whether the heads of queries and keys are normalised, and when.
  enum class QkNorm { None, BeforeRope, AfterRope } qkNorm;
  const char *queryNorm, *keyNorm; ///< their modules in self_attn
  /// GGUF files have the rows of q and k for rope on neighbours.
  bool ggufInterleavesHeads;
  /// Readers of GGUF files take a rope_freqs.weight.
  bool ggufHasRopeFreqs;
  /// The inputs of the last linear layers of attention and of the feed-forward
  /// network are normalised.
  bool hasSubNorms = false;
  /// Unless `hidden_act` says otherwise.
  GateActivation activation = GateActivation::Silu;

  /// Null if there is none of this name.
  static const Architecture *byName(llvm::StringRef name);
  static const Architecture *byGgufName(llvm::StringRef name);
};

/// How rope's frequencies differ from theta^(-2i / head_dim), and its cosines
/// and sines from those of their angles. See docs/Architectures.md.
struct RopeScaling {
  enum class Type { Linear, Llama3, Yarn, Table } type;
  double factor = 1;    ///< at least 1; of all types but Table
  double magnitude = 1; ///< of cosines and sines; 1 unless Yarn or Table
  int64_t originalMaxPositionEmbeddings = 0;    ///< Llama3, Yarn
  double lowFreqFactor = 0, highFreqFactor = 0; ///< Llama3: 0 < low < high
  double betaFast = 0, betaSlow = 0;            ///< Yarn: 0 < slow < fast
  bool truncates = true;                        ///< Yarn
  std::vector<float> divisors; ///< Table: head_dim / 2, positive
};

/// A linear layer of each block.
struct LinearLayer {
  const char *name;   ///< of its weight in the graph
  const char *module; ///< in the checkpoint
  int64_t outputs, inputs;
};

/// What quantization leaves as it is.
struct ModuleSelection {
  std::vector<std::string> modulesToNotConvert;
  /// What these name of the linear layers of a block, by their modules.
  std::vector<std::string> denseModules;

  bool isDense(const LinearLayer &linear) const;
};

/// How a Sherry checkpoint was trained.
struct QuantizationConfig : ModuleSelection {
  format::Granularity granularity;
  int64_t groupSize; ///< a positive multiple of 4; meaningful if PerGroup
  const format::Codebook *codebook = &format::k3of4;
};

/// How a BitNet checkpoint has the weights of its linear layers: as trits, four
/// to a byte, and a number `weight_scale`, by which they are multiplied or
/// divided; or as numbers that are rounded when the model is loaded.
struct BitNetConfig : ModuleSelection {
  enum class Form { Multiply, Divide, Latent } form;
};

/// Its name in "granularity".
llvm::StringRef getGranularityName(format::Granularity granularity);

class FieldReader;

/// The field "codebook" of quantization_config; 3:4 if it is missing, as older
/// checkpoints have no other. Refuses "N" and "M" that contradict it.
const format::Codebook *readCodebook(FieldReader &fields);

/// The largest size of a model: products of two fit int64.
inline constexpr int64_t kMaxSize = SHERRY_ABI_MAX_SIZE;
inline constexpr int64_t kMaxHeadDim = 1 << 16;

/// A value by which tokens are chosen.
struct SamplingField {
  const char *name;    ///< in generation_config.json and in descriptions
  const char *ggufKey; ///< llama.cpp's; null: there is none
  double min, max;
  bool isInteger;
};
llvm::ArrayRef<SamplingField> listSamplingFields();

struct TranslatedConfig;

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
  GateActivation activation;
  double rmsNormEps; ///< positive, also as f32
  double ropeTheta;
  std::optional<RopeScaling> ropeScaling;
  int64_t maxPositionEmbeddings;
  bool tieWordEmbeddings;
  std::optional<QuantizationConfig> quantization;
  std::optional<BitNetConfig> bitNet;     ///< not with `quantization`
  std::optional<int64_t> bosTokenId;      ///< below vocabSize
  llvm::SmallVector<int64_t> eosTokenIds; ///< below vocabSize
  /// What the author of the model recommends, by SamplingField::name.
  std::map<std::string, double> sampling;
  std::vector<std::string> notes; ///< for the user, of what was left out

  /// Whether the inputs of its ternary weights were quantized in training, with
  /// one scale per token.
  bool isTrainedPerToken() const {
    return bitNet || llvm::StringRef(architecture->name) == "bitnet";
  }

  /// Reads config.json and, if it is there, generation_config.json.
  static llvm::Expected<ModelConfig> load(llvm::StringRef directory);

  /// Reads the text of a config.json. The identifier of the buffer is the
  /// file's name in messages, here and below.
  static llvm::Expected<ModelConfig> parse(llvm::MemoryBufferRef json);

  /// Reads what another file says, by the names that it has there.
  static llvm::Expected<ModelConfig> parse(llvm::StringRef file,
                                           const TranslatedConfig &translated);

  /// Takes over what the text of a generation_config.json says.
  llvm::Error applyGenerationConfig(llvm::MemoryBufferRef json);
};

/// What rope_scaling divides the frequency theta^(-2i / head_dim) of each pair
/// by; empty if there is none.
std::vector<double> listRopeDivisors(const ModelConfig &config);
/// The frequency of each pair, in radians per position.
std::vector<double> computeRopeFrequencies(const ModelConfig &config);

/// In the order of the graph.
llvm::SmallVector<LinearLayer> listLinearLayers(const ModelConfig &config);

/// The tensor of its weight in the checkpoint.
std::string nameWeight(const LinearLayer &linear, int64_t layer);

} // namespace sherry

#endif // SHERRY_IMPORT_MODELCONFIG_H
