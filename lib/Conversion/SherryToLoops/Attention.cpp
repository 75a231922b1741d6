//===- Attention.cpp - Attention over the cache ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Attention.h"
#include "Lowering.h"
#include "Quantize.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

HeadAttention::HeadAttention(LoopBuilder &b, const CacheRef &cache,
                             const Rows &query, const Rows &result)
    : b(b), query(query), result(result), headDim(cache.type.getHeadDim()),
      queriesPerHead(query.cols / headDim / cache.type.getKvHeads()),
      cache(cache) {
  auto f32 = b.getF32Type();
  blockType = b.vec(kCacheBlock, f32);
  weights =
      b.allocScratch(MemRefType::get({queriesPerHead, kPagePositions}, f32));
  states = b.allocScratch(MemRefType::get({queriesPerHead, 2}, f32));
}

void HeadAttention::prefetch(Value memref, ArrayRef<Value> at, int64_t lanes) {
  // In a block of tokens of a prompt, each token reads the same keys and values
  // as the token before.
  if (b.getSchedule().getPrefetch() == 0 || b.getMaxTokens() > 1)
    return;
  int64_t perLine = kLineBytes * 8 /
                    cast<MemRefType>(memref.getType()).getElementTypeBitWidth();
  for (int64_t lane = 0; lane < lanes; lane += perLine) {
    Values place(at);
    place.back() = b.add(place.back(), lane);
    memref::PrefetchOp::create(b, memref, place, /*isWrite=*/false,
                               /*localityHint=*/3, /*isDataCache=*/true);
  }
}

Value HeadAttention::exp(Value x, Value largest) {
  return math::ExpOp::create(b, Value(arith::SubFOp::create(b, x, largest)));
}

void HeadAttention::emit(Value row, Value kvHead) {
  Value first = b.mul(kvHead, queriesPerHead);
  auto forHeads = [&](function_ref<void(Value, Value)> body) {
    b.forLoop(b.index(queriesPerHead), 1,
              [&](Value head) { body(head, columnOf(first, head)); });
  };
  // Scores are finite, so this start is below all scores, and has no effect
  // after the first round.
  forHeads([&](Value head, Value column) {
    b.store(b.f32(-1e30), states, {head, b.index(0)});
    b.store(b.f32(0), states, {head, b.index(1)});
    b.forHeadColumns(headDim, [&](Value part, int64_t lanes) {
      b.store(b.splat(b.vec(lanes, b.getF32Type()), 0), result.buffer,
              {row, b.add(column, part)});
    });
  });
  prepareQueries(row, first);
  Value sequence = b.numberOf(cache.sequences, row);
  Value position = b.numberOf(cache.positions, row);
  Value last = b.div(position, kPagePositions);
  b.forLoop(b.add(last, 1), 1, [&](Value index) {
    auto part = [&](Value page, CachePart::Which which) {
      return CachePart(b, cache, page, which, kvHead);
    };
    Value page = loadPage(b, cache, sequence, index);
    Value next = loadPage(b, cache, sequence,
                          arith::MinUIOp::create(b, b.add(index, 1), last));
    Value left = b.sub(b.add(position, 1), b.mul(index, kPagePositions));
    Value size = arith::MinUIOp::create(b, left, b.index(kPagePositions));
    Value blocks = arith::CeilDivUIOp::create(b, size, b.index(kCacheBlock));
    emitRound(row, first,
              {part(page, CachePart::Keys), part(page, CachePart::Values),
               part(next, CachePart::Keys), part(next, CachePart::Values), size,
               blocks});
  });
  forHeads([&](Value head, Value column) {
    Value sum = b.loadScalar(states, {head, b.index(1)});
    b.forHeadColumns(headDim, [&](Value part, int64_t lanes) {
      auto type = b.vec(lanes, b.getF32Type());
      Values place{row, b.add(column, part)};
      Value mix = b.load(type, result.buffer, place);
      b.store(arith::DivFOp::create(b, mix, broadcast(type, sum)),
              result.buffer, place);
    });
  });
}

/// Online softmax (Milakov and Gimelshein, arXiv 1805.02867): when a round has
/// a larger score than all rounds before, the sum of exponentials and the
/// weighted sum of values are rescaled.
void HeadAttention::emitRound(Value row, Value first, const Round &round) {
  b.forEach(queriesPerHead, [&](Value head) {
    Values largestPlace{head, b.index(0)}, sumPlace{head, b.index(1)};
    Value before = b.loadScalar(states, largestPlace);
    Value largest = emitScores(row, first, head, round, before);
    Value sum = emitWeights(head, round.blocks, largest);
    Value rescale = exp(before, largest);
    sum = b.mulAdd(b.loadScalar(states, sumPlace), rescale, sum);
    b.store(sum, states, sumPlace);
    b.store(largest, states, largestPlace);
    emitMix(row, first, head, round, rescale);
  });
}

