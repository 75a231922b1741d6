//===- Attention.cpp - Rotary causal attention with gradient --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread computes a key head of a sequence, for all query heads that share
// it, a block of query rows at a time. Scores beyond the diagonal block are
// never computed, and no matrix of scores is kept. The gradient computes the
// scores again, from the logarithms of the sums of the softmax, as in
// FlashAttention (arXiv 2205.14135).
//
//===----------------------------------------------------------------------===//
#include "Parallel.h"
#include "VectorMath.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <cblas.h>
#include <cmath>

using namespace sherry::training;
using at::Tensor;

static constexpr int64_t kBlockRows = 64;

/// Reads rows [count][dim] from `from`, `stride` apart, rotates them by the
/// angles of the tables, and multiplies them by `scale`.
SHERRY_FOR_EACH_ISA
static void rotateRows(const float *from, int64_t stride, int64_t count,
                       int64_t dim, const float *cosines, const float *sines,
                       float scale, float *out) {
  int64_t half = dim / 2;
  for (int64_t row = 0; row < count; ++row) {
    for (int64_t i = 0; i < half; ++i) {
      float a = from[i] * scale, b = from[half + i] * scale;
      out[i] = a * cosines[i] - b * sines[i];
      out[half + i] = b * cosines[i] + a * sines[i];
    }
    from += stride;
    cosines += half;
    sines += half;
    out += dim;
  }
}

/// The gradient: rotates rows[count][dim] back and writes them `stride` apart.
SHERRY_FOR_EACH_ISA
static void rotateRowsBack(const float *from, int64_t count, int64_t dim,
                           const float *cosines, const float *sines,
                           float scale, float *out, int64_t stride) {
  int64_t half = dim / 2;
  for (int64_t row = 0; row < count; ++row) {
    for (int64_t i = 0; i < half; ++i) {
      float a = from[i] * scale, b = from[half + i] * scale;
      out[i] = a * cosines[i] + b * sines[i];
      out[half + i] = b * cosines[i] - a * sines[i];
    }
    from += dim;
    cosines += half;
    sines += half;
    out += stride;
  }
}

/// Turns scores[count][cols] of the rows from `first` on into probabilities:
/// row i sees the first i + 1 columns. Writes log(sum(exp(score))).
SHERRY_FOR_EACH_ISA
static void softmaxRows(float *scores, int64_t first, int64_t count,
                        int64_t cols, float *logSums) {
  for (int64_t row = 0; row < count; ++row, scores += cols) {
    int64_t visible = first + row + 1;
    float largest =
        vectorMax(visible, scores[0], [&](int64_t i) { return scores[i]; });
    for (int64_t i = 0; i < visible; ++i)
      scores[i] = fastExp(scores[i] - largest);
    float sum = vectorSum(visible, [&](int64_t i) { return scores[i]; });
    logSums[row] = largest + std::log(sum);
    float inverse = 1 / sum;
    for (int64_t i = 0; i < visible; ++i)
      scores[i] *= inverse;
    for (int64_t i = visible; i < cols; ++i)
      scores[i] = 0;
  }
}

/// The same probabilities from the scores and their logSums.
SHERRY_FOR_EACH_ISA
static void restoreRows(float *scores, int64_t first, int64_t count,
                        int64_t cols, const float *logSums) {
  for (int64_t row = 0; row < count; ++row, scores += cols) {
    int64_t visible = first + row + 1;
    for (int64_t i = 0; i < visible; ++i)
      scores[i] = fastExp(scores[i] - logSums[row]);
    for (int64_t i = visible; i < cols; ++i)
      scores[i] = 0;
  }
}

/// The gradient of the softmax: p * (dp - dot(out, dOut)) over dp.
SHERRY_FOR_EACH_ISA
static void differentiateScores(const float *p, float *dp, int64_t count,
                                int64_t cols, const float *out,
                                const float *dOut, int64_t dim,
                                int64_t outStride) {
  for (int64_t row = 0; row < count; ++row) {
    float dot = vectorSum(dim, [&](int64_t i) { return out[i] * dOut[i]; });
    for (int64_t i = 0; i < cols; ++i)
      dp[i] = p[i] * (dp[i] - dot);
    p += cols;
    dp += cols;
    out += outStride;
    dOut += outStride;
  }
}

