//===- Model.h - A model in plain loops -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_REFERENCE_MODEL_H
#define SHERRY_TEST_REFERENCE_MODEL_H

#include "Matrix.h"

#include <set>

/// What a model is and how it computes.
struct ModelOptions {
  std::string model, head = "bf16", activations = "f32", kv = "f32";
  TernaryOptions ternary;
  bool noQuantize = false, keepLinear = false;
  int64_t trits = 0; ///< inputs that share a scale; 0: no trits yet
  float tieDistance = 0;
};

/// A model and what it keeps of the tokens so far.
class Model {
public:
  explicit Model(ModelOptions options);

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
    Vector mixedNorm, gatedNorm;      ///< before o and down; empty: none
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

  ModelOptions options;
  std::string architecture;
  int64_t hidden, heads, kvHeads, headDim, vocab;
  double epsilon, magnitude;
  Vector frequencies, outputNorm;
  json quantization;           ///< of config.json
  std::set<std::string> dense; ///< modules that are not quantized
  Matrix embedding, head;
  bool tied, squaresRelu;
  std::vector<Layer> layers;
  float tieDistance = 0.5f; ///< the least of the last call of forward
};

#endif // SHERRY_TEST_REFERENCE_MODEL_H
