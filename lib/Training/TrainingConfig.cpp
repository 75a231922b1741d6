//===- TrainingConfig.cpp - The keys of a training run --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/TrainingConfig.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::json;

static constexpr double kMaxSize = 1 << 24;
static constexpr double kMaxCount = 1e12;
/// Below 1 also as a float.
static constexpr double kMaxDecay = 0.9999999;

static std::vector<const char *> listCodebookNames() {
  std::vector<const char *> names;
  for (const format::Codebook *codebook : format::kCodebooks)
    names.push_back(codebook->name.data()); // of a literal, which ends with 0
  return names;
}

ArrayRef<ConfigKey> sherry::training::listConfigKeys() {
  using C = TrainingConfig;
  static constexpr const char *model = "Model", *data = "Data",
                              *ternary = "Quantizer and Arenas",
                              *optimizer = "Optimizer",
                              *distillation = "Distillation", *run = "Run";
  static const std::vector<ConfigKey> keys = {
      {"model",
       model,
       "Folder of a Hugging Face checkpoint to start from, which also gives "
       "the "
       "sizes; empty: random weights",
       &C::model,
       0,
       0,
       {},
       false},
      {"tokenizer",
       model,
       "Folder with a tokenizer.json or tokenizer.model; empty: that of the "
       "model",
       &C::tokenizer,
       0,
       0,
       {},
       false},
      {"hidden_size", model, "Width of the residual stream, a multiple of 4",
       &C::hiddenSize, 1, kMaxSize},
      {"intermediate_size", model,
       "Width of the feed-forward network, a multiple of 4",
       &C::intermediateSize, 1, kMaxSize},
      {"num_hidden_layers", model, "Blocks", &C::numLayers, 1, 1024},
      {"num_attention_heads", model, "Heads of the queries", &C::numHeads, 1,
       kMaxSize},
      {"num_key_value_heads", model,
       "Heads of keys and values; 0: as many as of the queries",
       &C::numKeyValueHeads, 0, kMaxSize},
      {"head_dim", model,
       "Width of a head; 0: hidden_size / num_attention_heads", &C::headDim, 0,
       kMaxSize},
      {"vocab_size", model, "Tokens; 0: as many as the tokenizer has",
       &C::vocabSize, 0, kMaxSize},
      {"max_position_embeddings", model,
       "Longest context of the model, for its config.json",
       &C::maxPositionEmbeddings, 1, kMaxSize},
      {"rms_norm_eps", model, "Number that the norms add to the mean square",
       &C::rmsNormEps, 0, 1},
      {"rope_theta", model, "Base of the rotary embedding", &C::ropeTheta, 1,
       1e15},
      {"rope_scaling_factor", model,
       "Factor of LLaMA-3 rope scaling; 0: no scaling", &C::ropeScalingFactor,
       0, 1e6},
      {"rope_low_freq_factor", model, "low_freq_factor of rope scaling",
       &C::ropeLowFreqFactor, 1e-6, 1e6},
      {"rope_high_freq_factor", model, "high_freq_factor of rope scaling",
       &C::ropeHighFreqFactor, 1e-6, 1e6},
      {"rope_original_max_position_embeddings", model,
       "original_max_position_embeddings of rope scaling",
       &C::ropeOriginalContext, 1, kMaxSize},
      {"tie_word_embeddings", model, "Whether the head is the embedding",
       &C::tieWordEmbeddings},
      {"initializer_range", model, "Standard deviation of random weights",
       &C::initializerRange, 0, 100},

      {"train_files",
       data,
       "Texts to train on",
       &C::trainFiles,
       0,
       0,
       {},
       false},
      {"validation_files",
       data,
       "Texts to measure the loss of",
       &C::validationFiles,
       0,
       0,
       {},
       false},
      {"context_length", data, "Tokens of a sequence", &C::contextLength, 2,
       kMaxSize},
      {"batch_size", data, "Sequences that are computed together",
       &C::batchSize, 1, kMaxSize},
      {"gradient_accumulation_steps", data,
       "Batches of an optimizer step, whose gradients are averaged",
       &C::accumulationSteps, 1, kMaxSize},

      {"quantizer",
       ternary,
       "Quantizer of the linear layers of the blocks",
       &C::quantizer,
       0,
       0,
       {"sherry", "binary", "none"}},
      {"codebook", ternary,
       "Trits of the groups of the quantizer sherry: one 0 in four, four 0 in "
       "six, or any three",
       &C::codebook, 0, 0, listCodebookNames()},
      {"granularity",
       ternary,
       "Weights that share a scale",
       &C::granularity,
       0,
       0,
       {"per_tensor", "per_channel", "per_group"}},
      {"group_size", ternary,
       "Inputs that share a scale per_group, a multiple of 4", &C::groupSize, 4,
       kMaxSize},
      {"arenas_schedule",
       ternary,
       "How lambda falls from its maximum to 0; none: lambda is always 0",
       &C::arenasSchedule,
       0,
       0,
       {"cosine", "linear", "exponential", "constant", "none"}},
      {"arenas_warmup", ternary,
       "Share of the steps in which lambda rises from 0 to its maximum",
       &C::arenasWarmup, 0, 1},
      {"arenas_maximum", ternary, "Largest lambda", &C::arenasMaximum, 0, 1e6},
      {"arenas_end", ternary, "Share of the steps from which on lambda is 0",
       &C::arenasEnd, 0, 1},

      {"steps", optimizer, "Optimizer steps of the whole run", &C::steps, 1,
       kMaxSize},
      {"learning_rate", optimizer, "Largest learning rate", &C::learningRate, 0,
       1e38},
      {"learning_rate_schedule",
       optimizer,
       "Shape of the learning rate after the warm-up",
       &C::learningRateSchedule,
       0,
       0,
       {"cosine", "constant"}},
      {"learning_rate_warmup", optimizer,
       "Share of the steps in which the learning rate rises",
       &C::learningRateWarmup, 0, 1},
      {"learning_rate_minimum", optimizer,
       "Share of learning_rate at which cosine ends", &C::learningRateMinimum,
       0, 1},
      {"weight_decay", optimizer, "Weight decay of matrices, as in AdamW",
       &C::weightDecay, 0, 100},
      {"adam_beta1", optimizer, "Decay of the mean of the gradients",
       &C::adamBeta1, 0, kMaxDecay},
      {"adam_beta2", optimizer, "Decay of the mean of their squares",
       &C::adamBeta2, 0, kMaxDecay},
      {"adam_epsilon", optimizer, "Number that AdamW adds to the root",
       &C::adamEpsilon, 1e-30, 1},
      {"max_gradient_norm", optimizer,
       "Largest norm of the gradient, to which larger ones are scaled down; 0: "
       "no limit",
       &C::maxGradientNorm, 0, 1e38},
      {"seed", optimizer,
       "Seed of random weights and of the order of the texts", &C::seed, 0,
       kMaxCount},

      {"teacher",
       distillation,
       "Folder of a dense Hugging Face checkpoint with the same vocabulary; "
       "empty: no distillation",
       &C::teacher,
       0,
       0,
       {},
       false},
      {"distillation_share", distillation,
       "Share of the divergence from the teacher in the loss",
       &C::distillationShare, 0, 1},
      {"distillation_temperature", distillation,
       "Temperature by which both distributions are softened",
       &C::distillationTemperature, 1e-3, 1e3},

      {"output", run, "Folder of the run", &C::output, 0, 0, {}, false},
      {"dtype",
       run,
       "Type of the weights in checkpoints",
       &C::dtype,
       0,
       0,
       {"bfloat16", "float32"}},
      {"checkpoint_interval",
       run,
       "Steps between checkpoints; 0: only the last",
       &C::checkpointInterval,
       0,
       kMaxCount,
       {},
       false},
      {"keep_checkpoints",
       run,
       "Number of checkpoints that are kept",
       &C::keepCheckpoints,
       1,
       kMaxCount,
       {},
       false},
      {"log_interval", run, "Steps between records of the loss",
       &C::logInterval, 1, kMaxCount},
      {"validation_interval", run,
       "Steps between measurements of the validation loss; 0: only at the end",
       &C::validationInterval, 0, kMaxCount},
      {"diagnostics_interval", run, "Steps between diagnostics; 0: none",
       &C::diagnosticsInterval, 0, kMaxCount},
      {"trapped_steps", run,
       "Steps without a change of its trit after which a weight counts as "
       "trapped",
       &C::trappedSteps, 1, kMaxSize},
      {"histogram_bins", run, "Bins of the histograms of latent weights",
       &C::histogramBins, 1, 100000},
      {"threads",
       run,
       "Threads; 0: one for each physical core",
       &C::threads,
       0,
       1024,
       {},
       false},
  };
  return keys;
}

