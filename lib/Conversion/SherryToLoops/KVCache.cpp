//===- KVCache.cpp - Keys and values of past positions --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KVCache.h"
#include "Lowering.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sherry;

Value sherry::loadPage(LoopBuilder &b, const CacheRef &cache, Value sequence,
                       Value index) {
  Value begin = arith::MulIOp::create(b, sequence, cache.tableStride);
  return arith::IndexCastUIOp::create(
      b, b.getIndexType(), b.loadScalar(cache.table, {b.add(begin, index)}));
}

CachePart::CachePart(LoopBuilder &b, const CacheRef &cache, Value page,
                     Which which, Value head)
    : type(cache.type), bytes(cache.bytes), which(which) {
  // Shape layers x kv_heads x 2.
  Value part =
      b.add(b.mul(b.add(b.mul(cache.layer, type.getKvHeads()), head), 2),
            which == Keys ? 0 : 1);
  offset = b.add(b.mul(page, kPagePositions * type.getBytesPerPosition()),
                 b.mul(part, kPagePositions * type.getBytesPerHead()));
}

Value CachePart::keys(LoopBuilder &b) const {
  return b.view(bytes, offset, {kPageBlocks, type.getHeadDim(), kCacheBlock},
                type.getElementType());
}

Value CachePart::values(LoopBuilder &b) const {
  return b.view(bytes, offset, {kPagePositions, type.getHeadDim()},
                type.getElementType());
}

Value CachePart::blockOffset(LoopBuilder &b, Value block) const {
  return b.add(offset, b.mul(block, kCacheBlock * type.getBytesPerHead()));
}

Value CachePart::integers(LoopBuilder &b, Value block) const {
  int64_t dims = type.getHeadDim();
  return b.view(bytes, blockOffset(b, block),
                which == Keys ? ArrayRef<int64_t>{dims / 4, kCacheBlock, 4}
                              : ArrayRef<int64_t>{kCacheBlock / 4, dims, 4},
                b.getI8Type());
}

Value CachePart::scales(LoopBuilder &b, Value block) const {
  Value begin = b.add(blockOffset(b, block), kCacheBlock * type.getHeadDim());
  return b.view(bytes, begin, {kCacheBlock}, b.getF32Type());
}

//===----------------------------------------------------------------------===//
// Update
//===----------------------------------------------------------------------===//

namespace {
/// Writes the keys and values of one position and head.
class PositionWriter {
public:
  /// `position` counts from the first position of the page on.
  PositionWriter(LoopBuilder &b, const CacheRef &cache, Value position)
      : b(b), headDim(cache.type.getHeadDim()),
        element(cache.type.getElementType()), position(position) {
    block = b.div(position, kCacheBlock);
    lane = b.rem(position, kCacheBlock);
  }

  /// Writes the numbers from `column` on.
  void writeFloats(const CachePart &keys, Value key, const CachePart &values,
                   Value value, Value column, Value scratch);
  void writeIntegers(const CachePart &part, Value numbers, Value scratch,
                     function_ref<SmallVector<Value>(Value)> placeOf);
  void writeKeyIntegers(const CachePart &keys, Value key, Value scratch) {
    writeIntegers(keys, key, scratch, [&](Value dim) -> SmallVector<Value> {
      return {fourth(dim), lane, rest(dim)};
    });
  }
  void writeValueIntegers(const CachePart &values, Value value, Value scratch) {
    writeIntegers(values, value, scratch, [&](Value dim) -> SmallVector<Value> {
      return {fourth(lane), dim, rest(lane)};
    });
  }

private:
  Value fourth(Value x) { return b.div(x, 4); }
  Value rest(Value x) { return b.rem(x, 4); }

  LoopBuilder &b;
  int64_t headDim;
  Type element;
  Value position, block, lane;
};
} // namespace

/// Converts to f16. Too large numbers become the largest number of f16, because
/// the softmax would make NaN of infinity.
static Value narrow(LoopBuilder &b, Value numbers) {
  constexpr double kLargest = 65504;
  auto type = cast<VectorType>(numbers.getType());
  // NaN stays.
  numbers = arith::MinimumFOp::create(b, numbers, b.splat(type, kLargest));
  numbers = arith::MaximumFOp::create(b, numbers, b.splat(type, -kLargest));
  return arith::TruncFOp::create(b, type.clone(b.getF16Type()), numbers);
}

