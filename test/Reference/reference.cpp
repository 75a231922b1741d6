//===- reference.cpp - The whole forward pass in plain loops -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compiled models are compared with. Shares no code with the compiler and
// the runtime, knows nothing of packed layouts, and prefers to be obvious: one
// token at a time, activations in f32, sums in f64.
//
//===----------------------------------------------------------------------===//
#include "Matrix.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

namespace {

/// The frequencies of YaRN as in Hugging Face transformers, from those without
/// scaling.
Vector stretchByYarn(const Vector &frequencies, const json &scaling,
                     double theta, double context) {
  auto size = static_cast<double>(2 * frequencies.size());
  double factor = scaling.at("factor");
  context = scaling.value("original_max_position_embeddings", context);
  auto findPair = [&](double rotations) {
    return size * std::log(context / (rotations * 2 * M_PI)) /
           (2 * std::log(theta));
  };
  double low = std::floor(findPair(scaling.value("beta_fast", 32.0)));
  double high = std::ceil(findPair(scaling.value("beta_slow", 1.0)));
  low = std::max(low, 0.0);
  high = std::min(high, size - 1);
  Vector result;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    double ramp = (static_cast<double>(i) - low) / (high - low);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    double whole = frequencies[i];
    result.push_back(
        static_cast<float>(whole / factor * ramp + whole * (1 - ramp)));
  }
  return result;
}

