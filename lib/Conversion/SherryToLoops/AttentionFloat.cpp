//===- AttentionFloat.cpp - Attention to keys and values in f32 or f16 ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Attention.h"

using namespace mlir;
using namespace sherry;

namespace {
class FloatAttention : public HeadAttention {
public:
  FloatAttention(LoopBuilder &b, const CacheRef &cache, const Rows &query,
                 const Rows &result)
      : HeadAttention(b, cache, query, result) {}

private:
  Value productOf(Value row, Value first, Value head, const Round &round,
                  Value block) override;
  void emitMix(Value row, Value first, Value head, const Round &round,
               Value rescale) override;

  /// Loads numbers of the cache as f32.
  Value loadCached(VectorType type, Value memref, ValueRange at) {
    Type element = cast<MemRefType>(memref.getType()).getElementType();
    Value value = b.load(b.vec(type.getDimSize(0), element), memref, at);
    return element.isF32() ? value
                           : Value(arith::ExtFOp::create(b, type, value));
  }

  /// Dimensions of the values that are summed at a time.
  static constexpr int64_t kSlice = 32;
};
} // namespace

std::unique_ptr<HeadAttention> sherry::makeFloatAttention(LoopBuilder &b,
                                                          const CacheRef &cache,
                                                          const Rows &query,
                                                          const Rows &result) {
  return std::make_unique<FloatAttention>(b, cache, query, result);
}

/// Several sums at a time hide the latency of additions. Several heads give
/// several sums, too.
Value FloatAttention::productOf(Value row, Value first, Value head,
                                const Round &round, Value block) {
  Value keys = round.keys.keys(b), nextKeys = round.nextKeys.keys(b);
  Value column = columnOf(first, head);
  int64_t chains = getHeadsTogether(queriesPerHead) == 1 ? 4 : 2;
  if (headDim % chains != 0)
    chains = 1;
  Values sums(chains, b.splat(blockType, 0));
  sums = b.repeat(headDim / chains, sums, [&](Value i, ValueRange carried) {
    Values next(carried);
    for (auto [chain, sum] : llvm::enumerate(next)) {
      Value d = b.add(b.mul(i, chains), chain);
      prefetch(nextKeys, {block, d, b.index(0)}, kCacheBlock);
      Value key = loadCached(blockType, keys, {block, d, b.index(0)});
      Value q = b.loadScalar(query.buffer, {row, b.add(column, d)});
      sum = b.mulAdd(broadcast(blockType, q), key, sum);
    }
    return next;
  });
  for (; sums.size() > 1; sums.truncate(sums.size() / 2))
    for (size_t i = 0; i < sums.size() / 2; ++i)
      sums[i] = arith::AddFOp::create(b, sums[2 * i], sums[2 * i + 1]);
  return sums[0];
}

void FloatAttention::emitMix(Value row, Value first, Value head,
                             const Round &round, Value rescale) {
  Value values = round.values.values(b), next = round.nextValues.values(b);
  Value column = columnOf(first, head);
  auto mix = [&](Value slice, int64_t dims) {
    auto type = b.vec(dims, b.getF32Type());
    Values place{row, b.add(column, slice)};
    Value sum = arith::MulFOp::create(b, b.load(type, result.buffer, place),
                                      broadcast(type, rescale));
    sum = b.forLoop(round.size, 1, {sum},
                    [&](Value position, ValueRange carried) -> Values {
                      prefetch(next, {position, slice}, dims);
                      Value value = loadCached(type, values, {position, slice});
                      Value weight = b.loadScalar(weights, {head, position});
                      return {
                          b.mulAdd(broadcast(type, weight), value, carried[0])};
                    })[0];
    b.store(sum, result.buffer, place);
  };
  bool isOne = headDim % kSlice != 0 && headDim <= b.kMostHeadLanes;
  int64_t dims = isOne ? headDim : kSlice, rest = headDim % dims;
  b.forLoop(b.index(headDim - rest), dims,
            [&](Value slice) { mix(slice, dims); });
  if (rest > 0)
    mix(b.index(headDim - rest), rest);
}
