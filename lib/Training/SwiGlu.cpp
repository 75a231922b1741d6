//===- SwiGlu.cpp - Gated activation with gradient ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Parallel.h"
#include "VectorMath.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

using namespace sherry::training;
using at::Tensor;

static constexpr int64_t kGrainRows = 16;

SHERRY_FOR_EACH_ISA
static void activateRows(const float *gateUp, int64_t rows, int64_t width,
                         float *out) {
  for (int64_t row = 0; row < rows; ++row, gateUp += 2 * width, out += width)
    for (int64_t i = 0; i < width; ++i)
      out[i] = gateUp[i] / (1 + fastExp(-gateUp[i])) * gateUp[width + i];
}

/// silu(x) = x s with s = 1 / (1 + exp(-x)); its derivative is
/// s (1 + x (1 - s)).
SHERRY_FOR_EACH_ISA
static void differentiateGates(const float *gateUp, const float *dy,
                               int64_t rows, int64_t width, float *dGateUp) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < width; ++i) {
      float x = gateUp[i], s = 1 / (1 + fastExp(-x));
      dGateUp[i] = dy[i] * gateUp[width + i] * s * (1 + x * (1 - s));
      dGateUp[width + i] = dy[i] * x * s;
    }
    gateUp += 2 * width;
    dGateUp += 2 * width;
    dy += width;
  }
}

namespace {
struct SwiGlu : torch::autograd::Function<SwiGlu> {
  static Tensor forward(torch::autograd::AutogradContext *context,
                        const Tensor &gateUp) {
    int64_t rows = gateUp.size(0), width = gateUp.size(1) / 2;
    Tensor out = at::empty({rows, width});
    const float *from = gateUp.data_ptr<float>();
    float *to = out.data_ptr<float>();
    at::parallel_for(0, rows, kGrainRows, [&](int64_t begin, int64_t end) {
      activateRows(from + begin * 2 * width, end - begin, width,
                   to + begin * width);
    });
    context->save_for_backward({gateUp});
    return out;
  }

  static torch::autograd::variable_list
  backward(torch::autograd::AutogradContext *context,
           torch::autograd::variable_list gradients) {
    Tensor gateUp = context->get_saved_variables()[0];
    Tensor dy = gradients[0].contiguous(), result = at::empty_like(gateUp);
    int64_t rows = gateUp.size(0), width = gateUp.size(1) / 2;
    const float *from = gateUp.data_ptr<float>(), *dys = dy.data_ptr<float>();
    float *to = result.data_ptr<float>();
    at::parallel_for(0, rows, kGrainRows, [&](int64_t begin, int64_t end) {
      differentiateGates(from + begin * 2 * width, dys + begin * width,
                         end - begin, width, to + begin * 2 * width);
    });
    return {result};
  }
};
} // namespace

Tensor sherry::training::swiglu(const Tensor &gateUp) {
  return SwiGlu::apply(gateUp);
}