/// Frequencies in f32 as in Hugging Face transformers, modeling_rope_utils.py.
Vector ropeFrequencies(const json &config, int64_t headDim) {
  auto theta = static_cast<float>(config.value("rope_theta", 10000.0));
  bool isDynamic = config.contains("rope_scaling") &&
                   config["rope_scaling"].is_object() &&
                   config["rope_scaling"].contains("alpha");
  if (isDynamic) // as in modeling_hunyuan_v1_dense.py
    theta *=
        std::pow(config["rope_scaling"].at("alpha").get<float>(),
                 static_cast<float>(headDim) / static_cast<float>(headDim - 2));
  Vector result;
  for (int64_t i = 0; i < headDim; i += 2)
    result.push_back(1 / std::pow(theta, static_cast<float>(i) /
                                             static_cast<float>(headDim)));
  if (isDynamic || !config.contains("rope_scaling") ||
      config["rope_scaling"].is_null())
    return result;
  const json &scaling = config["rope_scaling"];
  if (scaling.at("rope_type") == "yarn")
    return stretchByYarn(result, scaling, theta,
                         config.at("max_position_embeddings"));
  float factor = scaling.at("factor");
  if (scaling.at("rope_type") == "linear") {
    for (float &frequency : result)
      frequency /= factor;
    return result;
  }
  if (scaling.at("rope_type") != "llama3")
    fail("rope_type must be llama3, yarn or linear");
  float low = scaling.at("low_freq_factor");
  float high = scaling.at("high_freq_factor");
  float context = scaling.at("original_max_position_embeddings");
  for (float &frequency : result) {
    auto length = static_cast<float>(2 * M_PI / frequency);
    if (length > context / low) {
      frequency /= factor;
    } else if (length >= context / high) {
      float smooth = (context / length - low) / (high - low);
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }
  return result;
}

/// What YaRN multiplies cosines and sines by.
double ropeMagnitude(const json &config) {
  json scaling = config.value("rope_scaling", json());
  if (!scaling.is_object() || scaling.value("rope_type", "") != "yarn")
    return 1;
  return 0.1 * std::log(scaling.at("factor").get<double>()) + 1;
}

Vector rmsNorm(const Vector &x, const Vector &weight, double epsilon) {
  double squares = 0;
  for (float value : x)
    squares += static_cast<double>(value) * value;
  double inverse = 1 / std::sqrt(squares / x.size() + epsilon);
  Vector result(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    result[i] = static_cast<float>(x[i] * inverse * weight[i]);
  return result;
}

void add(Vector &x, const Vector &y) {
  for (size_t i = 0; i < x.size(); ++i)
    x[i] += y[i];
}

struct Options {
  std::string model, logits, head = "bf16", activations = "f32", kv = "f32";
  std::vector<int64_t> tokens;
  TernaryOptions ternary;
  bool noQuantize = false, keepLinear = false;
  int64_t greedy = 0;
  float tieDistance = 0;
};

class Model {
public:
  explicit Model(Options options);

  /// Logits after `token` at the next position.
  Vector forward(int64_t token);

  /// Like forward, but takes the next id instead of a `token` that makes an
  /// activation fall closer than options.tieDistance to a tie of two integers.
  /// There another order of sums rounds another way, which changes the logits
  /// as much as all of quantization does: such a token compares nothing.
  Vector forwardWithoutTie(int64_t &token);

private:
  struct Layer {
    Matrix q, k, v, o, gate, up, down;
    Vector inputNorm, attentionNorm;
    Vector qBias, kBias, vBias;       ///< empty: none
    Vector qNorm, kNorm;              ///< of a head; empty: none
    std::vector<Vector> keys, values; ///< of each position so far
  };

  void readLayer(const Checkpoint &checkpoint, const json &config,
                 int64_t index);
  Matrix readLinear(const Checkpoint &checkpoint, const std::string &prefix,
                    const std::string &module, int64_t rows, int64_t cols);
  /// Of numbers that no option is about; exact ones stay as they are.
  std::string numberType() const {
    return options.activations == "f32" ? "f32" : "bf16";
  }
  void rotate(Vector &heads, int64_t position) const;
  void normHeads(Vector &heads, const Vector &norm) const;
  void roundToBytes(float *numbers);
  Vector attend(Layer &layer, const Vector &x);
  Vector multiply(const Matrix &matrix, const Vector &x);

  Options options;
  std::string architecture;
  int64_t hidden, heads, kvHeads, headDim, vocab;
  double epsilon, magnitude;
  Vector frequencies, outputNorm;
  std::set<std::string> dense; ///< modules that are not quantized
  Matrix embedding, head;
  bool tied;
  std::vector<Layer> layers;
  float tieDistance = 0.5f; ///< the least of the last call of forward
};

Model::Model(Options given) : options(std::move(given)) {
  json config = readJson(options.model + "/config.json");
  architecture = config.at("model_type");
  hidden = config.at("hidden_size");
  heads = config.at("num_attention_heads");
  kvHeads = config.value("num_key_value_heads", heads);
  headDim = config.value("head_dim", hidden / heads);
  vocab = config.at("vocab_size");
  epsilon = config.value("rms_norm_eps", 1e-6);
  tied = config.value("tie_word_embeddings", false);
  frequencies = ropeFrequencies(config, headDim);
  magnitude = ropeMagnitude(config);

  json quantization = config.value("quantization_config", json::object());
  if (options.ternary.granularity.empty())
    options.ternary.granularity =
        quantization.value("granularity", "per_group");
  if (options.ternary.groupSize == 0)
    options.ternary.groupSize = quantization.value("group_size", 128);
  for (const json &module :
       quantization.value("modules_to_not_convert", json::array()))
    dense.insert(module.get<std::string>());

  Checkpoint checkpoint(options.model);
  embedding =
      readMatrix(checkpoint, "model.embed_tokens.weight", vocab, hidden);
  embedding = toDense(std::move(embedding), tied ? options.head : numberType());
  if (!tied)
    head = toDense(readMatrix(checkpoint, "lm_head.weight", vocab, hidden),
                   options.head);
  outputNorm = checkpoint.read("model.norm.weight", {hidden});
  for (int64_t i = 0, count = config.at("num_hidden_layers"); i < count; ++i)
    readLayer(checkpoint, config, i);
}

Matrix Model::readLinear(const Checkpoint &checkpoint,
                         const std::string &prefix, const std::string &module,
                         int64_t rows, int64_t cols) {
  Matrix matrix =
      readMatrix(checkpoint, prefix + module + ".weight", rows, cols);
  if (options.keepLinear)
    return matrix;
  bool isDense = options.noQuantize || dense.count(module) ||
                 dense.count(module.substr(module.find('.') + 1));
  return isDense ? toDense(std::move(matrix), numberType())
                 : toTernary(std::move(matrix), options.ternary);
}

void Model::readLayer(const Checkpoint &checkpoint, const json &config,
                      int64_t index) {
  std::string prefix = "model.layers." + std::to_string(index) + ".";
  auto linear = [&](const std::string &module, int64_t rows, int64_t cols) {
    return readLinear(checkpoint, prefix, module, rows, cols);
  };
  int64_t ffn = config.at("intermediate_size");
  Layer layer;
  layer.q = linear("self_attn.q_proj", heads * headDim, hidden);
  layer.k = linear("self_attn.k_proj", kvHeads * headDim, hidden);
  layer.v = linear("self_attn.v_proj", kvHeads * headDim, hidden);
  layer.o = linear("self_attn.o_proj", hidden, heads * headDim);
  layer.gate = linear("mlp.gate_proj", ffn, hidden);
  layer.up = linear("mlp.up_proj", ffn, hidden);
  layer.down = linear("mlp.down_proj", hidden, ffn);
  layer.inputNorm =
      checkpoint.read(prefix + "input_layernorm.weight", {hidden});
  layer.attentionNorm =
      checkpoint.read(prefix + "post_attention_layernorm.weight", {hidden});
  if (architecture == "qwen2") {
    layer.qBias =
        checkpoint.read(prefix + "self_attn.q_proj.bias", {heads * headDim});
    layer.kBias =
        checkpoint.read(prefix + "self_attn.k_proj.bias", {kvHeads * headDim});
    layer.vBias =
        checkpoint.read(prefix + "self_attn.v_proj.bias", {kvHeads * headDim});
  }
  if (architecture == "qwen3") {
    layer.qNorm =
        checkpoint.read(prefix + "self_attn.q_norm.weight", {headDim});
    layer.kNorm =
        checkpoint.read(prefix + "self_attn.k_norm.weight", {headDim});
  }
  if (architecture == "hunyuan_v1_dense") {
    layer.qNorm =
        checkpoint.read(prefix + "self_attn.query_layernorm.weight", {headDim});
    layer.kNorm =
        checkpoint.read(prefix + "self_attn.key_layernorm.weight", {headDim});
  }
  layers.push_back(std::move(layer));
}

/// Normalises each head by itself.
void Model::normHeads(Vector &x, const Vector &norm) const {
  for (size_t begin = 0; !norm.empty() && begin < x.size(); begin += headDim) {
    Vector head(x.begin() + begin, x.begin() + begin + headDim);
    head = rmsNorm(head, norm, epsilon);
    std::copy(head.begin(), head.end(), x.begin() + begin);
  }
}

/// Rotary embedding of each head: number i and number i + headDim / 2 are a
/// pair.
void Model::rotate(Vector &x, int64_t position) const {
  int64_t half = headDim / 2;
  for (size_t begin = 0; begin < x.size(); begin += headDim)
    for (int64_t i = 0; i < half; ++i) {
      float angle = static_cast<float>(position) * frequencies[i];
      double cosine = magnitude * std::cos(static_cast<double>(angle));
      double sine = magnitude * std::sin(static_cast<double>(angle));
      float &first = x[begin + i], &second = x[begin + i + half];
      double a = first, b = second;
      first = static_cast<float>(a * cosine - b * sine);
      second = static_cast<float>(b * cosine + a * sine);
    }
}

Vector Model::multiply(const Matrix &matrix, const Vector &x) {
  if (options.activations == "f32" || matrix.region == 0)
    return ::multiply(matrix, x);
  Quantized quantized = quantize(x, matrix);
  tieDistance = std::min(tieDistance, quantized.tieDistance);
  return ::multiply(matrix, quantized);
}

/// Rounds the keys or values of a head to 8 bits with a scale.
void Model::roundToBytes(float *numbers) {
  float largest = 0;
  for (int64_t i = 0; i < headDim; ++i)
    largest = std::max(largest, std::fabs(numbers[i]));
  for (int64_t i = 0; i < headDim && largest > 0; ++i) {
    float scaled = numbers[i] * (127 / largest);
    float rounded = std::nearbyint(scaled);
    tieDistance = std::min(tieDistance, 0.5f - std::fabs(scaled - rounded));
    numbers[i] = rounded * (largest / 127);
  }
}

Vector Model::attend(Layer &layer, const Vector &x) {
  Vector query = multiply(layer.q, x), key = multiply(layer.k, x);
  Vector value = multiply(layer.v, x);
  if (!layer.qBias.empty()) {
    add(query, layer.qBias);
    add(key, layer.kBias);
    add(value, layer.vBias);
  }
  auto position = static_cast<int64_t>(layer.keys.size());
  bool normsFirst = architecture == "qwen3";
  for (bool before : {true, false}) {
    if (before == normsFirst) {
      normHeads(query, layer.qNorm);
      normHeads(key, layer.kNorm);
    }
    if (before) {
      rotate(query, position);
      rotate(key, position);
    }
  }
  for (Vector *vector : {&key, &value}) {
    if (options.kv == "f16")
      for (float &number : *vector)
        number = roundToF16(number);
    if (options.kv == "i8")
      for (int64_t begin = 0; begin < kvHeads * headDim; begin += headDim)
        roundToBytes(&(*vector)[begin]);
  }
  layer.keys.push_back(key);
  layer.values.push_back(value);

  Vector mixed(heads * headDim);
  for (int64_t i = 0; i < heads; ++i) {
    int64_t kvBegin = i / (heads / kvHeads) * headDim;
    std::vector<double> weights;
    for (const Vector &past : layer.keys) {
      double score = 0;
      for (int64_t j = 0; j < headDim; ++j)
        score +=
            static_cast<double>(query[i * headDim + j]) * past[kvBegin + j];
      weights.push_back(score / std::sqrt(static_cast<double>(headDim)));
    }
    double largest = *std::max_element(weights.begin(), weights.end());
    double sum = 0;
    for (double &weight : weights)
      sum += weight = std::exp(weight - largest);
    for (int64_t j = 0; j < headDim; ++j) {
      double mix = 0;
      for (size_t at = 0; at < weights.size(); ++at)
        mix += weights[at] * layer.values[at][kvBegin + j];
      mixed[i * headDim + j] = static_cast<float>(mix / sum);
    }
  }
  return multiply(layer.o, mixed);
}

Vector Model::forward(int64_t token) {
  if (token < 0 || token >= vocab)
    fail("token " + std::to_string(token) + " is not in the vocabulary");
  tieDistance = 0.5f;
  Vector x(hidden);
  for (int64_t i = 0; i < hidden; ++i)
    x[i] = embedding.at(token, i);
  for (Layer &layer : layers) {
    add(x, attend(layer, rmsNorm(x, layer.inputNorm, epsilon)));
    Vector normed = rmsNorm(x, layer.attentionNorm, epsilon);
    Vector gate = multiply(layer.gate, normed), up = multiply(layer.up, normed);
    for (size_t i = 0; i < gate.size(); ++i)
      gate[i] *= up[i] / (1 + std::exp(-gate[i]));
    add(x, multiply(layer.down, gate));
  }
  return multiply(tied ? embedding : head, rmsNorm(x, outputNorm, epsilon));
}

Vector Model::forwardWithoutTie(int64_t &token) {
  for (int64_t attempt = 0; attempt < vocab; ++attempt) {
    Vector logits = forward(token);
    if (tieDistance >= options.tieDistance)
      return logits;
    for (Layer &layer : layers) {
      layer.keys.pop_back();
      layer.values.pop_back();
    }
    token = (token + 1) % vocab;
  }
  fail("every token rounds an activation next to a tie");
}

void printTokens(const std::vector<int64_t> &tokens) {
  for (size_t i = 0; i < tokens.size(); ++i)
    std::cout << (i == 0 ? "" : ",") << tokens[i];
  std::cout << "\n";
}

/// Prints `count` tokens, each the most likely after those before it.
void generate(Model &model, Vector logits, int64_t count) {
  std::vector<int64_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(std::max_element(logits.begin(), logits.end()) -
                     logits.begin());
    logits = model.forward(tokens.back());
  }
  printTokens(tokens);
}

void run(Options options) {
  Model model(options);
  std::vector<Vector> logits;
  for (int64_t &token : options.tokens)
    logits.push_back(model.forwardWithoutTie(token));
  if (options.tieDistance > 0)
    printTokens(options.tokens);
  if (!options.logits.empty())
    writeNpy(options.logits, logits);
  if (options.greedy > 0)
    generate(model, logits.back(), options.greedy);
}

} // namespace

