//===- OtherModels.cpp - Fields of models that are not compiled -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A field that this compiler does not know may change the results of a model.
// The tables list fields that do so in models like LLaMA, with the values that
// change nothing; a new field is a new row.
//
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

namespace {

/// Values of a field that change nothing.
enum class Neutral {
  Off,        ///< false, 0, or a list of them
  UpToOne,    ///< a number of experts
  One,        ///< of a factor
  True,       ///< or 1, or a list of them
  HeadSize,   ///< the size of a head
  Attention,  ///< 1 / sqrt(the size of a head)
  Activation, ///< that of the architecture
};

struct OtherField {
  const char *name; ///< in config.json; null: in GGUF files only
  const char *key;  ///< in GGUF files; null: in config.json only
  Neutral neutral;
};

} // namespace

static constexpr OtherField kOtherFields[] = {
    // Additions to the linear layers.
    {"attention_bias", nullptr, Neutral::Off},
    {"mlp_bias", nullptr, Neutral::Off},
    // Positions and weights of attention.
    {"use_cla", nullptr, Neutral::Off},
    {"attention_chunk_size", nullptr, Neutral::Off},
    {"is_causal", "attention.causal", Neutral::True},
    {"use_bidirectional_attention", nullptr, Neutral::Off},
    {"is_encoder_decoder", nullptr, Neutral::Off},
    {"attention_multiplier", "attention.scale", Neutral::Attention},
    {"attn_logit_softcapping", "attn_logit_softcapping", Neutral::Off},
    {"attn_temperature_tuning", "attention.temperature_scale", Neutral::Off},
    {"clip_qkv", "attention.clamp_kqv", Neutral::Off},
    {nullptr, "attention.value_length", Neutral::HeadSize},
    {"v_head_dim", nullptr, Neutral::HeadSize},
    {"qk_layernorm", nullptr, Neutral::Off},
    // Rotation of queries and keys by positions.
    {"partial_rotary_factor", nullptr, Neutral::One},
    {"rotary_pct", nullptr, Neutral::One},
    {"rotary_dim", "rope.dimension_count", Neutral::HeadSize},
    {"no_rope_layers", nullptr, Neutral::True},
    {"alibi", "attention.max_alibi_bias", Neutral::Off},
    {nullptr, "rope.dimension_sections", Neutral::Off},
    // Factors.
    {"embedding_multiplier", "embedding_scale", Neutral::One},
    {"embedding_scale", nullptr, Neutral::One},
    {"scale_emb", nullptr, Neutral::One},
    {"residual_multiplier", "residual_scale", Neutral::One},
    {"residual_scale", nullptr, Neutral::One},
    {"logits_scaling", "logit_scale", Neutral::One},
    {"logit_scale", nullptr, Neutral::One},
    {"final_logit_softcapping", "final_logit_softcapping", Neutral::Off},
    // Parts of a layer.
    {"hidden_act", "hidden_activation", Neutral::Activation},
    {"use_parallel_residual", "use_parallel_residual", Neutral::Off},
    {"num_local_experts", "expert_count", Neutral::UpToOne},
    {"num_experts", nullptr, Neutral::UpToOne},
    {"n_routed_experts", nullptr, Neutral::UpToOne},
    {nullptr, "nextn_predict_layers", Neutral::Off},
};

/// Whether `value`, or each of its elements, is a number or a flag that
/// `holds`.
static bool all(const json &value, function_ref<bool(double)> holds) {
  if (value.is_boolean())
    return holds(value.get<bool>() ? 1 : 0);
  if (value.is_number())
    return holds(value.get<double>());
  return value.is_array() &&
         all_of(value, [&](const json &item) { return all(item, holds); });
}

static bool isActivation(const json &value, GateActivation activation) {
  if (activation == GateActivation::Relu2)
    return value == "relu2";
  return value == "silu" || value == "swish";
}

