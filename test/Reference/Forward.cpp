//===- Forward.cpp - The forward pass of a model --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <algorithm>
#include <cmath>

static Vector rmsNorm(const Vector &x, const Vector &weight, double epsilon) {
  double squares = 0;
  for (float value : x)
    squares += static_cast<double>(value) * value;
  double inverse = 1 / std::sqrt(squares / x.size() + epsilon);
  Vector result(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    result[i] = static_cast<float>(x[i] * inverse * weight[i]);
  return result;
}

static void add(Vector &x, const Vector &y) {
  for (size_t i = 0; i < x.size(); ++i)
    x[i] += y[i];
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
  Quantized quantized = options.activations == "i8-token" && matrix.isTernary
                            ? quantizeToken(x, matrix)
                            : quantize(x, matrix);
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
  if (!layer.mixedNorm.empty())
    mixed = rmsNorm(mixed, layer.mixedNorm, epsilon);
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
      if (squaresRelu)
        gate[i] = gate[i] > 0 ? gate[i] * gate[i] * up[i] : 0;
      else
        gate[i] *= up[i] / (1 + std::exp(-gate[i]));
    if (!layer.gatedNorm.empty())
      gate = rmsNorm(gate, layer.gatedNorm, epsilon);
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
