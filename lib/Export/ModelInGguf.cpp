//===- ModelInGguf.cpp - Describes a model in a GGUF file -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenizerInGguf.h"
#include "sherry/Export/ModelDescription.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

#include <cmath>

using namespace llvm;
using namespace sherry;

static void describeSampling(const ModelConfig &config, GgufWriter &writer,
                             std::set<std::string> &notes) {
  for (const SamplingField &field : listSamplingFields()) {
    auto it = config.sampling.find(field.name);
    if (it == config.sampling.end())
      continue;
    if (!field.ggufKey)
      notes.insert(std::string(field.name) +
                   " of generation_config.json has no key in GGUF files; it is "
                   "left out there");
    else if (field.isInteger)
      writer.addInteger(field.ggufKey, static_cast<uint32_t>(it->second));
    else
      writer.addNumber(field.ggufKey, static_cast<float>(it->second));
  }
}

/// Whether a key describes the file, not the model in it.
static bool describesFile(StringRef key) {
  return key == "general.file_type" || key == "general.alignment" ||
         key == "general.quantization_version" || key.starts_with("split.") ||
         key.starts_with("quantize.") || key.starts_with("sherry.");
}

Error sherry::describeInGguf(const ModelFiles &files, StringRef pre,
                             GgufWriter &writer, std::set<std::string> &notes) {
  const ModelConfig &config = files.config;
  std::string name = config.architecture->ggufName;
  if (files.gguf) {
    // describeRope() writes a rope scaling that has an effect.
    auto describesRope = [&](StringRef key) {
      return config.ropeScaling && key.consume_front(name + ".rope.") &&
             (key.starts_with("scaling.") || key == "scale_linear");
    };
    for (const auto &[key, value] : files.gguf->getValues())
      if (!describesFile(key) && !describesRope(key))
        writer.addValue(key, value);
    return Error::success();
  }
  writer.addString("general.architecture", name);
  writer.addString("general.type", "model");
  auto addInteger = [&](StringRef key, int64_t value) {
    writer.addInteger((name + "." + key).str(), static_cast<uint32_t>(value));
  };
  addInteger("block_count", config.numLayers);
  addInteger("context_length", config.maxPositionEmbeddings);
  addInteger("embedding_length", config.hiddenSize);
  addInteger("feed_forward_length", config.intermediateSize);
  addInteger("attention.head_count", config.numHeads);
  addInteger("attention.head_count_kv", config.numKeyValueHeads);
  addInteger("attention.key_length", config.headDim);
  addInteger("attention.value_length", config.headDim);
  addInteger("rope.dimension_count", config.headDim);
  addInteger("vocab_size", config.vocabSize);
  if (config.architecture->hasSubNorms)
    writer.addString(name + ".hidden_activation",
                     config.activation == GateActivation::Relu2 ? "relu2"
                                                                : "silu");
  writer.addNumber(name + ".attention.layer_norm_rms_epsilon",
                   static_cast<float>(config.rmsNormEps));
  writer.addNumber(name + ".rope.freq_base",
                   static_cast<float>(config.ropeTheta));
  describeSampling(config, writer, notes);
  return describeTokenizer(files, pre, writer, notes);
}

/// As llama.cpp reads it, see GgufTranslator::takeRope().
Expected<std::vector<float>> sherry::describeRope(const ModelConfig &config,
                                                  GgufWriter &writer) {
  if (!config.ropeScaling)
    return std::vector<float>();
  const RopeScaling &scaling = *config.ropeScaling;
  const Architecture &architecture = *config.architecture;
  std::string prefix = std::string(architecture.ggufName) + ".rope.scaling.";
  auto addNumber = [&](const char *key, double value) {
    writer.addNumber(prefix + key, static_cast<float>(value));
  };
  if (scaling.type == RopeScaling::Type::Linear) {
    writer.addString(prefix + "type", "linear");
    addNumber("factor", scaling.factor);
    return std::vector<float>();
  }
  if (scaling.type == RopeScaling::Type::Yarn && scaling.truncates) {
    writer.addString(prefix + "type", "yarn");
    addNumber("factor", scaling.factor);
    writer.addInteger(
        prefix + "original_context_length",
        static_cast<uint32_t>(scaling.originalMaxPositionEmbeddings));
    addNumber("yarn_beta_fast", scaling.betaFast);
    addNumber("yarn_beta_slow", scaling.betaSlow);
    double usual = 1 + 0.1 * std::log(scaling.factor);
    if (scaling.magnitude != usual)
      addNumber("attn_factor", scaling.magnitude / usual);
    return std::vector<float>();
  }
  if (!architecture.ggufHasRopeFreqs)
    return makeError(
        Problem::NeedsFolder,
        "GGUF files cannot hold the rope scaling of this model: readers of " +
            quote(architecture.ggufName) + " ignore rope_freqs.weight");
  if (scaling.magnitude != 1)
    addNumber("attn_factor", scaling.magnitude);
  std::vector<double> divisors = listRopeDivisors(config);
  return std::vector<float>(divisors.begin(), divisors.end());
}
