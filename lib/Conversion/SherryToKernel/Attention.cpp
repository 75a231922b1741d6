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
/// Attention of the rows to one head of keys and values, for one query head
/// after the other.
class HeadAttention {
public:
  HeadAttention(KernelBuilder &b, const CacheRef &cache, const Rows &query,
                const Rows &result)
      : b(b), query(query), result(result), headDim(cache.type.getHeadDim()),
        headType(b.vec(headDim, b.getF32Type())),
        blockType(b.vec(kKeyBlock, b.getF32Type())),
        weights(
            b.allocScratch(MemRefType::get({kRoundPositions}, b.getF32Type()))),
        states(b.allocScratch(
            MemRefType::get({query.cols / headDim / cache.type.getKvHeads(), 2},
                            b.getF32Type()))) {}

  /// Heads `[first, first + count)` of `row`, which attends to `end` positions.
  void emit(Value row, Value first, int64_t count, Value keys, Value values,
            Value end);

private:
  void emitRound(Value row, Value column, Value state, Value at, Value size,
                 Value keys, Value values);
  Value scoresOf(Value row, Value column, Value keys, Value block);
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
  Value larger(Value x, Value y) { return arith::MaxNumFOp::create(b, x, y); }
  Value exp(Value x, Value largest) {
    return math::ExpOp::create(b, Value(arith::SubFOp::create(b, x, largest)));
  }

  KernelBuilder &b;
  const Rows &query, &result;
  int64_t headDim;
  VectorType headType, blockType;
  Value weights; ///< of the positions of a round
  Value states;  ///< per query head the largest score, and the sum of weights
};
} // namespace

void HeadAttention::emit(Value row, Value first, int64_t count, Value keys,
                         Value values, Value end) {
  auto forHeads = [&](function_ref<void(Value, Value)> body) {
    b.forLoop(b.index(count), 1,
              [&](Value i) { body(i, b.mul(b.add(first, i), headDim)); });
  };
  // Scores are finite, so this start is below all of them and leaves no trace
  // after the first round.
  forHeads([&](Value state, Value column) {
    memref::StoreOp::create(b, b.f32(-1e30), states,
                            ValueRange{state, b.index(0)});
    memref::StoreOp::create(b, b.f32(0), states, ValueRange{state, b.index(1)});
    b.store(b.splat(headType, 0), result.buffer, {row, column});
  });
  b.forLoop(end, kRoundPositions, [&](Value at) {
    Value size = arith::MinUIOp::create(
        b, Value(arith::SubIOp::create(b, end, at)), b.index(kRoundPositions));
    forHeads([&](Value state, Value column) {
      emitRound(row, column, state, at, size, keys, values);
    });
  });
  forHeads([&](Value state, Value column) {
    Value mix = b.load(headType, result.buffer, {row, column});
    Value sum = b.loadScalar(states, {state, b.index(1)});
    b.store(arith::DivFOp::create(b, mix, broadcast(headType, sum)),
            result.buffer, {row, column});
  });
}

