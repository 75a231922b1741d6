//===- Transformer.cpp - A LLaMA that learns ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Transformer.h"
#include "TensorFiles.h"
#include "sherry/Support/Json.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <cmath>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;

at::Tensor Parameter::getLeafGradient() const {
  const at::Tensor &gradient = leaf.grad();
  if (!gradient.defined() || value.dim() == 1)
    return gradient;
  return gradient.narrow(0, firstRow, value.size(0));
}

at::Tensor Transformer::addParameter(const std::string &name,
                                     ArrayRef<int64_t> shape) {
  at::Tensor leaf = torch::empty(c10::IntArrayRef(shape.data(), shape.size()),
                                 torch::requires_grad());
  parameters.push_back({name, leaf.detach(), leaf});
  return leaf;
}

/// Adds layers with the same input, whose outputs are adjacent.
at::Tensor Transformer::addLinear(const std::string &prefix,
                                  ArrayRef<LinearLayer> layers) {
  int64_t rows = 0, cols = layers.front().inputs;
  for (const LinearLayer &layer : layers)
    rows += layer.outputs;
  at::Tensor leaf = torch::empty({rows, cols}, torch::requires_grad());
  int64_t row = 0;
  for (const LinearLayer &layer : layers) {
    at::Tensor value = projection.kind == QuantizerKind::None
                           ? leaf.detach().narrow(0, row, layer.outputs)
                           : torch::empty({layer.outputs, cols});
    parameters.push_back({prefix + layer.module + ".weight", value, leaf, row,
                          /*isLinear=*/true});
    row += layer.outputs;
  }
  return leaf;
}

Transformer::Transformer(const ModelConfig &config,
                         const Projection &projection)
    : config(config), projection(projection) {
  int64_t hidden = config.hiddenSize;
  embedding =
      addParameter("model.embed_tokens.weight", {config.vocabSize, hidden});
  SmallVector<LinearLayer> layers = listLinearLayers(config);
  ArrayRef<LinearLayer> linear = layers; // q, k, v, o, gate, up, down
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    std::string prefix = "model.layers." + std::to_string(layer) + ".";
    Block block;
    block.attentionNorm =
        addParameter(prefix + "input_layernorm.weight", {hidden});
    block.qkv = addLinear(prefix, linear.take_front(3));
    block.output = addLinear(prefix, linear.slice(3, 1));
    block.ffnNorm =
        addParameter(prefix + "post_attention_layernorm.weight", {hidden});
    block.gateUp = addLinear(prefix, linear.slice(4, 2));
    block.down = addLinear(prefix, linear.slice(6, 1));
    blocks.push_back(block);
  }
  norm = addParameter("model.norm.weight", {hidden});
  head = config.tieWordEmbeddings
             ? embedding
             : addParameter("lm_head.weight", {config.vocabSize, hidden});
}

void Transformer::initialize(double deviation, uint64_t seed) {
  at::NoGradGuard noGradients;
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (Parameter &parameter : parameters) {
    if (parameter.value.dim() == 1)
      parameter.value.fill_(1);
    else
      parameter.value.normal_(0, deviation, generator);
  }
}

Error Transformer::load(Checkpoint &checkpoint) {
  at::NoGradGuard noGradients;
  for (Parameter &parameter : parameters) {
    auto sizes = parameter.value.sizes();
    auto view = checkpoint.getTensor(parameter.name,
                                     ArrayRef(sizes.data(), sizes.size()));
    if (!view)
      return view.takeError();
    if (Error error = readTensor(*view, parameter.value))
      return error;
  }
  return Error::success();
}

Error Transformer::prepare(double lambda, bool keepsTrits) {
  if (projection.kind == QuantizerKind::None)
    return Error::success();
  for (Parameter &parameter : parameters) {
    if (!parameter.isLinear)
      continue;
    int64_t rows = parameter.value.size(0), cols = parameter.value.size(1);
    if (keepsTrits && !parameter.trits.defined())
      parameter.trits = torch::zeros({rows, cols}, torch::kInt8);
    auto failure =
        project(projection, parameter.value.data_ptr<float>(), rows, cols,
                static_cast<float>(lambda),
                parameter.leaf.data_ptr<float>() + parameter.firstRow * cols,
                keepsTrits ? parameter.trits.data_ptr<int8_t>() : nullptr);
    if (failure)
      return makeError(parameter.name + ": " + *failure);
  }
  return Error::success();
}

/// Angles are computed in f64: f32 would be off by 1e-3 after some thousands of
/// positions.
void Transformer::makeRopeTables(int64_t length) {
  if (cosines.defined() && cosines.size(0) >= length)
    return;
  int64_t half = config.headDim / 2;
  cosines = torch::empty({length, half});
  sines = torch::empty({length, half});
  auto *cosine = cosines.data_ptr<float>(), *sine = sines.data_ptr<float>();
  std::vector<double> frequencies = computeRopeFrequencies(config);
  double magnitude = config.ropeScaling ? config.ropeScaling->magnitude : 1;
  for (int64_t i = 0; i < half; ++i) {
    for (int64_t position = 0; position < length; ++position) {
      double angle = static_cast<double>(position) * frequencies[i];
      cosine[position * half + i] =
          static_cast<float>(magnitude * std::cos(angle));
      sine[position * half + i] =
          static_cast<float>(magnitude * std::sin(angle));
    }
  }
}

at::Tensor Transformer::computeHidden(const at::Tensor &tokens) {
  int64_t sequences = tokens.size(0), length = tokens.size(1);
  makeRopeTables(length);
  AttentionShape shape{sequences, config.numHeads, config.numKeyValueHeads,
                       config.headDim};
  at::Tensor x = torch::embedding(embedding, tokens.reshape({-1}));
  for (const Block &block : blocks) {
    at::Tensor normed = rmsNorm(x, block.attentionNorm, config.rmsNormEps);
    at::Tensor mixed =
        attention(normed.mm(block.qkv.t()), cosines.narrow(0, 0, length),
                  sines.narrow(0, 0, length), shape);
    x = torch::addmm(x, mixed, block.output.t());
    normed = rmsNorm(x, block.ffnNorm, config.rmsNormEps);
    x = torch::addmm(x, swiglu(normed.mm(block.gateUp.t())), block.down.t());
  }
  return rmsNorm(x, norm, config.rmsNormEps);
}

void Transformer::clearGradients() {
  for (Parameter &parameter : parameters)
    parameter.leaf.mutable_grad() = at::Tensor();
}

double Transformer::getBitsPerWeight(double denseBits) const {
  double bits = 0, weights = 0;
  for (const Parameter &parameter : parameters) {
    if (!parameter.isLinear)
      continue;
    auto count = static_cast<double>(parameter.value.numel());
    bits +=
        count * projection.getBitsPerWeight(parameter.value.size(0),
                                            parameter.value.size(1), denseBits);
    weights += count;
  }
  return bits / weights;
}
