//===- RmsNorm.cpp - Root mean square norm with gradient ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Parallel.h"
#include "VectorMath.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <cmath>

using namespace sherry::training;
using at::Tensor;

/// The number of rows whose gradients of the weight one thread sums up.
static constexpr int64_t kTaskRows = 64;

SHERRY_FOR_EACH_ISA
static void normRows(const float *x, const float *weight, float epsilon,
                     int64_t rows, int64_t cols, float *out, float *inverse) {
  for (int64_t row = 0; row < rows; ++row, x += cols, out += cols) {
    float squares = vectorSum(cols, [&](int64_t i) { return x[i] * x[i]; });
    float scale = 1 / std::sqrt(squares / static_cast<float>(cols) + epsilon);
    inverse[row] = scale;
    for (int64_t i = 0; i < cols; ++i)
      out[i] = x[i] * scale * weight[i];
  }
}

/// With s = 1 / rms and g = dy * weight:
/// dx = s * (g - x * s^2 * mean(g * x)), dweight = sum over rows of dy * x * s.
SHERRY_FOR_EACH_ISA
static void differentiateRows(const float *x, const float *weight,
                              const float *inverse, const float *dy,
                              int64_t rows, int64_t cols, float *dx,
                              float *dWeight) {
  for (int64_t row = 0; row < rows; ++row) {
    float scale = inverse[row];
    float dot =
        vectorSum(cols, [&](int64_t i) { return dy[i] * weight[i] * x[i]; });
    float shift = scale * scale * dot / static_cast<float>(cols);
    for (int64_t i = 0; i < cols; ++i) {
      dx[i] = scale * (dy[i] * weight[i] - x[i] * shift);
      dWeight[i] += dy[i] * x[i] * scale;
    }
    x += cols;
    dy += cols;
    dx += cols;
  }
}

namespace {
struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Tensor forward(torch::autograd::AutogradContext *context,
                        const Tensor &x, const Tensor &weight, double epsilon) {
    int64_t rows = x.size(0), cols = x.size(1);
    Tensor out = at::empty_like(x), inverse = at::empty({rows});
    const float *from = x.data_ptr<float>(), *w = weight.data_ptr<float>();
    float *to = out.data_ptr<float>(), *scales = inverse.data_ptr<float>();
    at::parallel_for(0, rows, kTaskRows, [&](int64_t begin, int64_t end) {
      normRows(from + begin * cols, w, static_cast<float>(epsilon), end - begin,
               cols, to + begin * cols, scales + begin);
    });
    context->save_for_backward({x, weight, inverse});
    return out;
  }

  static torch::autograd::variable_list
  backward(torch::autograd::AutogradContext *context,
           torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &inverse = saved[2];
    Tensor dy = gradients[0].contiguous();
    int64_t rows = x.size(0), cols = x.size(1);
    int64_t blocks = (rows + kTaskRows - 1) / kTaskRows;
    Tensor dx = at::empty_like(x), parts = at::zeros({blocks, cols});
    const float *xs = x.data_ptr<float>(), *w = weight.data_ptr<float>();
    const float *scales = inverse.data_ptr<float>(),
                *dys = dy.data_ptr<float>();
    float *dxs = dx.data_ptr<float>(), *dws = parts.data_ptr<float>();
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        int64_t row = block * kTaskRows, at = row * cols;
        differentiateRows(xs + at, w, scales + row, dys + at,
                          std::min(kTaskRows, rows - row), cols, dxs + at,
                          dws + block * cols);
      }
    });
    return {dx, parts.sum(0), Tensor()};
  }
};
} // namespace

Tensor sherry::training::rmsNorm(const Tensor &x, const Tensor &weight,
                                 double epsilon) {
  return RmsNorm::apply(x, weight, epsilon);
}