/// c[m][n] = a * b + beta * c, row after row; a and b may be transposed. Runs
/// on the calling thread, in a parallel region.
static void multiply(bool transposeA, bool transposeB, int64_t m, int64_t n,
                     int64_t k, const float *a, int64_t strideA, const float *b,
                     int64_t strideB, float beta, float *c, int64_t strideC) {
  cblas_sgemm(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
              transposeB ? CblasTrans : CblasNoTrans, static_cast<int>(m),
              static_cast<int>(n), static_cast<int>(k), 1, a,
              static_cast<int>(strideA), b, static_cast<int>(strideB), beta, c,
              static_cast<int>(strideC));
}

namespace {
/// Sizes and strides of the operands.
struct Geometry {
  int64_t heads, keyValueHeads, dim, length, width, outWidth;
  float scale; ///< of the scores

  Geometry(const Tensor &qkv, const AttentionShape &shape)
      : heads(shape.heads), keyValueHeads(shape.keyValueHeads),
        dim(shape.headDim), length(qkv.size(0) / shape.sequences),
        width(qkv.size(1)), outWidth(heads * dim),
        scale(1 / std::sqrt(static_cast<float>(dim))) {}

  int64_t group() const { return heads / keyValueHeads; }
  int64_t query(int64_t sequence, int64_t head) const {
    return sequence * length * width + head * dim;
  }
  int64_t key(int64_t sequence, int64_t head) const {
    return query(sequence, heads + head);
  }
  int64_t value(int64_t sequence, int64_t head) const {
    return key(sequence, keyValueHeads + head);
  }
  int64_t out(int64_t sequence, int64_t head) const {
    return sequence * length * outWidth + head * dim;
  }
  int64_t logSum(int64_t sequence, int64_t head) const {
    return (sequence * heads + head) * length;
  }
  int64_t tasks(int64_t sequences) const { return sequences * keyValueHeads; }

  /// The work of a thread at a time: a key head of a sequence.
  struct Task {
    int64_t sequence, kvHead;
    const float *values; ///< rows, `width` apart
  };
  /// Begins a task and rotates its keys.
  Task begin(int64_t task, const float *in, const float *cosines,
             const float *sines, float *keys) const {
    int64_t sequence = task / keyValueHeads, kvHead = task % keyValueHeads;
    rotateRows(in + key(sequence, kvHead), width, length, dim, cosines, sines,
               1, keys);
    return {sequence, kvHead, in + value(sequence, kvHead)};
  }
};

struct Attention : torch::autograd::Function<Attention> {
  static Tensor forward(torch::autograd::AutogradContext *context,
                        const Tensor &qkv, const Tensor &cosines,
                        const Tensor &sines, int64_t sequences, int64_t heads,
                        int64_t keyValueHeads, int64_t headDim) {
    const Geometry at(qkv, {sequences, heads, keyValueHeads, headDim});
    Tensor out = at::empty({qkv.size(0), at.outWidth});
    Tensor logSums = at::empty({sequences, heads, at.length});
    const float *in = qkv.data_ptr<float>(),
                *cosine = cosines.data_ptr<float>(),
                *sine = sines.data_ptr<float>();
    float *to = out.data_ptr<float>(), *sums = logSums.data_ptr<float>();
    at::parallel_for(
        0, at.tasks(sequences), 1, [&](int64_t begin, int64_t end) {
          std::vector<float> keys(at.length * at.dim), queries(keys.size());
          std::vector<float> scores(kBlockRows * at.length);
          for (int64_t task = begin; task < end; ++task) {
            auto [sequence, kvHead, values] =
                at.begin(task, in, cosine, sine, keys.data());
            for (int64_t i = 0; i < at.group(); ++i) {
              int64_t head = kvHead * at.group() + i;
              rotateRows(in + at.query(sequence, head), at.width, at.length,
                         at.dim, cosine, sine, at.scale, queries.data());
              for (int64_t row = 0; row < at.length; row += kBlockRows) {
                int64_t count = std::min(kBlockRows, at.length - row);
                int64_t cols = row + count;
                multiply(false, true, count, cols, at.dim,
                         queries.data() + row * at.dim, at.dim, keys.data(),
                         at.dim, 0, scores.data(), cols);
                softmaxRows(scores.data(), row, count, cols,
                            sums + at.logSum(sequence, head) + row);
                multiply(false, false, count, at.dim, cols, scores.data(), cols,
                         values, at.width, 0,
                         to + at.out(sequence, head) + row * at.outWidth,
                         at.outWidth);
              }
            }
          }
        });
    context->save_for_backward({qkv, cosines, sines, out, logSums});
    context->saved_data["shape"] =
        std::vector<int64_t>{sequences, heads, keyValueHeads, headDim};
    return out;
  }

