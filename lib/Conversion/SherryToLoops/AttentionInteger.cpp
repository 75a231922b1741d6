//===- AttentionInteger.cpp - Attention to keys and values in i8 ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Queries and weights are rounded to integers of 15 bits, each stored as
// 128 * high + low with two signed bytes, so that their products with the 8-bit
// numbers of the cache are exact dot products of bytes. The rounding error, in
// addition to that of the cache, is 2^-15 of the largest number.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sherry;

namespace {
class IntegerAttention : public HeadAttention {
public:
  IntegerAttention(LoopBuilder &b, const CacheRef &cache, const Rows &query,
                   const Rows &result);

private:
  /// The largest integer: its high byte is 127.
  static constexpr int64_t kLargest = int64_t{127} * 128;
  /// Dimensions of the values that are summed at a time.
  static constexpr int64_t kDims = 16;

  void prepareQueries(Value row, Value first) override;
  Value productOf(Value row, Value first, Value head, const Round &round,
                  Value block) override;
  void emitMix(Value row, Value first, Value head, const Round &round,
               Value rescale) override;

  Value emitWeightIntegers(Value head, const Round &round, Value &bias);
  Value storeIntegers(Value integers, Value bytes, ArrayRef<Value> at);
  /// Zeros for the sums of products with the high and with the low bytes.
  Values zeroSums() {
    return Values(2, b.splatInt(b.vec(16, b.getI32Type()), 0));
  }
  Values addDots(Value stored, Value bytes, Value head, Value column,
                 ValueRange sums);
  Value joinSums(ArrayRef<Value> sums, Value bias);

  Value queries;     ///< bytes [queriesPerHead x 2 x head_dim]
  Value queryScales; ///< [queriesPerHead]
  Value queryBiases; ///< [queriesPerHead]: 128 times the sum of the integers
  Value weightBytes; ///< [queriesPerHead x 2 x positions of a page]
};
} // namespace

std::unique_ptr<HeadAttention>
sherry::makeIntegerAttention(LoopBuilder &b, const CacheRef &cache,
                             const Rows &query, const Rows &result) {
  return std::make_unique<IntegerAttention>(b, cache, query, result);
}

IntegerAttention::IntegerAttention(LoopBuilder &b, const CacheRef &cache,
                                   const Rows &query, const Rows &result)
    : HeadAttention(b, cache, query, result) {
  auto scratch = [&](ArrayRef<int64_t> shape, Type element) {
    return b.allocScratch(MemRefType::get(shape, element));
  };
  queries = scratch({queriesPerHead, 2, headDim}, b.getI8Type());
  queryScales = scratch({queriesPerHead}, b.getF32Type());
  queryBiases = scratch({queriesPerHead}, b.getI32Type());
  weightBytes = scratch({queriesPerHead, 2, kPagePositions}, b.getI8Type());
}

/// Stores the two bytes of each integer. The indices `at` of the high bytes end
/// with 0 for high (1 is low) and a column; the low bytes have the same other
/// indices. Returns 128 times the integers.
Value IntegerAttention::storeIntegers(Value integers, Value bytes,
                                      ArrayRef<Value> at) {
  auto type = cast<VectorType>(integers.getType());
  Value seven = b.splatInt(type, 7);
  // Rounded, so that the low byte is in -64..63.
  Value high = arith::ShRSIOp::create(
      b, Value(arith::AddIOp::create(b, integers, b.splatInt(type, 64))),
      seven);
  Value low = arith::SubIOp::create(
      b, integers, Value(arith::ShLIOp::create(b, high, seven)));
  Value parts[] = {high, low};
  for (auto [i, part] : llvm::enumerate(parts)) {
    Values place(at.drop_back());
    place.push_back(b.index(i));
    place.push_back(at.back());
    b.store(arith::TruncIOp::create(b, type.clone(b.getI8Type()), part), bytes,
            place);
  }
  return arith::ShLIOp::create(b, integers, seven);
}

void IntegerAttention::prepareQueries(Value row, Value first) {
  b.forLoop(b.index(queriesPerHead), 1, [&](Value head) {
    auto whole = b.vec(headDim, b.getF32Type());
    Value numbers = b.load(whole, query.buffer, {row, columnOf(first, head)});
    Value largest = b.reduceMax(math::AbsFOp::create(b, numbers));
    Value inverse = broadcast(whole, b.inverseOf(largest, kLargest));
    Value integers = b.roundToInt(arith::MulFOp::create(b, numbers, inverse));
    Value biases = storeIntegers(integers, queries, {head, b.index(0)});
    b.store(b.reduceAdd(biases), queryBiases, {head});
    b.store(arith::DivFOp::create(b, largest, b.f32(kLargest)), queryScales,
            {head});
  });
}