/// Online softmax (Milakov and Gimelshein, arXiv 1805.02867): the largest score
/// so far, the sum of exponentials and the weighted sum of values are rescaled
/// whenever a larger score comes.
void HeadAttention::emitRound(Value row, Value column, Value state, Value at,
                              Value size, Value keys, Value values) {
  Value firstBlock = arith::DivUIOp::create(b, at, b.index(kKeyBlock));
  Value blocks = arith::CeilDivUIOp::create(b, size, b.index(kKeyBlock));
  Value scale = b.splat(blockType, 1 / std::sqrt(static_cast<double>(headDim)));
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(kKeyBlock));
  Value lane = arith::ConstantOp::create(
      b, DenseElementsAttr::get(b.vec(kKeyBlock, b.getIndexType()),
                                ArrayRef<int64_t>(lanes)));
  Value before = b.loadScalar(states, {state, b.index(0)});
  Value largest = b.forLoop(
      blocks, 1, broadcast(blockType, before),
      [&](Value i, ValueRange carried) {
        Value scores = arith::MulFOp::create(
            b, scoresOf(row, column, keys, b.add(firstBlock, i)), scale);
        // Positions of the last block that do not exist.
        Value left = arith::SubIOp::create(b, size, b.mul(i, kKeyBlock));
        Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane,
                                             b.broadcast(kKeyBlock, left));
        scores = arith::SelectOp::create(b, exists, scores,
                                         b.splat(blockType, -1e30));
        b.store(scores, weights, {b.mul(i, kKeyBlock)});
        return SmallVector<Value>{larger(carried[0], scores)};
      })[0];
  largest = b.reduce(largest,
                     [&](Value x, Value y) -> Value { return larger(x, y); });
  Value sums = b.forLoop(
      blocks, 1, b.splat(blockType, 0), [&](Value i, ValueRange carried) {
        SmallVector<Value> place{b.mul(i, kKeyBlock)};
        Value weight = exp(b.load(blockType, weights, place),
                           broadcast(blockType, largest));
        b.store(weight, weights, place);
        Value sum = arith::AddFOp::create(b, carried[0], weight);
        return SmallVector<Value>{sum};
      })[0];
  Value rescale = exp(before, largest);
  Value sum = b.mulAdd(b.loadScalar(states, {state, b.index(1)}), rescale,
                       b.reduceAdd(sums));
  memref::StoreOp::create(b, largest, states, ValueRange{state, b.index(0)});
  memref::StoreOp::create(b, sum, states, ValueRange{state, b.index(1)});
  Value mix =
      arith::MulFOp::create(b, b.load(headType, result.buffer, {row, column}),
                            broadcast(headType, rescale));
  mix = b.forLoop(size, 1, mix, [&](Value i, ValueRange carried) {
    Value value =
        loadCached(headType, values, {b.add(at, i), b.index(0)});
    Value weight = broadcast(headType, b.loadScalar(weights, {i}));
    return SmallVector<Value>{b.mulAdd(weight, value, carried[0])};
  })[0];
  b.store(mix, result.buffer, {row, column});
}

/// The products of a query with the keys of a block. Four sums at a time hide
/// the latency of the additions.
Value HeadAttention::scoresOf(Value row, Value column, Value keys,
                              Value block) {
  int64_t chains = headDim % 4 == 0 ? 4 : 1;
  SmallVector<Value> sums(chains, b.splat(blockType, 0));
  sums = b.repeat(headDim / chains, sums, [&](Value i, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t chain = 0; chain < chains; ++chain) {
      Value d = b.add(b.mul(i, chains), chain);
      Value q = b.loadScalar(query.buffer, {row, b.add(column, d)});
      Value key = loadCached(blockType, keys, {block, d, b.index(0)});
      next.push_back(b.mulAdd(broadcast(blockType, q), key, carried[chain]));
    }
    return next;
  });
  while (sums.size() > 1) {
    SmallVector<Value> pairs;
    for (size_t i = 0; i < sums.size(); i += 2)
      pairs.push_back(arith::AddFOp::create(b, sums[i], sums[i + 1]));
    sums = pairs;
  }
  return sums[0];
}

Rows sherry::emitAttention(KernelBuilder &b, const Rows &query,
                           const CacheRef &cache, Value layer, Value position) {
  Rows result = b.allocRows(query.cols, b.getF32Type(), query.count);
  int64_t kvHeads = cache.type.getKvHeads();
  int64_t sharing = query.cols / cache.type.getHeadDim() / kvHeads;
  HeadAttention attention(b, cache, query, result);
  b.parallelUnits(query.count, kvHeads, [&](Value row, Value head) {
    attention.emit(
        row, b.mul(head, sharing), sharing, keysOf(b, cache, layer, head),
        valuesOf(b, cache, layer, head), b.add(b.add(position, row), 1));
  });
  return result;
}