static int parseAndRun(int argc, char **argv) {
  Options options;
  CLI::App app("Runs a LLaMA checkpoint in plain loops.");
  app.add_option("model", options.model, "folder of the checkpoint")
      ->required();
  app.add_option("--tokens", options.tokens, "ids of the prompt")
      ->required()
      ->delimiter(',');
  app.add_option("--logits", options.logits,
                 "write f32 [tokens][vocabulary] as .npy");
  app.add_option("--tie-distance", options.tieDistance,
                 "replace tokens that make an activation fall closer to a tie "
                 "of two integers, and print the prompt")
      ->check(CLI::Range(0.0, 0.4));
  app.add_option("--greedy", options.greedy, "print so many more tokens");
  app.add_option("--granularity", options.ternary.granularity,
                 "instead of what config.json says")
      ->check(CLI::IsMember({"per_tensor", "per_channel", "per_group"}));
  app.add_option("--group-size", options.ternary.groupSize,
                 "instead of what config.json says")
      ->check(CLI::PositiveNumber);
  app.add_option("--scale-type", options.ternary.scaleType)
      ->check(CLI::IsMember({"f16", "f32"}));
  app.add_option("--head", options.head)
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0", "q6_K", "q4_0"}));
  app.add_option("--activations", options.activations)
      ->check(CLI::IsMember({"f32", "i8"}));
  app.add_option("--kv", options.kv)
      ->check(CLI::IsMember({"f32", "f16", "i8"}));
  app.add_flag("--no-quantize", options.noQuantize,
               "weights of linear layers in bf16, or as they are if "
               "activations are f32");
  app.add_flag("--keep-linear", options.keepLinear,
               "weights of linear layers as they are");
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
}

int main(int argc, char **argv) {
  try {
    return parseAndRun(argc, argv);
  } catch (const std::exception &error) {
    std::cerr << "sherry-reference: " << error.what() << "\n";
    return 1;
  }
}
