//===- AttentionInteger.cpp - Attention to keys and values in i8 ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Queries and weights are rounded to integers of 15 bits, each stored as
// 128 * high + low with two signed bytes, so that their products with the 8-bit
// numbers of the cache are exact dot products of bytes. What is lost beside
// the rounding of the cache is 2^-15 of the largest number.
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
  Values productsOf(Value row, Value first, Value head, const CachePart &keys,
                    Value block) override;
  void emitMix(Value row, Value first, Value head, const CachePart &values,
               Value firstBlock, Value size, ValueRange rescale) override;

  Value emitWeightIntegers(int64_t i, const CachePart &values, Value firstBlock,
                           Value blocks, Value &bias);
  Value storeIntegers(Value integers, Value bytes, ArrayRef<Value> at);
  void addDots(Value stored, Value bytes, Value head, Value column,
               MutableArrayRef<Value> sums);
  Value joinSums(Value high, Value low, Value bias);

  Value queries;     ///< bytes [sharing x 2 x head_dim]
  Value queryScales; ///< [sharing]
  Value queryBiases; ///< [sharing]: 128 times the sum of the integers
  Value weightBytes; ///< [together x 2 x positions of a round]
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
  queries = scratch({sharing, 2, headDim}, b.getI8Type());
  queryScales = scratch({sharing}, b.getF32Type());
  queryBiases = scratch({sharing}, b.getI32Type());
  weightBytes = b.allocLocal(
      MemRefType::get({together, 2, kRoundPositions}, b.getI8Type()));
}

/// Stores the two bytes of each integer, the high ones at `at` (which ends with
/// a 0 or 1 for high or low, and a column) and the low ones beside them.
/// Returns 128 times the integers.
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
  b.forLoop(b.index(sharing), 1, [&](Value head) {
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

/// Adds the products of 64 bytes of the cache with four bytes from `column` on
/// of `bytes`, for `together` heads from `head` on and both parts.
void IntegerAttention::addDots(Value stored, Value bytes, Value head,
                               Value column, MutableArrayRef<Value> sums) {
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value four = b.load(b.vec(4, b.getI8Type()), bytes,
                        {b.add(head, i / 2), b.index(i % 2), column});
    sum = DotAccumulateOp::create(b, sum.getType(), stored, four, sum,
                                  b.getI32IntegerAttr(255));
  }
}

/// 128 * high + low - bias as f32: the cache stores its integers plus 128.
Value IntegerAttention::joinSums(Value high, Value low, Value bias) {
  auto type = cast<VectorType>(high.getType());
  Value sum = arith::AddIOp::create(
      b, Value(arith::ShLIOp::create(b, high, b.splatInt(type, 7))), low);
  return arith::SIToFPOp::create(
      b, blockType,
      Value(arith::SubIOp::create(b, sum, broadcast(type, bias))));
}

SmallVector<Value> IntegerAttention::productsOf(Value, Value, Value head,
                                                const CachePart &keys,
                                                Value block) {
  auto bytes = b.vec(64, b.getI8Type());
  Value stored = keys.integers(b, block), scales = keys.scales(b, block);
  Value next = b.add(block, kRoundPositions / kCacheBlock);
  Value nextStored = keys.integers(b, next);
  prefetch(keys.scales(b, next), {b.index(0)}, kCacheBlock);
  Values sums(2 * together, b.splatInt(b.vec(kCacheBlock, b.getI32Type()), 0));
  sums = b.repeat(headDim / 4, sums, [&](Value group, ValueRange carried) {
    Values place{group, b.index(0), b.index(0)};
    prefetch(nextStored, place, 1);
    Values result(carried);
    addDots(b.load(bytes, stored, place), queries, head, b.mul(group, 4),
            result);
    return result;
  });
  Value keyScales = b.load(blockType, scales, {b.index(0)});
  Values products;
  for (int64_t i = 0; i < together; ++i) {
    Value at = b.add(head, i);
    Value product =
        joinSums(sums[2 * i], sums[2 * i + 1], b.loadScalar(queryBiases, {at}));
    Value scale = arith::MulFOp::create(
        b, keyScales, broadcast(blockType, b.loadScalar(queryScales, {at})));
    products.push_back(arith::MulFOp::create(b, product, scale));
  }
  return products;
}

/// The weights of head `i` times the scales of the values, as integers. Returns
/// their scale; `bias` becomes 128 times their sum.
Value IntegerAttention::emitWeightIntegers(int64_t i, const CachePart &values,
                                           Value firstBlock, Value blocks,
                                           Value &bias) {
  auto placeOf = [&](Value block) -> Values {
    return {b.index(i), b.mul(block, kCacheBlock)};
  };
  Value largest = b.forLoop(
      blocks, 1, {b.splat(blockType, 0)},
      [&](Value block, ValueRange carried) -> Values {
        Value at = b.add(firstBlock, block);
        Value scales = b.load(blockType, values.scales(b, at), {b.index(0)});
        if (i == 0)
          prefetch(values.scales(b, b.add(at, kRoundPositions / kCacheBlock)),
                   {b.index(0)}, 1);
        Value scaled = arith::MulFOp::create(
            b, b.load(blockType, weights, placeOf(block)), scales);
        b.store(scaled, weights, placeOf(block));
        return {arith::MaxNumFOp::create(b, carried[0], scaled)};
      })[0];
  largest = b.reduceMax(largest);
  Value inverse = broadcast(blockType, b.inverseOf(largest, kLargest));
  Value zero = b.splatInt(b.vec(kCacheBlock, b.getI32Type()), 0);
  Value biases = b.forLoop(
      blocks, 1, {zero}, [&](Value block, ValueRange carried) -> Values {
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
                               const CachePart &values, Value firstBlock,
                               Value size, ValueRange rescale) {
  // Positions of the last block that do not exist have the weight 0.
  Value blocks = arith::CeilDivUIOp::create(b, size, b.index(kCacheBlock));
  Values scales, biases(together);
  for (int64_t i = 0; i < together; ++i)
    scales.push_back(
        emitWeightIntegers(i, values, firstBlock, blocks, biases[i]));
  Value column = columnOf(first, head);
  b.forLoop(b.index(headDim), kDims, [&](Value dim) {
    Values sums(2 * together, b.splatInt(b.vec(kDims, b.getI32Type()), 0));
    sums = b.forLoop(blocks, 1, sums, [&](Value block, ValueRange carried) {
      Value at = b.add(firstBlock, block);
      Value stored = values.integers(b, at);
      Value next = b.add(at, kRoundPositions / kCacheBlock);
      Value nextStored = values.integers(b, next);
      Values result(carried);
      for (int64_t four = 0; four < kCacheBlock / 4; ++four) {
        Values place{b.index(four), dim, b.index(0)};
        prefetch(nextStored, place, 1);
        addDots(b.load(b.vec(4 * kDims, b.getI8Type()), stored, place),
                weightBytes, b.index(0),
                b.add(b.mul(block, kCacheBlock), 4 * four), result);
      }
      return result;
    });
    for (int64_t i = 0; i < together; ++i) {
      Values place{row, b.add(b.add(column, i * headDim), dim)};
      Value before =
          arith::MulFOp::create(b, b.load(blockType, result.buffer, place),
                                broadcast(blockType, rescale[i]));
      Value sum = joinSums(sums[2 * i], sums[2 * i + 1], biases[i]);
      b.store(b.mulAdd(sum, broadcast(blockType, scales[i]), before),
              result.buffer, place);
    }
  });
}
