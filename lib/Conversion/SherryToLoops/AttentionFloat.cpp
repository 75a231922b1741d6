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
  Values productsOf(Value row, Value first, Value head, const CachePart &part,
                    Value block) override;
  void emitMix(Value row, Value first, Value head, const CachePart &part,
               Value firstBlock, Value size, ValueRange rescale) override;

  /// Numbers of the cache as f32.
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

/// Several sums at a time hide the latency of the additions.
SmallVector<Value> FloatAttention::productsOf(Value row, Value first,
                                              Value head, const CachePart &part,
                                              Value block) {
  Value keys = part.keys(b), column = columnOf(first, head);
  int64_t chains = together == 1 ? 4 : 2;
  if (headDim % chains != 0)
    chains = 1;
  Values sums(together * chains, b.splat(blockType, 0));
  sums = b.repeat(headDim / chains, sums, [&](Value i, ValueRange carried) {
    Values next(carried);
    for (int64_t chain = 0; chain < chains; ++chain) {
      Value d = b.add(b.mul(i, chains), chain);
      prefetch(keys,
               {b.add(block, kRoundPositions / kCacheBlock), d, b.index(0)},
               kCacheBlock);
      Value key = loadCached(blockType, keys, {block, d, b.index(0)});
      for (int64_t i = 0; i < together; ++i) {
        Value at = b.add(b.add(column, i * headDim), d);
        Value q = b.loadScalar(query.buffer, {row, at});
        Value &sum = next[i * chains + chain];
        sum = b.mulAdd(broadcast(blockType, q), key, sum);
      }
    }
    return next;
  });
  for (; chains > 1; chains /= 2) {
    Values pairs;
    for (size_t i = 0; i < sums.size(); i += 2)
      pairs.push_back(arith::AddFOp::create(b, sums[i], sums[i + 1]));
    sums = pairs;
  }
  return sums;
}

void FloatAttention::emitMix(Value row, Value first, Value head,
                             const CachePart &part, Value firstBlock,
                             Value size, ValueRange rescale) {
  Value values = part.values(b), column = columnOf(first, head);
  Value at = b.mul(firstBlock, kCacheBlock);
  auto mix = [&](Value slice, int64_t dims) {
    auto type = b.vec(dims, b.getF32Type());
    auto placeOf = [&](int64_t i) -> Values {
      return {row, b.add(b.add(column, i * headDim), slice)};
    };
    Values mixes;
    for (int64_t i = 0; i < together; ++i)
      mixes.push_back(
          arith::MulFOp::create(b, b.load(type, result.buffer, placeOf(i)),
                                broadcast(type, rescale[i])));
    mixes = b.forLoop(size, 1, mixes, [&](Value offset, ValueRange carried) {
      Value position = b.add(at, offset);
      prefetch(values, {b.add(position, kRoundPositions), slice}, dims);
      Value value = loadCached(type, values, {position, slice});
      Values next;
      for (int64_t i = 0; i < together; ++i) {
        Value weight = b.loadScalar(weights, {b.index(i), offset});
        next.push_back(b.mulAdd(broadcast(type, weight), value, carried[i]));
      }
      return next;
    });
    for (int64_t i = 0; i < together; ++i)
      b.store(mixes[i], result.buffer, placeOf(i));
  };
  bool isOne = headDim % kSlice != 0 && headDim <= b.kMostHeadLanes;
  int64_t dims = isOne ? headDim : kSlice, rest = headDim % dims;
  b.forLoop(b.index(headDim - rest), dims,
            [&](Value slice) { mix(slice, dims); });
  if (rest > 0)
    mix(b.index(headDim - rest), rest);
}