/// `zeroIsNone`: a factor of 0 has no effect, as llama.cpp reads GGUF files.
static bool isNeutral(const json &value, Neutral neutral,
                      const ModelConfig &config, bool zeroIsNone) {
  auto size = static_cast<double>(config.headDim);
  switch (neutral) {
  case Neutral::Off:
    return all(value, [](double x) { return x == 0; });
  case Neutral::UpToOne:
    return all(value, [](double x) { return x == 0 || x == 1; });
  case Neutral::One:
    return all(value,
               [&](double x) { return x == 1 || (zeroIsNone && x == 0); });
  case Neutral::True:
    return all(value, [](double x) { return x == 1; });
  case Neutral::HeadSize:
    return all(value, [&](double x) { return x == size; });
  case Neutral::Attention:
    return all(value, [&](double x) {
      // Files round the number, at worst to bf16.
      constexpr double rounding = 1.0 / (1 << 9);
      return (zeroIsNone && x == 0) ||
             std::fabs(x * std::sqrt(size) - 1) <= rounding;
    });
  case Neutral::Activation:
    return isActivation(value, config.activation);
  }
  llvm_unreachable("unknown kind of field");
}

static std::string nameNeutral(Neutral neutral, const ModelConfig &config) {
  switch (neutral) {
  case Neutral::Off:
    return "false or 0";
  case Neutral::UpToOne:
    return "0 or 1";
  case Neutral::One:
    return "1";
  case Neutral::True:
    return "true";
  case Neutral::HeadSize:
    return std::to_string(config.headDim) + ", the size of a head";
  case Neutral::Attention:
    return "1 / sqrt(" + std::to_string(config.headDim) + ")";
  case Neutral::Activation:
    return config.activation == GateActivation::Relu2 ? "\"relu2\""
                                                      : "\"silu\"";
  }
  llvm_unreachable("unknown kind of field");
}

static void refuse(FieldReader &reader, const ModelConfig &config,
                   const char *OtherField::*name) {
  const bool isGguf = name == &OtherField::key;
  for (const OtherField &field : kOtherFields) {
    if (!(field.*name))
      continue;
    const json *value = reader.find(field.*name);
    if (value && !isNeutral(*value, field.neutral, config, isGguf))
      reader.refuse(field.*name,
                    nameNeutral(field.neutral, config) +
                        "; models that differ from LLaMA in it are not "
                        "supported");
  }
}

void sherry::refuseOtherModels(FieldReader &reader, const ModelConfig &config) {
  refuse(reader, config, &OtherField::name);
  bool hasNorm = config.architecture->qkNorm != Architecture::QkNorm::None;
  if (reader.getBool("use_qk_norm", hasNorm) != hasNorm)
    reader.refuse("use_qk_norm", hasNorm ? "true" : "false");
}

void sherry::refuseOtherKeys(FieldReader &reader, const ModelConfig &config) {
  refuse(reader, config, &OtherField::key);
}

void sherry::refuseWindows(FieldReader &reader, const ModelConfig &config,
                           int64_t window) {
  // Qwen may have a window in the layers after the first max_window_layers;
  // newer files list the kinds of all layers.
  bool isQwen = StringRef(config.architecture->name).starts_with("qwen");
  if (!reader.getBool("use_sliding_window", !isQwen))
    return;
  if (reader.find("use_sliding_window") && reader.find("max_window_layers") &&
      reader.getInteger("max_window_layers", 0, INT64_MAX) >= config.numLayers)
    return;
  if (const json *types = reader.find("layer_types")) {
    auto isFull = [](const json &type) { return type == "full_attention"; };
    if (types->is_array() && all_of(*types, isFull))
      return;
    auto isWindow = [](const json &type) {
      return type == "sliding_attention";
    };
    if (!types->is_array() || any_of(*types, [&](const json &type) {
          return !isFull(type) && !isWindow(type);
        }))
      return reader.refuse("layer_types",
                           "a list of \"full_attention\"; layers of other "
                           "kinds are not supported");
  }
  if (!reader.isNull("sliding_window"))
    window = reader.getInteger("sliding_window", 0, INT64_MAX, window);
  else
    window = 0;
  if (window != 0 && window < config.maxPositionEmbeddings)
    reader.refuse(
        "sliding_window",
        "null or at least " + reader.spell("max_position_embeddings") +
            ", which is " + Twine(config.maxPositionEmbeddings) +
            "; attention within a window is not supported, so lower " +
            reader.spell("max_position_embeddings") +
            " to compile the model for texts that fit the window");
}
