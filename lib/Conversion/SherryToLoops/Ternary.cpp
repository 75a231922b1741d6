//===- Ternary.cpp - The walk through ternary weights ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

#include "mlir/IR/IntegerSet.h"

using namespace mlir;
using namespace sherry;

SmallVector<Value>
TernaryWalk::forPieces(Cursor at, int64_t inputs, int64_t piece,
                       function_ref<int64_t(int64_t)> bytesOf,
                       function_ref<int64_t(int64_t)> blocksOf, ValueRange init,
                       PieceBody body) {
  int64_t rounds = inputs / piece;
  auto advance = [&](Value count) {
    return at.advance(b, count, bytesOf(piece), piece / 4, blocksOf(piece));
  };
  Values values = b.repeat(rounds, init, [&](Value i, ValueRange carried) {
    return body(advance(i), piece, carried);
  });
  if (int64_t rest = inputs % piece)
    values = body(advance(b.index(rounds)), rest, values);
  return values;
}

SmallVector<Value> TernaryWalk::forScaleGroups(Cursor at, int64_t tiles,
                                               ValueRange init,
                                               PieceBody body) {
  return forPieces(
      at, inputs, layout.scaleGroupInputs(inputs),
      [&](int64_t n) { return tiles * layout.scaleGroupBytes(n); },
      [&](int64_t n) { return format::ceilDiv(n, format::kMaxChunkInputs); },
      init, body);
}

SmallVector<Value> TernaryWalk::forChunks(Cursor at, int64_t tiles,
                                          int64_t inputs, ValueRange init,
                                          PieceBody body) {
  return forPieces(
      at, inputs, format::kMaxChunkInputs,
      [&](int64_t n) { return tiles * layout.chunkBytes(n); },
      [](int64_t) { return 1; }, init, body);
}

SmallVector<Value> TernaryWalk::forSteps(Cursor at, int64_t tiles,
                                         int64_t inputs, ValueRange init,
                                         PieceBody body) {
  return forPieces(
      at, inputs, format::kStepGroups * format::kGroupInputs,
      [&](int64_t n) { return tiles * layout.stepBytes(n / 4); },
      [](int64_t) { return 0; }, init, body);
}

SmallVector<Value> TernaryWalk::loadScales(const Tile &group, int64_t inputs) {
  int64_t size = layout.scaleBytes();
  Value offset = b.add(
      b.add(group.at.bytes, group.of * (layout.scaleGroupBytes(inputs) - size)),
      b.mul(group.number, size));
  FloatType type = encoding.getScale();
  Value scales = b.view(b.getWeights(), offset, {format::kTileRows}, type);
  Values result;
  for (int64_t half = 0; half < 2; ++half) {
    Value value = b.load(b.vec(16, type), scales, {b.index(16 * half)});
    if (!type.isF32())
      value = arith::ExtFOp::create(b, b.vec(16, b.getF32Type()), value);
    result.push_back(value);
  }
  return result;
}

TernaryWalk::Tile TernaryWalk::tileAt(Value tile, int64_t of) {
  Value number = b.rem(tile, layout.interleave);
  Value first = b.sub(tile, number);
  Value bytes = b.mul(first, layout.tileBytes(inputs));
  return {{b.add(weight.offset, bytes), b.index(0), b.index(0)}, of, number};
}

void TernaryWalk::forTiles(Division division,
                           function_ref<void(const Tile &, Value)> body) {
  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  int64_t rest = tiles % layout.interleave, whole = tiles - rest;
  b.parallel(
      b.index(tiles),
      [&](Value tile) {
        auto emit = [&](int64_t of) {
          body(tileAt(tile, of), b.mul(tile, format::kTileRows));
        };
        if (rest == 0 || whole == 0)
          return emit(rest == 0 ? layout.interleave : rest);
        // The last super-tile is smaller.
        auto isWhole = IntegerSet::get(
            1, 0, {-b.getAffineDimExpr(0) + (whole - 1)}, {false});
        auto choice = affine::AffineIfOp::create(b, isWhole, tile,
                                                 /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.getThenBlock());
        emit(layout.interleave);
        b.setInsertionPointToStart(choice.getElseBlock());
        emit(rest);
      },
      division);
}

void sherry::emitTernary(LoopBuilder &b, const AnyInput &input,
                         WeightRef weight, const Outputs &outputs) {
  if (input.quantized && input.quantized->tables)
    emitTernaryLookups(b, *input.quantized, weight, outputs);
  else
    emitTernaryPanels(b, input, weight, outputs);
}
