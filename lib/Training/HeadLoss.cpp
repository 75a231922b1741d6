//===- HeadLoss.cpp - Loss of the logits with gradient --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gradient is computed together with the loss, for a chunk of rows at a
// time, so logits are computed only once and kept only for one chunk.
//
//===----------------------------------------------------------------------===//
#include "Parallel.h"
#include "VectorMath.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <cmath>

using namespace sherry::training;
using at::Tensor;

/// The most logits that are in memory at once.
static constexpr int64_t kChunkLogits = int64_t{1} << 22;

/// Turns logits into softmax(logits * scale); returns log(sum(exp(.))).
SHERRY_FOR_EACH_ISA
static float softmaxRow(float *logits, int64_t cols, float scale) {
  float largest =
      vectorMax(cols, logits[0], [&](int64_t i) { return logits[i]; });
  for (int64_t i = 0; i < cols; ++i)
    logits[i] = fastExp((logits[i] - largest) * scale);
  float sum = vectorSum(cols, [&](int64_t i) { return logits[i]; });
  float inverse = 1 / sum;
  for (int64_t i = 0; i < cols; ++i)
    logits[i] *= inverse;
  return largest * scale + std::log(sum);
}

SHERRY_FOR_EACH_ISA
static void scaleRow(float *row, int64_t cols, float factor) {
  for (int64_t i = 0; i < cols; ++i)
    row[i] *= factor;
}

/// Replaces `logits` by the gradient of the loss of the row; returns the loss.
/// `teacher` are the logits of `guide`, which are overwritten; without a
/// teacher both are null.
static double differentiateRow(float *logits, float *teacher, int64_t cols,
                               int64_t target, const Teacher *guide) {
  if (!teacher) {
    double logit = logits[target];
    double loss = softmaxRow(logits, cols, 1) - logit;
    logits[target] -= 1;
    return loss;
  }
  double share = guide->share, temperature = guide->temperature;
  auto t = static_cast<float>(temperature);
  std::vector<float> soft(logits, logits + cols), student(soft), wanted(soft);
  double logit = logits[target];
  double loss = (1 - share) * (softmaxRow(logits, cols, 1) - logit);
  logits[target] -= 1;
  scaleRow(logits, cols, static_cast<float>(1 - share));
  std::copy_n(teacher, cols, wanted.begin());
  double logSum = softmaxRow(soft.data(), cols, 1 / t);
  double wantedLogSum = softmaxRow(teacher, cols, 1 / t);
  double divergence = 0;
  // The derivative of temperature^2 * KL is temperature * (soft - teacher).
  for (int64_t i = 0; i < cols; ++i) {
    double difference = (static_cast<double>(wanted[i]) - student[i]) / t;
    divergence += teacher[i] * (difference - wantedLogSum + logSum);
    logits[i] += static_cast<float>(share) * t * (soft[i] - teacher[i]);
  }
  return loss + share * temperature * temperature * divergence;
}

namespace {
struct HeadLoss : torch::autograd::Function<HeadLoss> {
  static Tensor forward(torch::autograd::AutogradContext *context,
                        const Tensor &hidden, const Tensor &head,
                        const Tensor &targets, const Teacher *guide,
                        bool needsGradient) {
    int64_t rows = hidden.size(0), cols = head.size(0);
    int64_t chunk = std::max<int64_t>(kChunkLogits / cols, 1);
    Tensor dHidden, dHead;
    if (needsGradient) {
      dHidden = at::empty_like(hidden);
      dHead = at::zeros_like(head);
    }
    std::vector<double> losses(rows);
    const int64_t *wanted = targets.data_ptr<int64_t>();
    for (int64_t row = 0; row < rows; row += chunk) {
      int64_t count = std::min(chunk, rows - row);
      Tensor part = hidden.narrow(0, row, count), teacherLogits;
      Tensor logits = part.mm(head.t());
      if (guide)
        teacherLogits = guide->hidden.narrow(0, row, count).mm(guide->head.t());
      float *student = logits.data_ptr<float>();
      float *teacher = guide ? teacherLogits.data_ptr<float>() : nullptr;
      at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          losses[row + i] = differentiateRow(
              student + i * cols, teacher ? teacher + i * cols : nullptr, cols,
              wanted[row + i], guide);
      });
      if (needsGradient) {
        Tensor to = dHidden.narrow(0, row, count);
        at::mm_out(to, logits, head);
        dHead.addmm_(logits.t(), part);
      }
    }
    double sum = 0;
    for (double loss : losses)
      sum += loss;
    auto count = static_cast<double>(rows);
    if (needsGradient)
      context->save_for_backward({dHidden.div_(count), dHead.div_(count)});
    return at::scalar_tensor(sum / count, at::kDouble);
  }

  static torch::autograd::variable_list
  backward(torch::autograd::AutogradContext *context,
           torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    double factor = gradients[0].item<double>();
    for (Tensor &gradient : saved)
      if (factor != 1)
        gradient.mul_(factor);
    return {saved[0], saved[1], Tensor(), Tensor(), Tensor()};
  }
};
} // namespace

Tensor sherry::training::headLoss(const Tensor &hidden, const Tensor &head,
                                  const Tensor &targets,
                                  const std::optional<Teacher> &teacher) {
  // LibTorch records nothing inside of the operator.
  bool needsGradient = at::GradMode::is_enabled() &&
                       (hidden.requires_grad() || head.requires_grad());
  return HeadLoss::apply(hidden, head, targets, teacher ? &*teacher : nullptr,
                         needsGradient);
}
