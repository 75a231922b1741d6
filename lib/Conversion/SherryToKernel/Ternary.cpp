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

void TernaryWalk::forSuperTiles(
    function_ref<void(Cursor, int64_t, Value)> body) {
  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  int64_t tileBytes = layout.tileBytes(inputs);
  auto forSome = [&](int64_t firstTile, int64_t rounds, int64_t interleave) {
    if (rounds == 0)
      return;
    b.parallel(b.index(rounds), [&](Value superTile) {
      Value tile = b.add(b.mul(superTile, interleave), firstTile);
      body({b.add(weight.offset, b.mul(tile, tileBytes)), b.index(0),
            b.index(0)},
           interleave, b.mul(tile, format::kTileRows));
    });
  };
  int64_t interleave = layout.interleave;
  forSome(0, tiles / interleave, interleave);
  forSome(tiles / interleave * interleave, tiles % interleave ? 1 : 0,
          tiles % interleave);
}

void sherry::emitTernary(KernelBuilder &b, const AnyInput &input,
                         WeightRef weight, const Outputs &outputs) {
  if (input.quantized && b.maxTokens == 1)
    emitTernaryLookups(b, *input.quantized, weight, outputs);
  else
    emitTernaryPanels(b, input, weight, outputs);
}
