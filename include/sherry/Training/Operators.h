//===- Operators.h - The operators of a LLaMA, differentiable ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators with gradients, each for a computation that takes LibTorch several
// passes over its operands. All tensors are f32 and contiguous; rows are
// tokens, sequence after sequence. Results do not depend on the number of
// threads.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRAINING_OPERATORS_H
#define SHERRY_TRAINING_OPERATORS_H

#include <ATen/core/Tensor.h>

#include <optional>

namespace sherry::training {

/// x / sqrt(mean(x^2) + epsilon) * weight for each row of x[N][C].
at::Tensor rmsNorm(const at::Tensor &x, const at::Tensor &weight,
                   double epsilon);

/// silu(gate) * up for the halves of the rows of gateUp[N][2 * F].
at::Tensor swiglu(const at::Tensor &gateUp);

struct AttentionShape {
  int64_t sequences; ///< number of sequences, N / sequences tokens each
  int64_t heads, keyValueHeads, headDim;
};

/// Causal attention. The rows of qkv[N][(heads + 2 * keyValueHeads) * headDim]
/// are queries, keys and values. Queries and keys of position p are rotated by
/// the angles whose cosines and sines are row p of the tables
/// [positions][headDim / 2]; feature i is paired with i + headDim / 2, as in
/// Hugging Face's LLaMA. Returns [N][heads * headDim].
at::Tensor attention(const at::Tensor &qkv, const at::Tensor &cosines,
                     const at::Tensor &sines, const AttentionShape &shape);

/// The outputs of a teacher, from which a student learns besides the text.
struct Teacher {
  at::Tensor hidden; ///< [N][its width]
  at::Tensor head;   ///< [V][its width]
  double share, temperature;
};

/// The mean over N rows of the loss of the logits hidden[N][C] * head[V][C]^T:
/// (1 - share) * cross entropy with targets[N], plus
/// share * temperature^2 * KL(teacher || student) of the distributions
/// softmax(logits / temperature) (Hinton et al., arXiv 1503.02531). The logits
/// are never all in memory.
at::Tensor headLoss(const at::Tensor &hidden, const at::Tensor &head,
                    const at::Tensor &targets,
                    const std::optional<Teacher> &teacher);

} // namespace sherry::training

#endif // SHERRY_TRAINING_OPERATORS_H
