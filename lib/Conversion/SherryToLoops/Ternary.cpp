//===- Ternary.cpp - The walk through ternary weights ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

SmallVector<Value>
TernaryWalk::forPieces(Cursor at, int64_t inputs, int64_t piece,
                       function_ref<int64_t(int64_t)> bytesOf,
                       function_ref<int64_t(int64_t)> blocksOf, ValueRange init,
                       CarryingBody body) {
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

void TernaryWalk::forScaleGroups(Cursor at, int64_t tiles, PieceBody body) {
  forPieces(
      at, this->inputs, layout.scaleGroupInputs(this->inputs),
      [&](int64_t n) { return tiles * layout.scaleGroupBytes(n); },
      [&](int64_t n) { return format::ceilDiv(n, format::kMaxChunkInputs); },
      {},
      [&](Cursor piece, int64_t n, ValueRange) {
        body(piece, n);
        return Values();
      });
}

void TernaryWalk::forChunks(Cursor at, int64_t tiles, int64_t inputs,
                            PieceBody body) {
  forPieces(
      at, inputs, format::kMaxChunkInputs,
      [&](int64_t n) { return tiles * layout.chunkBytes(n); },
      [](int64_t) { return 1; }, {},
      [&](Cursor piece, int64_t n, ValueRange) {
        body(piece, n);
        return Values();
      });
}

SmallVector<Value> TernaryWalk::forSteps(Cursor at, int64_t tiles,
                                         int64_t inputs, ValueRange init,
                                         CarryingBody body) {
  return forPieces(
      at, inputs, format::kStepGroups * format::kGroupInputs,
      [&](int64_t n) { return tiles * layout.stepBytes(n / 4); },
      [](int64_t) { return 0; }, init, body);
}

void TernaryWalk::forSteps(Cursor at, int64_t tiles, int64_t inputs,
                           PieceBody body) {
  forSteps(at, tiles, inputs, {}, [&](Cursor step, int64_t n, ValueRange) {
    body(step, n);
    return Values();
  });
}

TernaryWalk::Tile TernaryWalk::tileAt(Value tile, int64_t of) {
  Value number = b.rem(tile, layout.interleave);
  Value first = b.sub(tile, number);
  Value bytes = b.mul(first, layout.tileBytes(inputs));
  return {{b.add(weight.offset, bytes), b.index(0), b.index(0)}, of, number};
}

int64_t TernaryWalk::tiles() {
  return format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                         format::kTileRows);
}

void TernaryWalk::forTiles(function_ref<void(const Tile &, Value)> body) {
  int64_t rest = tiles() % layout.interleave, whole = tiles() - rest;
  b.parallel(
      b.index(tiles()),
      [&](Value tile) {
        auto emit = [&](int64_t of) {
          Tile place = tileAt(tile, of);
          body(place, b.mul(tile, format::kTileRows));
        };
        if (rest == 0 || whole == 0)
          return emit(rest == 0 ? layout.interleave : rest);
        Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                              tile, b.index(whole));
        auto choice = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.thenBlock());
        emit(layout.interleave);
        b.setInsertionPointToStart(choice.elseBlock());
        emit(rest);
      },
      Division::OnDemand);
}

void TernaryWalk::forTileRanges(
    function_ref<void(const Tile &, Value, Value)> body) {
  int64_t rest = tiles() % layout.interleave, whole = tiles() - rest;
  b.parallelRanges(tiles(), [&](Value begin, Value end) {
    auto forSome = [&](Value begin, Value end, int64_t of) {
      Value isEmpty =
          arith::CmpIOp::create(b, arith::CmpIPredicate::uge, begin, end);
      Value number = b.rem(begin, layout.interleave);
      Value first = b.sub(begin, number);
      first = arith::SelectOp::create(b, isEmpty, end, first);
      b.forRange(first, end, layout.interleave, [&](Value superTile) {
        Value tile = arith::MaxUIOp::create(b, superTile, begin);
        Value last =
            arith::MinUIOp::create(b, b.add(superTile, layout.interleave), end);
        Value count = b.sub(last, tile);
        Tile place = tileAt(tile, of);
        body(place, count, b.mul(tile, format::kTileRows));
      });
    };
    Value middle = b.index(whole);
    if (whole > 0)
      forSome(begin, arith::MinUIOp::create(b, end, middle), layout.interleave);
    if (rest > 0)
      forSome(arith::MaxUIOp::create(b, begin, middle), end, rest);
  });
}

void sherry::emitTernary(LoopBuilder &b, const AnyInput &input,
                         WeightRef weight, const Outputs &outputs) {
  if (input.quantized && input.quantized->tables)
    emitTernaryLookups(b, *input.quantized, weight, outputs);
  else
    emitTernaryPanels(b, input, weight, outputs);
}