void PositionWriter::writeFloats(const CachePart &keys, Value key,
                                 const CachePart &values, Value value,
                                 Value column, Value scratch) {
  if (!element.isF32()) {
    key = narrow(b, key);
    value = narrow(b, value);
  }
  b.store(value, values.values(b), {position, column});
  // One lane of each row of the block.
  b.store(key, scratch, {b.index(0)});
  Value blocks = keys.keys(b);
  int64_t lanes = cast<VectorType>(key.getType()).getDimSize(0);
  b.forLoop(b.index(lanes), 1, [&](Value i) {
    b.store(b.loadScalar(scratch, {i}), blocks,
            {block, b.add(column, i), lane});
  });
}

void PositionWriter::writeIntegers(
    const CachePart &part, Value numbers, Value scratch,
    function_ref<SmallVector<Value>(Value)> placeOf) {
  Value largest = b.reduceMax(math::AbsFOp::create(b, numbers));
  Value inverse = b.broadcast(headDim, b.inverseOf(largest, 127));
  Value integers = b.roundToInt(arith::MulFOp::create(b, numbers, inverse));
  Value stored =
      arith::AddIOp::create(b, integers, b.splatInt(integers.getType(), 128));
  b.store(arith::TruncIOp::create(b, b.vec(headDim, b.getI8Type()), stored),
          scratch, {b.index(0)});
  Value memory = part.integers(b, block);
  b.forLoop(b.index(headDim), 1, [&](Value dim) {
    b.store(b.loadScalar(scratch, {dim}), memory, placeOf(dim));
  });
  b.store(arith::DivFOp::create(b, largest, b.f32(127)), part.scales(b, block),
          {lane});
}

void sherry::emitUpdateHead(LoopBuilder &b, const Rows &keys,
                            const Rows &values, const CacheRef &cache,
                            Value row, Value head) {
  int64_t headDim = cache.type.getHeadDim();
  bool isInteger = cache.type.getElementType().isInteger(8);
  Value column = b.mul(head, headDim);
  auto load = [&](const Rows &rows, Value part, int64_t lanes) {
    return b.load(b.vec(lanes, b.getF32Type()), rows.buffer,
                  {row, b.add(column, part)});
  };
  Value position = b.numberOf(cache.positions, row);
  Value page = loadPage(b, cache, b.numberOf(cache.sequences, row),
                        b.div(position, kPagePositions));
  CachePart keyPart(b, cache, page, CachePart::Keys, head);
  CachePart valuePart(b, cache, page, CachePart::Values, head);
  PositionWriter writer(b, cache, b.rem(position, kPagePositions));
  Value scratch = b.allocLocal(MemRefType::get(
      {isInteger ? headDim : std::min(headDim, b.kMostHeadLanes)},
      cache.type.getElementType()));
  if (!isInteger)
    return b.forHeadColumns(headDim, [&](Value part, int64_t lanes) {
      Value key = load(keys, part, lanes);
      Value value = load(values, part, lanes);
      writer.writeFloats(keyPart, key, valuePart, value, part, scratch);
    });
  Value first = b.index(0);
  Value key = load(keys, first, headDim);
  Value value = load(values, first, headDim);
  writer.writeKeyIntegers(keyPart, key, scratch);
  writer.writeValueIntegers(valuePart, value, scratch);
}

static void emitUpdateCache(LoopBuilder &b, const Rows &keys,
                            const Rows &values, const CacheRef &cache) {
  b.parallelUnits(keys.count, cache.type.getKvHeads(),
                  [&](Value row, Value head) {
                    emitUpdateHead(b, keys, values, cache, row, head);
                  });
}

namespace {
struct UpdateCachePattern : GraphOpPattern<UpdateCacheOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, UpdateCacheOp op,
                          Adaptor adaptor) const override {
    emitUpdateCache(b, Rows(adaptor.getKeys(), op.getKeys()),
                    Rows(adaptor.getValues(), op.getValues()),
                    CacheRef(op, adaptor));
    return Values();
  }
};
} // namespace

void sherry::populateKVCachePatterns(const ActivationTypeConverter &types,
                                     RewritePatternSet &patterns) {
  patterns.add<UpdateCachePattern>(types);
}