json sherry::training::getValue(const TrainingConfig &config,
                                const ConfigKey &key) {
  return std::visit([&](auto member) { return json(config.*member); },
                    key.member);
}

namespace {
/// Reads the value of one key into its member.
struct KeyReader {
  FieldReader &fields;
  const ConfigKey &key;
  TrainingConfig &config;

  void operator()(int64_t TrainingConfig::*member) {
    config.*member =
        fields.getInteger(key.name, static_cast<int64_t>(key.min),
                          static_cast<int64_t>(key.max), config.*member);
  }
  void operator()(double TrainingConfig::*member) {
    config.*member =
        fields.getNumber(key.name, key.min, key.max, config.*member);
  }
  void operator()(bool TrainingConfig::*member) {
    config.*member = fields.getBool(key.name, config.*member);
  }
  void operator()(std::string TrainingConfig::*member) {
    std::string value = fields.getString(key.name, config.*member);
    if (key.choices.empty() || is_contained(key.choices, StringRef(value)))
      config.*member = value;
    else
      fields.refuse(key.name, "one of " + join(key.choices, ", "));
  }
  void operator()(std::vector<std::string> TrainingConfig::*member) {
    const json *field = fields.find(key.name);
    if (!field)
      return;
    if (field->is_array() &&
        all_of(*field, [](const json &value) { return value.is_string(); }))
      config.*member = field->get<std::vector<std::string>>();
    else
      fields.refuse(key.name, "a list of strings");
  }
};
} // namespace