  static torch::autograd::variable_list
  backward(torch::autograd::AutogradContext *context,
           torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto shape = context->saved_data["shape"].toIntVector();
    const Tensor &qkv = saved[0];
    int64_t sequences = shape[0], keyValueHeads = shape[2];
    const Geometry at(qkv, {sequences, shape[1], keyValueHeads, shape[3]});
    Tensor gradient = gradients[0].contiguous(), dQkv = at::empty_like(qkv);
    const float *in = qkv.data_ptr<float>();
    const float *cosine = saved[1].data_ptr<float>();
    const float *sine = saved[2].data_ptr<float>();
    const float *out = saved[3].data_ptr<float>();
    const float *sums = saved[4].data_ptr<float>();
    const float *dOut = gradient.data_ptr<float>();
    float *to = dQkv.data_ptr<float>();
    at::parallel_for(
        0, at.tasks(sequences), 1, [&](int64_t begin, int64_t end) {
          std::vector<float> keys(at.length * at.dim), queries(keys.size());
          std::vector<float> dKeys(keys.size()), dQueries(keys.size());
          std::vector<float> p(kBlockRows * at.length), dp(p.size());
          for (int64_t task = begin; task < end; ++task) {
            auto [sequence, kvHead, values] =
                at.begin(task, in, cosine, sine, keys.data());
            float *dValues = to + at.value(sequence, kvHead);
            std::fill(dKeys.begin(), dKeys.end(), 0.0f);
            for (int64_t row = 0; row < at.length; ++row)
              std::fill_n(dValues + row * at.width, at.dim, 0.0f);
            for (int64_t i = 0; i < at.group(); ++i) {
              int64_t head = kvHead * at.group() + i;
              rotateRows(in + at.query(sequence, head), at.width, at.length,
                         at.dim, cosine, sine, at.scale, queries.data());
              for (int64_t row = 0; row < at.length; row += kBlockRows) {
                int64_t count = std::min(kBlockRows, at.length - row);
                int64_t cols = row + count;
                int64_t place = at.out(sequence, head) + row * at.outWidth;
                const float *rows = queries.data() + row * at.dim;
                multiply(false, true, count, cols, at.dim, rows, at.dim,
                         keys.data(), at.dim, 0, p.data(), cols);
                restoreRows(p.data(), row, count, cols,
                            sums + at.logSum(sequence, head) + row);
                multiply(true, false, cols, at.dim, count, p.data(), cols,
                         dOut + place, at.outWidth, 1, dValues, at.width);
                multiply(false, true, count, cols, at.dim, dOut + place,
                         at.outWidth, values, at.width, 0, dp.data(), cols);
                differentiateScores(p.data(), dp.data(), count, cols,
                                    out + place, dOut + place, at.dim,
                                    at.outWidth);
                multiply(false, false, count, at.dim, cols, dp.data(), cols,
                         keys.data(), at.dim, 0, dQueries.data() + row * at.dim,
                         at.dim);
                multiply(true, false, cols, at.dim, count, dp.data(), cols,
                         rows, at.dim, 1, dKeys.data(), at.dim);
              }
              rotateRowsBack(dQueries.data(), at.length, at.dim, cosine, sine,
                             at.scale, to + at.query(sequence, head), at.width);
            }
            rotateRowsBack(dKeys.data(), at.length, at.dim, cosine, sine, 1,
                           to + at.key(sequence, kvHead), at.width);
          }
        });
    return {dQkv, Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};
} // namespace

Tensor sherry::training::attention(const Tensor &qkv, const Tensor &cosines,
                                   const Tensor &sines,
                                   const AttentionShape &shape) {
  return Attention::apply(qkv, cosines, sines, shape.sequences, shape.heads,
                          shape.keyValueHeads, shape.headDim);
}
