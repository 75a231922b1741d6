//===- Attention.cpp - Attention over the cache ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "sherry-abi/abi.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

/// Keys of this many positions lie together, dimension by dimension, so that
/// the scores of as many positions are computed without a sum over lanes.
static constexpr int64_t kKeyBlock = SHERRY_ABI_CONTEXT_MULTIPLE;
/// Positions that all query heads of a key head attend to in turn, while their
/// keys and values stay in the first-level cache.
static constexpr int64_t kRoundPositions = 64;

/// Where the keys (which = 0) or values (which = 1) of one head of a layer
/// begin.
static Value headOffset(KernelBuilder &b, const CacheRef &cache, Value layer,
                        int64_t which, Value head) {
  KVCacheType type = cache.type;
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  Value plane = b.add(b.mul(layer, 2), which);
  Value row = b.add(b.mul(plane, type.getKvHeads()), head);
  return b.mul(arith::MulIOp::create(b, row, cache.context),
               type.getHeadDim() * bytes);
}

/// memref<blocks x head_dim x positions of a block>
static Value keysOf(KernelBuilder &b, const CacheRef &cache, Value layer,
                    Value head) {
  KVCacheType type = cache.type;
  return b.view(cache.bytes, headOffset(b, cache, layer, 0, head),
                {format::ceilDiv(type.getMaxContext(), kKeyBlock),
                 type.getHeadDim(), kKeyBlock},
                type.getElementType());
}

/// memref<max_context x head_dim>
static Value valuesOf(KernelBuilder &b, const CacheRef &cache, Value layer,
                      Value head) {
  KVCacheType type = cache.type;
  return b.view(cache.bytes, headOffset(b, cache, layer, 1, head),
                {type.getMaxContext(), type.getHeadDim()},
                type.getElementType());
}

void sherry::emitUpdateCache(KernelBuilder &b, const Rows &keys,
                             const Rows &values, const CacheRef &cache,
                             Value layer, Value position) {
  int64_t headDim = cache.type.getHeadDim();
  auto vector = b.vec(headDim, b.getF32Type());
  auto toCache = [&](Value x) -> Value {
    Type element = cache.type.getElementType();
    if (element.isF32())
      return x;
    if (auto type = dyn_cast<VectorType>(x.getType()))
      return arith::TruncFOp::create(b, type.clone(element), x);
    return arith::TruncFOp::create(b, element, x);
  };
  b.parallelUnits(
      keys.count, cache.type.getKvHeads(), [&](Value row, Value head) {
        Value column = b.mul(head, headDim), at = b.add(position, row);
        b.store(toCache(b.load(vector, values.buffer, {row, column})),
                valuesOf(b, cache, layer, head), {at, b.index(0)});
        Value block = arith::DivUIOp::create(b, at, b.index(kKeyBlock));
        Value lane = arith::RemUIOp::create(b, at, b.index(kKeyBlock));
        Value blocks = keysOf(b, cache, layer, head);
        b.forLoop(b.index(headDim), 1, [&](Value d) {
          Value key =
              toCache(b.loadScalar(keys.buffer, {row, b.add(column, d)}));
          memref::StoreOp::create(b, key, blocks, ValueRange{block, d, lane});
        });
      });
}

namespace {
/// Attention of a row to one head of keys and values, for several query heads.
class HeadAttention {
public:
  HeadAttention(KernelBuilder &b, const CacheRef &cache, const Rows &query,
                const Rows &result);

  /// Heads `[first, first + sharing)` of `row`, which attends to `end`
  /// positions.
  void emit(Value row, Value first, Value keys, Value values, Value end);

private:
  using Values = SmallVector<Value>;

  void emitRound(Value row, Value first, Value at, Value size, Value keys,
                 Value values);
  Values emitScores(Value row, Value column, Value keys, Value firstBlock,
                    Value size, ValueRange before);
  Values productsOf(Value row, Value column, Value keys, Value block);
  Values emitWeights(Value blocks, ValueRange largest);
  void emitMix(Value row, Value column, Value values, Value at, Value size,
               ValueRange rescale);

  Value broadcast(VectorType type, Value scalar) {
    return b.broadcast(type.getDimSize(0), scalar);
  }
  /// Numbers of the cache as f32.
  Value loadCached(VectorType type, Value memref, ValueRange at) {
    Type element = cast<MemRefType>(memref.getType()).getElementType();
    Value value = b.load(b.vec(type.getDimSize(0), element), memref, at);
    return element.isF32() ? value
                           : Value(arith::ExtFOp::create(b, type, value));
  }
  /// Asks for the cache lines that the next round will read of keys or values.
  void prefetch(Value memref, ArrayRef<Value> at, VectorType type);
  Value larger(Value x, Value y) { return arith::MaxNumFOp::create(b, x, y); }
  Value exp(Value x, Value largest) {
    return math::ExpOp::create(b, Value(arith::SubFOp::create(b, x, largest)));
  }
  void storeScalar(Value x, Value memref, ValueRange at) {
    memref::StoreOp::create(b, x, memref, at);
  }

