//===- KVCache.cpp - Keys and values of past positions --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KVCache.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sherry;

CachePart::CachePart(KernelBuilder &b, const CacheRef &cache, Value sequence,
                     Which which, Value head)
    : type(cache.type), bytes(cache.bytes), which(which) {
  Value layer = b.add(b.mul(sequence, type.getLayers()), cache.layer);
  Value plane = b.add(b.mul(layer, 2), which == Keys ? 0 : 1);
  Value row = b.add(b.mul(plane, type.getKvHeads()), head);
  offset = b.mul(arith::MulIOp::create(b, row, cache.context),
                 type.getBytesPerHead());
}

Value CachePart::keys(KernelBuilder &b) const {
  return b.view(bytes, offset,
                {format::ceilDiv(type.getMaxContext(), kCacheBlock),
                 type.getHeadDim(), kCacheBlock},
                type.getElementType());
}

Value CachePart::values(KernelBuilder &b) const {
  return b.view(bytes, offset, {type.getMaxContext(), type.getHeadDim()},
                type.getElementType());
}

Value CachePart::blockOffset(KernelBuilder &b, Value block) const {
  return b.add(offset, b.mul(block, kCacheBlock * type.getBytesPerHead()));
}

Value CachePart::integers(KernelBuilder &b, Value block) const {
  int64_t dims = type.getHeadDim();
  return b.view(bytes, blockOffset(b, block),
                which == Keys ? ArrayRef<int64_t>{dims / 4, kCacheBlock, 4}
                              : ArrayRef<int64_t>{kCacheBlock / 4, dims, 4},
                b.getI8Type());
}

Value CachePart::scales(KernelBuilder &b, Value block) const {
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
  PositionWriter(KernelBuilder &b, const CacheRef &cache, Value position)
      : b(b), headDim(cache.type.getHeadDim()),
        element(cache.type.getElementType()), position(position) {
    block = arith::DivUIOp::create(b, position, b.index(kCacheBlock));
    lane = arith::RemUIOp::create(b, position, b.index(kCacheBlock));
  }

  void writeFloats(const CachePart &keys, Value key, const CachePart &values,
                   Value value);
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
  Value fourth(Value x) { return arith::DivUIOp::create(b, x, b.index(4)); }
  Value rest(Value x) { return arith::RemUIOp::create(b, x, b.index(4)); }

  KernelBuilder &b;
  int64_t headDim;
  Type element;
  Value position, block, lane;
};
} // namespace

void PositionWriter::writeFloats(const CachePart &keys, Value key,
                                 const CachePart &values, Value value) {
  if (!element.isF32()) {
    auto type = b.vec(headDim, element);
    key = arith::TruncFOp::create(b, type, key);
    value = arith::TruncFOp::create(b, type, value);
  }
  b.store(value, values.values(b), {position, b.index(0)});
  Value blocks = keys.keys(b);
  for (int64_t dim = 0; dim < headDim; ++dim)
    b.store(vector::ExtractOp::create(b, key, dim), blocks,
            {block, b.index(dim), lane});
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

void sherry::emitUpdateCache(KernelBuilder &b, const Rows &keys,
                             const Rows &values, const CacheRef &cache) {
  int64_t headDim = cache.type.getHeadDim();
  bool isInteger = cache.type.getElementType().isInteger(8);
  Value scratch;
  if (isInteger)
    scratch = b.allocScratch(MemRefType::get({headDim}, b.getI8Type()));
  auto vector = b.vec(headDim, b.getF32Type());
  b.parallelUnits(
      keys.count, cache.type.getKvHeads(), [&](Value row, Value head) {
        Value column = b.mul(head, headDim);
        Value key = b.load(vector, keys.buffer, {row, column});
        Value value = b.load(vector, values.buffer, {row, column});
        Value sequence = b.numberOf(cache.sequences, row);
        CachePart keyPart(b, cache, sequence, CachePart::Keys, head);
        CachePart valuePart(b, cache, sequence, CachePart::Values, head);
        PositionWriter writer(b, cache, b.numberOf(cache.positions, row));
        if (!isInteger)
          return writer.writeFloats(keyPart, key, valuePart, value);
        writer.writeKeyIntegers(keyPart, key, scratch);
        writer.writeValueIntegers(valuePart, value, scratch);
      });
}
