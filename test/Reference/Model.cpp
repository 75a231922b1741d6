//===- Model.cpp - Reads the weights of a model ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include "Rope.h"

Model::Model(ModelOptions given) : options(std::move(given)) {
  json config = readJson(options.model + "/config.json");
  architecture = config.at("model_type");
  squaresRelu = config.value("hidden_act", "silu") == "relu2";
  hidden = config.at("hidden_size");
  heads = config.at("num_attention_heads");
  kvHeads = config.value("num_key_value_heads", heads);
  headDim = config.value("head_dim", hidden / heads);
  vocab = config.at("vocab_size");
  epsilon = config.value("rms_norm_eps", 1e-6);
  tied = config.value("tie_word_embeddings", false);
  frequencies = ropeFrequencies(config, headDim);
  magnitude = ropeMagnitude(config);

  quantization = config.value("quantization_config", json::object());
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
  std::string name = prefix + module + ".weight";
  bool isDense = options.noQuantize || dense.count(module) ||
                 dense.count(module.substr(module.find('.') + 1));
  if (quantization.value("quant_method", "") == "bitnet" && !isDense)
    return readBitNet(checkpoint, name, rows, cols, quantization);
  Matrix matrix = readMatrix(checkpoint, name, rows, cols);
  if (options.trits)
    return takeTritsApart(std::move(matrix), options.trits);
  if (options.keepLinear)
    return matrix;
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
  if (architecture == "bitnet") {
    layer.mixedNorm = checkpoint.read(prefix + "self_attn.attn_sub_norm.weight",
                                      {heads * headDim});
    layer.gatedNorm =
        checkpoint.read(prefix + "mlp.ffn_sub_norm.weight", {ffn});
  }
  layers.push_back(std::move(layer));
}