Error TrainingConfig::apply(const json &object, StringRef source) {
  ArrayRef<ConfigKey> keys = listConfigKeys();
  for (const auto &[name, value] : object.items())
    if (none_of(keys, [&](const ConfigKey &key) { return key.name == name; }))
      return makeError(Problem::UnknownTrainingKey,
                       source + ": there is no key " + quote(name));
  std::string error;
  FieldReader fields(source, object, error);
  for (const ConfigKey &key : keys)
    std::visit(KeyReader{fields, key, *this}, key.member);
  return error.empty() ? Error::success() : makeError(error);
}

Error TrainingConfig::load(StringRef path) {
  auto object = readJsonObject(path);
  if (!object)
    return object.takeError();
  return apply(*object, path);
}

Error TrainingConfig::validate() const {
  if (trainFiles.empty())
    return makeError("nothing to train on; give the key \"train_files\"");
  if (model.empty() && tokenizer.empty())
    return makeError("no tokenizer; give the key \"tokenizer\", or \"model\" "
                     "to start from a checkpoint");
  if (groupSize % 4 != 0)
    return makeError("group_size is " + Twine(groupSize) +
                     "; it must be a multiple of 4");
  int64_t sequences, tokens, allTokens;
  if (MulOverflow(batchSize, accumulationSteps, sequences) ||
      MulOverflow(sequences, contextLength, tokens) ||
      MulOverflow(tokens, steps, allTokens))
    return makeError("batch_size * gradient_accumulation_steps * "
                     "context_length * steps is 2^63 tokens or more; lower one "
                     "of them");
  if (arenasWarmup > arenasEnd)
    return makeError("arenas_warmup is above arenas_end: lambda would fall "
                     "before it has risen");
  return Error::success();
}

nlohmann::ordered_json TrainingConfig::toJson() const {
  nlohmann::ordered_json result;
  for (const ConfigKey &key : listConfigKeys())
    result[key.name] = getValue(*this, key);
  return result;
}