/// Writes the scores to `weights`; returns the maximum of the scores and
/// `before`.
Value HeadAttention::emitScores(Value row, Value first, Value head,
                                const Round &round, Value before) {
  Value scale = b.splat(blockType, 1 / std::sqrt(static_cast<double>(headDim)));
  auto lanes = llvm::to_vector(llvm::seq<int64_t>(kCacheBlock));
  Value lane = arith::ConstantOp::create(
      b, DenseElementsAttr::get(b.vec(kCacheBlock, b.getIndexType()),
                                ArrayRef<int64_t>(lanes)));
  return b.reduceMax(b.forLoop(
      round.blocks, 1, {broadcast(blockType, before)},
      [&](Value block, ValueRange carried) -> Values {
        // In the last block, some positions may not exist.
        Value left = b.sub(round.size, b.mul(block, kCacheBlock));
        Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane,
                                             b.broadcast(kCacheBlock, left));
        Value score = arith::MulFOp::create(
            b, productOf(row, first, head, round, block), scale);
        score = arith::SelectOp::create(b, exists, score,
                                        b.splat(blockType, -1e30));
        b.store(score, weights, {head, b.mul(block, kCacheBlock)});
        return {arith::MaxNumFOp::create(b, carried[0], score)};
      })[0]);
}

/// Replaces scores by weights; returns the sum of the weights.
Value HeadAttention::emitWeights(Value head, Value blocks, Value largest) {
  return b.reduceAdd(
      b.forLoop(blocks, 1, {b.splat(blockType, 0)},
                [&](Value i, ValueRange carried) -> Values {
                  Values place{head, b.mul(i, kCacheBlock)};
                  Value weight = exp(b.load(blockType, weights, place),
                                     broadcast(blockType, largest));
                  b.store(weight, weights, place);
                  return {arith::AddFOp::create(b, carried[0], weight)};
                })[0]);
}

static void emitHead(LoopBuilder &b, const Rows &query, const CacheRef &cache,
                     const Rows &result, Value row, Value head) {
  auto make = cache.type.getElementType().isInteger(8) ? makeIntegerAttention
                                                       : makeFloatAttention;
  make(b, cache, query, result)->emit(row, head);
}

static Rows emitAttention(LoopBuilder &b, const Rows &query,
                          const CacheRef &cache) {
  Rows result = b.allocRows(query.cols, b.getF32Type(), query.count);
  b.parallelUnits(
      query.count, cache.type.getKvHeads(),
      [&](Value row, Value head) {
        emitHead(b, query, cache, result, row, head);
      },
      Division::OnDemand);
  return result;
}

/// Emits sherry.attend for one token, one head of keys after the other.
static SmallVector<Value> emitAttend(LoopBuilder &b, const Rows &query,
                                     const Rows &keys, const Rows &values,
                                     const Rows &table, const CacheRef &cache,
                                     RankedTensorType type) {
  auto alloc = [&](const Rows &like) {
    return b.allocRows(like.cols, b.getF32Type(), like.count);
  };
  Rows rotated = alloc(query), rotatedKeys = alloc(keys), mix = alloc(query);
  int64_t kvHeads = cache.type.getKvHeads();
  int64_t queries = query.cols / table.cols / kvHeads;
  std::optional<QuantizedRows> quantized;
  SmallVector<int64_t> blocks;
  if (QuantizedAttr encoding = getQuantized(type)) {
    quantized.emplace(QuantizedRows::alloc(b, type, query.count));
    ArrayRef<int64_t> all = encoding.getBlocks();
    blocks.assign(all.begin(), all.begin() + all.size() / kvHeads);
  }
  b.parallelUnits(
      query.count, kvHeads,
      [&](Value row, Value head) {
        b.forLoop(b.index(queries), 1, [&](Value i) {
          emitRotation(b, query, table, rotated, row,
                       b.add(b.mul(head, queries), i));
        });
        emitRotation(b, keys, table, rotatedKeys, row, head);
        emitUpdateHead(b, rotatedKeys, values, cache, row, head);
        emitHead(b, rotated, cache, mix, row, head);
        if (quantized)
          emitQuantizeBlocks(b, *quantized, row, head, blocks, blocks,
                             [&](Value row, Value column, int64_t) {
                               return RowPart{mix, row, column};
                             });
      },
      Division::OnDemand);
  if (!quantized)
    return mix.getValues();
  emitTablesPerThread(b, *quantized);
  return quantized->getValues();
}

namespace {
struct AttentionPattern : GraphOpPattern<AttentionOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, AttentionOp op,
                          Adaptor adaptor) const override {
    return emitAttention(b, Rows(adaptor.getQuery(), op.getQuery()),
                         CacheRef(op, adaptor))
        .getValues();
  }
};

struct AttendPattern : GraphOpPattern<AttendOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, AttendOp op,
                          Adaptor adaptor) const override {
    if (b.getMaxTokens() != 1)
      return op.emitOpError("is for one token");
    return emitAttend(b, Rows(adaptor.getQuery(), op.getQuery()),
                      Rows(adaptor.getKeys(), op.getKeys()),
                      Rows(adaptor.getValues(), op.getValues()),
                      Rows(adaptor.getTable(), op.getTable()),
                      CacheRef(op, adaptor),
                      cast<RankedTensorType>(op.getType()));
  }
};
} // namespace

void sherry::populateAttentionPatterns(const ActivationTypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<AttendPattern, AttentionPattern>(types);
}