/// Adds the products of 64 bytes of the cache with four bytes, from `column`
/// on, of both parts of `bytes`.
SmallVector<Value> IntegerAttention::addDots(Value stored, Value bytes,
                                             Value head, Value column,
                                             ValueRange sums) {
  Values result;
  for (auto [part, sum] : llvm::enumerate(sums)) {
    Value four =
        b.load(b.vec(4, b.getI8Type()), bytes, {head, b.index(part), column});
    result.push_back(DotAccumulateOp::create(b, sum.getType(), stored, four,
                                             sum, b.getI32IntegerAttr(255)));
  }
  return result;
}

/// 128 * high + low - bias as f32; `bias` is there because the cache stores its
/// integers plus 128.
Value IntegerAttention::joinSums(ArrayRef<Value> sums, Value bias) {
  auto type = cast<VectorType>(sums[0].getType());
  Value sum = arith::AddIOp::create(
      b, Value(arith::ShLIOp::create(b, sums[0], b.splatInt(type, 7))),
      sums[1]);
  return arith::SIToFPOp::create(
      b, blockType,
      Value(arith::SubIOp::create(b, sum, broadcast(type, bias))));
}

Value IntegerAttention::productOf(Value, Value, Value head, const Round &round,
                                  Value block) {
  auto bytes = b.vec(64, b.getI8Type());
  Value stored = round.keys.integers(b, block);
  Value scales = round.keys.scales(b, block);
  Value nextStored = round.nextKeys.integers(b, block);
  prefetch(round.nextKeys.scales(b, block), {b.index(0)}, kCacheBlock);
  Values sums =
      b.repeat(headDim / 4, zeroSums(), [&](Value group, ValueRange carried) {
        Values place{group, b.index(0), b.index(0)};
        prefetch(nextStored, place, 1);
        return addDots(b.load(bytes, stored, place), queries, head,
                       b.mul(group, 4), carried);
      });
  Value product = joinSums(sums, b.loadScalar(queryBiases, {head}));
  Value scale = arith::MulFOp::create(
      b, b.load(blockType, scales, {b.index(0)}),
      broadcast(blockType, b.loadScalar(queryScales, {head})));
  return arith::MulFOp::create(b, product, scale);
}

/// Stores the weights of a head times the scales of the values as integers.
/// Returns the scale of the integers; `bias` becomes 128 times their sum.
Value IntegerAttention::emitWeightIntegers(Value head, const Round &round,
                                           Value &bias) {
  auto placeOf = [&](Value block) -> Values {
    return {head, b.mul(block, kCacheBlock)};
  };
  Value largest =
      b.forLoop(round.blocks, 1, {b.splat(blockType, 0)},
                [&](Value block, ValueRange carried) -> Values {
                  Value scales = b.load(
                      blockType, round.values.scales(b, block), {b.index(0)});
                  prefetch(round.nextValues.scales(b, block), {b.index(0)}, 1);
                  Value scaled = arith::MulFOp::create(
                      b, b.load(blockType, weights, placeOf(block)), scales);
                  b.store(scaled, weights, placeOf(block));
                  return {arith::MaxNumFOp::create(b, carried[0], scaled)};
                })[0];
  largest = b.reduceMax(largest);
  Value inverse = broadcast(blockType, b.inverseOf(largest, kLargest));
  Value zero = b.splatInt(b.vec(kCacheBlock, b.getI32Type()), 0);
  Value biases = b.forLoop(
      round.blocks, 1, {zero}, [&](Value block, ValueRange carried) -> Values {
        Value scaled = b.load(blockType, weights, placeOf(block));
        Value integers =
            b.roundToInt(arith::MulFOp::create(b, scaled, inverse));
        return {arith::AddIOp::create(
            b, carried[0],
            storeIntegers(integers, weightBytes, placeOf(block)))};
      })[0];
  bias = b.reduceAdd(biases);
  return arith::DivFOp::create(b, largest, b.f32(kLargest));
}

void IntegerAttention::emitMix(Value row, Value first, Value head,
                               const Round &round, Value rescale) {
  // Missing positions of the last block have weight 0.
  Value bias;
  Value scale = emitWeightIntegers(head, round, bias);
  Value column = columnOf(first, head);
  b.forLoop(b.index(headDim), kDims, [&](Value dim) {
    Values sums = b.forLoop(
        round.blocks, 1, zeroSums(), [&](Value block, ValueRange carried) {
          Value stored = round.values.integers(b, block);
          Value nextStored = round.nextValues.integers(b, block);
          Values result(carried);
          for (int64_t four = 0; four < kCacheBlock / 4; ++four) {
            Values place{b.index(four), dim, b.index(0)};
            prefetch(nextStored, place, 1);
            result =
                addDots(b.load(b.vec(4 * kDims, b.getI8Type()), stored, place),
                        weightBytes, head,
                        b.add(b.mul(block, kCacheBlock), 4 * four), result);
          }
          return result;
        });
    Values place{row, b.add(column, dim)};
    Value before =
        arith::MulFOp::create(b, b.load(blockType, result.buffer, place),
                              broadcast(blockType, rescale));
    b.store(b.mulAdd(joinSums(sums, bias), broadcast(blockType, scale), before),
            result.buffer, place);
  });
}
