//===- ModelConfig.h - The configuration of a model -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads config.json and generation_config.json of a Hugging Face folder, and
// refuses models that Sherry does not compile; messages name the field.
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

/// Values of fields that a file leaves out; nothing: the field must be there.
struct ConfigDefaults {
  std::optional<int64_t> context; ///< max_position_embeddings
  std::optional<double> epsilon;  ///< rms_norm_eps
  int64_t headDim;                ///< 0: hidden_size / num_attention_heads
  int64_t numKeyValueHeads;       ///< 0: num_attention_heads
  int64_t window;                 ///< sliding_window; 0: none
  double ropeTheta = 10000;       ///< rope_theta
};

/// The function that a feed-forward network applies to its gate.
enum class GateActivation { Silu, Relu2 };

/// The differences between an architecture and LLaMA. A new architecture is a
/// new entry of the table in ModelConfig.cpp, see docs/Architectures.md.
struct Architecture {
  const char *name;      ///< model_type in config.json
  const char *className; ///< in "architectures" of config.json
  const char *ggufName;  ///< general.architecture in GGUF files
  /// Defaults of config.json: those of the class in Hugging Face transformers.
  ConfigDefaults defaults;
  bool hasQkvBias; ///< queries, keys and values get a bias
  /// Whether and when the heads of queries and keys are normalised.
  enum class QkNorm { None, BeforeRope, AfterRope } qkNorm;
  const char *queryNorm, *keyNorm; ///< modules of the norms in self_attn
  /// GGUF files have the rows of q and k in the order for rope on adjacent
  /// pairs.
  bool ggufInterleavesHeads;
  /// GGUF files may have a tensor rope_freqs.weight.
  bool ggufHasRopeFreqs;
  /// The inputs of the last linear layers of attention and of the feed-forward
  /// network are normalised.
  bool hasSubNorms = false;
  /// The activation, unless `hidden_act` gives another.
  GateActivation activation = GateActivation::Silu;

  /// The architecture of this name, or null.
  static const Architecture *byName(llvm::StringRef name);
  static const Architecture *byGgufName(llvm::StringRef name);
};

/// How rope changes the frequencies theta^(-2i / head_dim) and the magnitude of
/// cosines and sines. See docs/Architectures.md.
struct RopeScaling {
  enum class Type { Linear, Llama3, Yarn, Table } type;
  double factor = 1;    ///< at least 1; of all types except Table
  double magnitude = 1; ///< of cosines and sines; 1 unless Yarn or Table
  int64_t originalMaxPositionEmbeddings = 0;    ///< Llama3, Yarn
  double lowFreqFactor = 0, highFreqFactor = 0; ///< Llama3: 0 < low < high
  double betaFast = 0, betaSlow = 0;            ///< Yarn: 0 < slow < fast
  bool truncates = true;                        ///< Yarn
  std::vector<float> divisors; ///< Table: head_dim / 2, positive
};

/// A linear layer of each transformer layer.
struct LinearLayer {
  const char *name;   ///< name of its weight in the graph
  const char *module; ///< name of its module in the checkpoint
  int64_t outputs, inputs;
};

/// The modules that quantization leaves unchanged.
struct ModuleSelection {
  std::vector<std::string> modulesToNotConvert;
  /// The linear layers of a transformer layer that are among them, by module.
  std::vector<std::string> denseModules;

  bool isDense(const LinearLayer &linear) const;
};

/// How a Sherry checkpoint was trained.
struct QuantizationConfig : ModuleSelection {
  format::Granularity granularity;
  int64_t groupSize; ///< a positive multiple of 4; meaningful if PerGroup
  const format::Codebook *codebook = &format::k3of4;
};

/// How a BitNet checkpoint stores the weights of its linear layers: as trits,
/// four per byte, with a number `weight_scale` that multiplies or divides them;
/// or as numbers that are rounded when the model is loaded.
struct BitNetConfig : ModuleSelection {
  enum class Form { Multiply, Divide, Latent } form;
};

/// The name of a granularity in the field "granularity".
llvm::StringRef getGranularityName(format::Granularity granularity);

class FieldReader;

/// Reads the field "codebook" of quantization_config; 3:4 if the field is
/// missing, because older checkpoints have no other codebook. Refuses fields
/// "N" and "M" that contradict it.
const format::Codebook *readCodebook(FieldReader &fields);

/// The largest size in a model: the product of two sizes fits int64.
inline constexpr int64_t kMaxSize = SHERRY_ABI_MAX_SIZE;
inline constexpr int64_t kMaxHeadDim = 1 << 16;

/// A parameter of sampling.
struct SamplingField {
  const char *name;    ///< in generation_config.json and in descriptions
  const char *ggufKey; ///< llama.cpp's key; null: it has none
  double min, max;
  bool isInteger;
};
llvm::ArrayRef<SamplingField> listSamplingFields();

struct TranslatedConfig;

/// The configuration of a model. Sizes are positive and at most kMaxSize.
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
  /// Values that the author of the model recommends, by SamplingField::name.
  std::map<std::string, double> sampling;
  std::vector<std::string> notes; ///< for the user, about ignored values

  /// Whether training quantized the inputs of ternary weights with one scale
  /// per token.
  bool isTrainedPerToken() const {
    return bitNet || llvm::StringRef(architecture->name) == "bitnet";
  }

  /// Reads config.json and, if it exists, generation_config.json.
  static llvm::Expected<ModelConfig> load(llvm::StringRef directory);

  /// Reads the text of a config.json. Messages name the file by the identifier
  /// of the buffer, here and below.
  static llvm::Expected<ModelConfig> parse(llvm::MemoryBufferRef json);

  /// Reads the values of another file, which messages name by their keys in
  /// this file.
  static llvm::Expected<ModelConfig> parse(llvm::StringRef file,
                                           const TranslatedConfig &translated);

  /// Applies the text of a generation_config.json.
  llvm::Error applyGenerationConfig(llvm::MemoryBufferRef json);
};

/// The numbers by which rope_scaling divides the frequency theta^(-2i /
/// head_dim) of each pair; empty without rope_scaling.
std::vector<double> listRopeDivisors(const ModelConfig &config);
/// The frequency of each pair, in radians per position.
std::vector<double> computeRopeFrequencies(const ModelConfig &config);

/// The linear layers of a transformer layer, in the order of the graph.
llvm::SmallVector<LinearLayer> listLinearLayers(const ModelConfig &config);

/// The name of the tensor of the weight in the checkpoint.
std::string nameWeight(const LinearLayer &linear, int64_t layer);

} // namespace sherry

#endif // SHERRY_IMPORT_MODELCONFIG_H
