//===- Attention.cpp - Attention over the cache ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

/// Positions that one round of the online softmax takes together.
static constexpr int64_t kRoundPositions = 8;

/// The keys (which = 0) or values (which = 1) of one head of a layer:
/// memref<max_context x head_dim>, of which `context` rows exist.
static Value headView(KernelBuilder &b, const CacheRef &cache, Value layer,
                      int64_t which, Value head) {
  KVCacheType type = cache.type;
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  Value plane = b.add(b.mul(layer, 2), which);
  Value row = b.add(b.mul(plane, type.getKvHeads()), head);
  Value offset = b.mul(arith::MulIOp::create(b, row, cache.context),
                       type.getHeadDim() * bytes);
  return b.view(cache.bytes, offset, {type.getMaxContext(), type.getHeadDim()},
                type.getElementType());
}

void sherry::emitUpdateCache(KernelBuilder &b, const Rows &keys,
                             const Rows &values, const CacheRef &cache,
                             Value layer, Value position) {
  int64_t headDim = cache.type.getHeadDim();
  auto vector = b.vec(headDim, b.getF32Type());
  b.parallelUnits(
      keys.count, cache.type.getKvHeads(), [&](Value row, Value head) {
        Value column = b.mul(head, headDim), at = b.add(position, row);
        for (int64_t which = 0; which < 2; ++which)
          b.store(b.load(vector, (which == 0 ? keys : values).buffer,
                         {row, column}),
                  headView(b, cache, layer, which, head), {at, b.index(0)});
      });
}

Rows sherry::emitAttention(KernelBuilder &b, const Rows &query,
                           const CacheRef &cache, Value layer, Value position) {
  Rows result = b.allocRows(query.cols, b.getF32Type(), query.count);
  int64_t headDim = cache.type.getHeadDim();
  int64_t heads = query.cols / headDim;
  int64_t sharing = heads / cache.type.getKvHeads();
  auto vector = b.vec(headDim, b.getF32Type());
  auto broadcast = [&](Value scalar) { return b.broadcast(headDim, scalar); };

  b.parallelUnits(query.count, heads, [&](Value row, Value head) {
    Value kvHead = arith::DivUIOp::create(b, head, b.index(sharing));
    Value keys = headView(b, cache, layer, 0, kvHead);
    Value values = headView(b, cache, layer, 1, kvHead);
    Value column = b.mul(head, headDim);
    Value q = arith::MulFOp::create(
        b, b.load(vector, query.buffer, {row, column}),
        b.splat(vector, 1 / std::sqrt(static_cast<double>(headDim))));

    // Online softmax (Milakov and Gimelshein, arXiv 1805.02867): the running
    // largest score, the sum of exponentials and the weighted sum of values
    // are rescaled whenever a larger score comes.
    auto round = [&](Value first, int64_t positions, ValueRange carried) {
      auto scoresType = b.vec(positions, b.getF32Type());
      Value scores = b.splat(scoresType, 0);
      for (int64_t i = 0; i < positions; ++i) {
        Value key = b.load(vector, keys, {b.add(first, i), b.index(0)});
        Value score = b.reduceAdd(arith::MulFOp::create(b, q, key));
        scores =
            vector::InsertOp::create(b, score, scores, ArrayRef<int64_t>{i});
      }
      auto larger = [&](Value x, Value y) -> Value {
        return arith::MaxNumFOp::create(b, x, y);
      };
      Value largest = larger(carried[0], b.reduce(scores, larger));
      Value rescale = math::ExpOp::create(
          b, Value(arith::SubFOp::create(b, carried[0], largest)));
      Value weights = math::ExpOp::create(
          b, Value(arith::SubFOp::create(b, scores,
                                         b.broadcast(positions, largest))));
      Value sum = b.mulAdd(carried[1], rescale, b.reduceAdd(weights));
      Value mix = arith::MulFOp::create(b, carried[2], broadcast(rescale));
      for (int64_t i = 0; i < positions; ++i) {
        Value value = b.load(vector, values, {b.add(first, i), b.index(0)});
        Value weight =
            vector::ExtractOp::create(b, weights, ArrayRef<int64_t>{i});
        mix = b.mulAdd(broadcast(weight), value, mix);
      }
      return SmallVector<Value>{largest, sum, mix};
    };

    // Scores are finite, so this start is below all of them and leaves no
    // trace after the first round.
    SmallVector<Value> state{b.f32(-1e30), b.f32(0), b.splat(vector, 0)};
    Value end = b.add(b.add(position, row), 1);
    Value size = b.index(kRoundPositions);
    Value full = arith::SubIOp::create(
        b, end, Value(arith::RemUIOp::create(b, end, size)));
    state = b.forLoop(full, kRoundPositions, state,
                      [&](Value at, ValueRange carried) {
                        return round(at, kRoundPositions, carried);
                      });
    Value left = arith::SubIOp::create(b, end, full);
    state = b.forLoop(left, 1, state, [&](Value i, ValueRange carried) {
      return round(b.add(full, i), 1, carried);
    });
    b.store(arith::DivFOp::create(b, state[2], broadcast(state[1])),
            result.buffer, {row, column});
  });
  return result;
}