  KernelBuilder &b;
  const Rows &query, &result;
  int64_t headDim;
  int64_t sharing; ///< query heads per head of keys
  /// So many heads go through keys and values together, which are loaded and
  /// widened once for them: a divisor of `sharing`, as registers are few.
  int64_t together;
  VectorType blockType; ///< a number for each position of a block
  /// Dimensions of the values that are summed at a time.
  VectorType sliceType;
  Value weights; ///< [together x positions of a round]
  Value states;  ///< [sharing x 2]: the largest score, the sum of weights
};
} // namespace

HeadAttention::HeadAttention(KernelBuilder &b, const CacheRef &cache,
                             const Rows &query, const Rows &result)
    : b(b), query(query), result(result), headDim(cache.type.getHeadDim()),
      sharing(query.cols / headDim / cache.type.getKvHeads()) {
  together = 4;
  while (sharing % together != 0)
    --together;
  auto f32 = b.getF32Type();
  blockType = b.vec(kKeyBlock, f32);
  sliceType = b.vec(headDim % 32 == 0 ? 32 : headDim, f32);
  weights = b.allocScratch(MemRefType::get({together, kRoundPositions}, f32));
  states = b.allocScratch(MemRefType::get({sharing, 2}, f32));
}

void HeadAttention::prefetch(Value memref, ArrayRef<Value> at,
                             VectorType type) {
  // Of a block of tokens, each reads what the one before has read.
  if (b.prefetchDistance == 0 || b.maxTokens > 1)
    return;
  int64_t lanes = type.getDimSize(0);
  int64_t perLine =
      64 * 8 / cast<MemRefType>(memref.getType()).getElementTypeBitWidth();
  for (int64_t lane = 0; lane < lanes; lane += perLine) {
    Values place(at);
    place.back() = b.add(place.back(), lane);
    memref::PrefetchOp::create(b, memref, place, /*isWrite=*/false,
                               /*localityHint=*/3, /*isDataCache=*/true);
  }
}

void HeadAttention::emit(Value row, Value first, Value keys, Value values,
                         Value end) {
  auto whole = b.vec(headDim, b.getF32Type());
  auto forHeads = [&](function_ref<void(Value, Value)> body) {
    b.forLoop(b.index(sharing), 1, [&](Value head) {
      body(head, b.mul(b.add(first, head), headDim));
    });
  };
  // Scores are finite, so this start is below all of them and leaves no trace
  // after the first round.
  forHeads([&](Value head, Value column) {
    storeScalar(b.f32(-1e30), states, {head, b.index(0)});
    storeScalar(b.f32(0), states, {head, b.index(1)});
    b.store(b.splat(whole, 0), result.buffer, {row, column});
  });
  b.forLoop(end, kRoundPositions, [&](Value at) {
    Value size = arith::MinUIOp::create(
        b, Value(arith::SubIOp::create(b, end, at)), b.index(kRoundPositions));
    emitRound(row, first, at, size, keys, values);
  });
  forHeads([&](Value head, Value column) {
    Value mix = b.load(whole, result.buffer, {row, column});
    Value sum = b.loadScalar(states, {head, b.index(1)});
    b.store(arith::DivFOp::create(b, mix, broadcast(whole, sum)), result.buffer,
            {row, column});
  });
}

/// Online softmax (Milakov and Gimelshein, arXiv 1805.02867): the largest score
/// so far, the sum of exponentials and the weighted sum of values are rescaled
/// whenever a larger score comes.
void HeadAttention::emitRound(Value row, Value first, Value at, Value size,
                              Value keys, Value values) {
  Value firstBlock = arith::DivUIOp::create(b, at, b.index(kKeyBlock));
  Value blocks = arith::CeilDivUIOp::create(b, size, b.index(kKeyBlock));
  b.forLoop(b.index(sharing), together, [&](Value head) {
    Value column = b.mul(b.add(first, head), headDim);
    Values before, rescale;
    for (int64_t i = 0; i < together; ++i)
      before.push_back(b.loadScalar(states, {b.add(head, i), b.index(0)}));
    Values largest = emitScores(row, column, keys, firstBlock, size, before);
    Values sums = emitWeights(blocks, largest);
    for (int64_t i = 0; i < together; ++i) {
      rescale.push_back(exp(before[i], largest[i]));
      Values place{b.add(head, i), b.index(1)};
      Value sum = b.mulAdd(b.loadScalar(states, place), rescale[i], sums[i]);
      storeScalar(sum, states, place);
      storeScalar(largest[i], states, {b.add(head, i), b.index(0)});
    }
    emitMix(row, column, values, at, size, rescale);
  });
}

