//===- TernaryRows.cpp - Rows of ternary weights as numbers ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
/// Unpacks the whole tile of the row, which is little work compared with a
/// product with all tiles.
class TernaryRow : TernaryLoops {
public:
  TernaryRow(LoopBuilder &b, WeightRef weight, const Rows &result)
      : TernaryLoops(b, result.cols, weight), result(result) {}

  void emit(Value number, Value row);

private:
  void emitChunk(const Piece &chunk, Value lane, Value scale, Value row);

  const Rows &result;
  Value panel, scales;
};
} // namespace

void TernaryRow::emitChunk(const Piece &chunk, Value lane, Value scale,
                           Value row) {
  int64_t four = format::kDotInputs, half = format::kTileRows / 2;
  auto floats = b.vec(four, b.getF32Type());
  fillPanel(chunk, /*bias=*/0, panel);
  b.forLoop(b.index(chunk.inputs / four), 1, [&](Value i) {
    Value trits =
        b.load(b.vec(four, b.getI8Type()), panel,
               {i, b.div(lane, half), b.mul(b.rem(lane, half), four)});
    Value numbers = arith::SIToFPOp::create(
        b, floats,
        Value(arith::ExtSIOp::create(b, b.vec(four, b.getI32Type()), trits)));
    b.store(arith::MulFOp::create(b, numbers, b.broadcast(four, scale)),
            result.buffer, {row, b.mul(b.add(chunk.four, i), four)});
  });
}

void TernaryRow::emit(Value number, Value row) {
  Value lane = b.rem(number, format::kTileRows);
  panel = allocPanel();
  scales = b.allocLocal(MemRefType::get({format::kTileRows}, b.getF32Type()));
  forTile(b.div(number, format::kTileRows), [&](const Piece &tile) {
    forScaleGroups(tile, {}, [&](const Piece &group, ValueRange) {
      b.store(loadScales(group), scales, {b.index(0)});
      Value scale = b.loadScalar(scales, {lane});
      return forChunks(group, {}, [&](const Piece &chunk, ValueRange) {
        emitChunk(chunk, lane, scale, row);
        return Values();
      });
    });
  });
}

void sherry::emitTernaryRow(LoopBuilder &b, WeightRef weight, Value number,
                            Value row, const Rows &result) {
  TernaryRow(b, weight, result).emit(number, row);
}
