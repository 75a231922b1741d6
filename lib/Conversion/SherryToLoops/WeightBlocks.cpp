//===- WeightBlocks.cpp - Reads plain weights block by block --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Implements rules [Q2] and [Q3] of docs/BlockFormat.md.
//
//===----------------------------------------------------------------------===//
#include "WeightBlocks.h"

using namespace mlir;
using namespace sherry;

/// Loads `count` numbers from index `row` on of an array at byte `offset` of
/// the weights.
static Value loadRows(LoopBuilder &b, Value offset, Value row, int64_t count,
                      Type type) {
  Value numbers = b.view(b.getWeights(), offset, {format::kTileRows}, type);
  return b.load(b.vec(count, type), numbers, {row});
}

/// Loads the bytes of `rows` rows, from `row` on, of plane `index`. `planes` is
/// the offset of the planes, `bytes` the size of all of them.
static Value loadPlane(LoopBuilder &b, Value planes, int64_t bytes, Value index,
                       Value row, int64_t rows) {
  Value memory = b.view(b.getWeights(), planes,
                        {bytes / format::QuantFormat::kPlaneBytes,
                         format::kTileRows, format::kDotInputs},
                        b.getI8Type());
  return b.load(b.vec(rows * format::kDotInputs, b.getI8Type()), memory,
                {index, row, b.index(0)});
}

/// Shifts each four bytes, as one integer, to the right (to the left if `shift`
/// is negative), and keeps the bits of `mask` in every byte: vector<rows x
/// i32>.
static Value getBits(LoopBuilder &b, Value plane, int64_t shift, int64_t mask) {
  int64_t rows =
      cast<VectorType>(plane.getType()).getNumElements() / format::kDotInputs;
  auto lanes = b.vec(rows, b.getI32Type());
  Value value = vector::BitCastOp::create(b, lanes, plane);
  Value distance = b.splatInt(lanes, std::abs(shift));
  if (shift > 0)
    value = arith::ShRUIOp::create(b, value, distance);
  if (shift < 0)
    value = arith::ShLIOp::create(b, value, distance);
  return arith::AndIOp::create(b, value, b.splatInt(lanes, mask * 0x01010101));
}

Value WeightBlock::integersOf8Bits(LoopBuilder &b, Value group, Value row,
                                   int64_t rows) const {
  assert(format->bits == 8);
  return loadPlane(b, lowAt, format->lowBytes(inputs), group, row, rows);
}

Value WeightBlock::integers(LoopBuilder &b, int64_t group, Value row,
                            int64_t rows) const {
  int64_t shared = format->planeGroups(), width = 8 / shared;
  Value plane = loadPlane(b, lowAt, format->lowBytes(inputs),
                          b.index(group / shared), row, rows);
  if (format->bits == 8)
    return plane;
  Value result = getBits(b, plane, group % shared * width, (1 << width) - 1);
  if (format->hasUpperPlanes()) {
    Value upper =
        loadPlane(b, upperAt, format->kPlaneBytes, b.index(0), row, rows);
    result =
        arith::OrIOp::create(b, getBits(b, upper, group * 2 - 4, 48), result);
  }
  return vector::BitCastOp::create(
      b, b.vec(rows * format::kDotInputs, b.getI8Type()), result);
}

Value WeightBlock::scales(LoopBuilder &b, Value row, int64_t rows) const {
  auto floats = b.vec(rows, b.getF32Type());
  Value result = arith::ExtFOp::create(
      b, floats, loadRows(b, scalesAt, row, rows, b.getF16Type()));
  if (!format->hasFactors())
    return result;
  // Exact: 11 bits times 8 bits.
  Value factor = arith::SIToFPOp::create(
      b, floats, loadRows(b, factorsAt, row, rows, b.getI8Type()));
  return arith::MulFOp::create(b, result, factor);
}

namespace sherry {
/// Computes the offsets of blocks.
class BlockPlaces {
public:
  BlockPlaces(LoopBuilder &b, const format::QuantFormat &format, Value offset)
      : b(b), format(format), offset(offset) {}

  /// Block `index` of super-block `super`, which has `superInputs` inputs.
  WeightBlock at(Value super, int64_t superInputs, Value index,
                 int64_t inputs) const {
    WeightBlock block;
    block.format = &format;
    block.inputs = inputs;
    block.number =
        b.add(b.mul(super, format.superInputs / format.blockInputs), index);
    block.column = b.mul(block.number, format.blockInputs);
    Value begin =
        b.add(offset, b.mul(super, format.superBytes(format.superInputs)));
    block.scalesAt = b.add(begin, format.dAt(superInputs));
    block.upperAt = b.add(b.add(begin, format.blocksAt()),
                          b.mul(index, format.blockBytes(format.blockInputs)));
    block.lowAt = b.add(block.upperAt, format.lowPlanesAt());
    block.factorsAt = b.add(block.upperAt, format.scalesAt(inputs));
    return block;
  }

private:
  LoopBuilder &b;
  const format::QuantFormat &format;
  Value offset;
};
} // namespace sherry

SmallVector<Value> sherry::forWeightBlocks(
    LoopBuilder &b, const format::QuantFormat &format, Value offset,
    int64_t cols, ValueRange init,
    function_ref<SmallVector<Value>(const WeightBlock &, ValueRange)> body) {
  BlockPlaces places(b, format, offset);
  /// Calls `use` for all parts of `length` inputs, and for the rest.
  auto cut =
      [&](int64_t total, int64_t length, ValueRange carried,
          function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> use) {
        SmallVector<Value> values =
            b.repeat(total / length, carried, [&](Value i, ValueRange inner) {
              return use(i, length, inner);
            });
        if (int64_t rest = total % length)
          values = use(b.index(total / length), rest, values);
        return values;
      };
  return cut(cols, format.superInputs, init,
             [&](Value super, int64_t superInputs, ValueRange carried) {
               return cut(superInputs, format.blockInputs, carried,
                          [&](Value index, int64_t inputs, ValueRange inner) {
                            return body(
                                places.at(super, superInputs, index, inputs),
                                inner);
                          });
             });
}