/// Writes the scores to `weights`; returns the largest of each head, and of
/// `before`.
SmallVector<Value> HeadAttention::emitScores(Value row, Value column,
                                             Value keys, Value firstBlock,
                                             Value size, ValueRange before) {
  Value scale = b.splat(blockType, 1 / std::sqrt(static_cast<double>(headDim)));
  auto lanes = llvm::to_vector(llvm::seq<int64_t>(kKeyBlock));
  Value lane = arith::ConstantOp::create(
      b, DenseElementsAttr::get(b.vec(kKeyBlock, b.getIndexType()),
                                ArrayRef<int64_t>(lanes)));
  Value blocks = arith::CeilDivUIOp::create(b, size, b.index(kKeyBlock));
  Values init;
  for (Value score : before)
    init.push_back(broadcast(blockType, score));
  Values largest = b.forLoop(blocks, 1, init, [&](Value i, ValueRange carried) {
    // Of the last block, some positions may not exist.
    Value left = arith::SubIOp::create(b, size, b.mul(i, kKeyBlock));
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane,
                                         b.broadcast(kKeyBlock, left));
    Values next = productsOf(row, column, keys, b.add(firstBlock, i));
    for (auto [head, score] : llvm::enumerate(next)) {
      Value scaled = arith::MulFOp::create(b, score, scale);
      scaled =
          arith::SelectOp::create(b, exists, scaled, b.splat(blockType, -1e30));
      b.store(scaled, weights, {b.index(head), b.mul(i, kKeyBlock)});
      score = larger(carried[head], scaled);
    }
    return next;
  });
  for (Value &score : largest)
    score = b.reduce(score, [&](Value x, Value y) { return larger(x, y); });
  return largest;
}

/// The products of the queries with the keys of a block. Several sums at a time
/// hide the latency of the additions.
SmallVector<Value> HeadAttention::productsOf(Value row, Value column,
                                             Value keys, Value block) {
  int64_t chains = together == 1 ? 4 : 2;
  if (headDim % chains != 0)
    chains = 1;
  Values sums(together * chains, b.splat(blockType, 0));
  sums = b.repeat(headDim / chains, sums, [&](Value i, ValueRange carried) {
    Values next(carried);
    for (int64_t chain = 0; chain < chains; ++chain) {
      Value d = b.add(b.mul(i, chains), chain);
      prefetch(keys, {b.add(block, kRoundPositions / kKeyBlock), d, b.index(0)},
               blockType);
      Value key = loadCached(blockType, keys, {block, d, b.index(0)});
      for (int64_t head = 0; head < together; ++head) {
        Value at = b.add(b.add(column, head * headDim), d);
        Value q = b.loadScalar(query.buffer, {row, at});
        Value &sum = next[head * chains + chain];
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

/// Makes scores to weights; returns their sum for each head.
SmallVector<Value> HeadAttention::emitWeights(Value blocks,
                                              ValueRange largest) {
  Values zeros(together, b.splat(blockType, 0));
  Values sums = b.forLoop(blocks, 1, zeros, [&](Value i, ValueRange carried) {
    Values next;
    for (int64_t head = 0; head < together; ++head) {
      Values place{b.index(head), b.mul(i, kKeyBlock)};
      Value weight = exp(b.load(blockType, weights, place),
                         broadcast(blockType, largest[head]));
      b.store(weight, weights, place);
      next.push_back(arith::AddFOp::create(b, carried[head], weight));
    }
    return next;
  });
  for (Value &sum : sums)
    sum = b.reduceAdd(sum);
  return sums;
}

/// Rescales the sums of values in the result and adds those of the round.
void HeadAttention::emitMix(Value row, Value column, Value values, Value at,
                            Value size, ValueRange rescale) {
  int64_t dims = sliceType.getDimSize(0);
  b.forLoop(b.index(headDim), dims, [&](Value slice) {
    auto placeOf = [&](int64_t head) -> Values {
      return {row, b.add(b.add(column, head * headDim), slice)};
    };
    Values mixes;
    for (int64_t head = 0; head < together; ++head)
      mixes.push_back(arith::MulFOp::create(
          b, b.load(sliceType, result.buffer, placeOf(head)),
          broadcast(sliceType, rescale[head])));
    mixes = b.forLoop(size, 1, mixes, [&](Value i, ValueRange carried) {
      Value position = b.add(at, i);
      prefetch(values, {b.add(position, kRoundPositions), slice}, sliceType);
      Value value = loadCached(sliceType, values, {position, slice});
      Values next;
      for (int64_t head = 0; head < together; ++head) {
        Value weight = b.loadScalar(weights, {b.index(head), i});
        next.push_back(
            b.mulAdd(broadcast(sliceType, weight), value, carried[head]));
      }
      return next;
    });
    for (int64_t head = 0; head < together; ++head)
      b.store(mixes[head], result.buffer, placeOf(head));
  });
}

Rows sherry::emitAttention(KernelBuilder &b, const Rows &query,
                           const CacheRef &cache, Value layer, Value position) {
  Rows result = b.allocRows(query.cols, b.getF32Type(), query.count);
  int64_t kvHeads = cache.type.getKvHeads();
  int64_t sharing = query.cols / cache.type.getHeadDim() / kvHeads;
  HeadAttention attention(b, cache, query, result);
  b.parallelUnits(query.count, kvHeads, [&](Value row, Value head) {
    attention.emit(row, b.mul(head, sharing), keysOf(b, cache, layer, head),
                   valuesOf(b, cache, layer, head),
                   b.add(b.add(position, row), 1));
  });
  return result;
}
