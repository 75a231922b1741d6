//===- TernaryBlocks.cpp - Ternary weights times blocks of tokens ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A unit of work is some tiles of outputs for a block of tokens, which are
// looked up together. The tables of a chunk of 128 inputs stay in the first
// cache until all tiles have read them; so do the totals.
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

/// Tiles of a unit, at least.
static constexpr int64_t kUnitTiles = 8;

namespace {
class TernaryBlocks : TernaryLoops {
public:
  TernaryBlocks(LoopBuilder &b, const QuantizedRows &input, WeightRef weight)
      : TernaryLoops(b, input.values.cols, weight), input(input),
        tokens(getTableTokens(b.getConfig(), b.getMaxTokens())) {}

  void emit(const Outputs &outputs);
  QuantizedRows emitGated(Activation activation, RankedTensorType type);

private:
  /// `runs` runs of `length` adjacent tiles, `distance` apart. The totals have
  /// a part for each tile.
  struct Tiles {
    Piece first;
    int64_t runs, distance, length;

    int64_t parts() const { return runs * length; }
  };
  /// The piece of the tile of `part` that `piece` is of the first tile.
  Piece select(Piece piece, const Tiles &tiles, Value part) {
    Value run = b.mul(b.div(part, tiles.length), tiles.distance);
    piece.tile = b.add(tiles.first.tile, b.add(run, b.rem(part, tiles.length)));
    return piece;
  }

  /// Divides `count` groups of tiles, for each block of tokens, among the team.
  /// A group has `parts` tiles.
  void forUnits(int64_t count, int64_t parts,
                function_ref<void(Value group)> body);
  /// Adds up tiles of a group in the totals.
  void add(const Tiles &tiles);
  /// Adds a chunk of each tile.
  void addChunk(const Piece &chunk, const Tiles &tiles);
  /// Runs `body` for the rows of a unit: their numbers, and their numbers in
  /// the block.
  void forRows(function_ref<void(Value row, Value token)> body);
  /// Runs `body` if there are at least `least` rows from row `begin` on.
  void ifRows(Value begin, int64_t least, function_ref<void()> body,
              function_ref<void()> otherwise = nullptr) {
    AffineExpr rows = b.getAffineSymbolExpr(0) - b.getAffineDimExpr(0);
    b.ifHolds(rows - least, {begin, input.values.count}, body, otherwise);
  }

  const QuantizedRows &input;
  int64_t tokens; ///< of a block
  // Of the unit under construction:
  int64_t lookedUp; ///< tokens: a block or half of one
  Value first;      ///< the first row
  Value totals;     ///< memref<parts x tokens x 32 x f32>
};
} // namespace

void TernaryBlocks::forUnits(int64_t count, int64_t parts,
                             function_ref<void(Value group)> body) {
  int64_t blocks = format::ceilDiv(b.getMaxTokens(), tokens);
  b.parallel(
      b.index(count * blocks),
      [&](Value i) {
        totals = b.allocScratch(MemRefType::get(
            {parts, tokens, format::kTileRows}, b.getF32Type()));
        first = b.mul(b.rem(i, blocks), tokens);
        auto emit = [&](int64_t size) {
          lookedUp = size;
          body(b.div(i, blocks));
        };
        // The last block may be small, and a call may have fewer blocks.
        int64_t half = tokens / 2;
        ifRows(
            first, half + 1, [&] { emit(tokens); },
            [&] {
              if (half > 0)
                ifRows(first, 1, [&] { emit(half); });
            });
      },
      Division::OnDemand);
}

void TernaryBlocks::forRows(function_ref<void(Value, Value)> body) {
  b.forLoop(b.index(lookedUp), 1, [&](Value token) {
    Value row = b.add(first, token);
    ifRows(row, 1, [&] { body(row, token); });
  });
}

void TernaryBlocks::addChunk(const Piece &chunk, const Tiles &tiles) {
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  Values scales = loadTokenScales(chunk, input, first, lookedUp);
  b.forLoop(b.index(tiles.parts()), 1, [&](Value part) {
    Piece mine = select(chunk, tiles, part);
    Values products = lookUpChunk(mine, input, first, scales);
    Value weightScales = loadScales(mine);
    for (auto [token, product] : llvm::enumerate(products)) {
      Value place[] = {part, b.index(token), b.index(0)};
      b.store(b.mulAdd(product, weightScales, b.load(whole, totals, place)),
              totals, place);
    }
  });
}

void TernaryBlocks::add(const Tiles &tiles) {
  Value zeros = b.splat(b.vec(format::kTileRows, b.getF32Type()), 0);
  b.forLoop(b.index(tiles.parts()), 1, [&](Value part) {
    for (int64_t token = 0; token < lookedUp; ++token)
      b.store(zeros, totals, {part, b.index(token), b.index(0)});
  });
  forScaleGroups(tiles.first, {}, [&](const Piece &group, ValueRange) {
    return forChunks(group, {}, [&](const Piece &chunk, ValueRange) {
      addChunk(chunk, tiles);
      return Values();
    });
  });
}

void TernaryBlocks::emit(const Outputs &outputs) {
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  int64_t together = format::roundUp(kUnitTiles, layout.interleave);
  auto emitRun = [&](Value tile, int64_t superTile, int64_t length) {
    if (length == 0)
      return;
    Tiles run{wholeTile(tile, superTile), 1, 0, length};
    add(run);
    forRows([&](Value row, Value token) {
      b.forLoop(b.index(length), 1, [&](Value part) {
        outputs.store(b, b.load(whole, totals, {part, token, b.index(0)}), row,
                      b.mul(b.add(tile, part), format::kTileRows));
      });
    });
  };
  // The last group may have fewer tiles, and the last super-tile, too.
  int64_t groups = tiles / together, rest = tiles % together;
  int64_t lastTiles = rest % layout.interleave;
  auto emitRest = [&](Value tile) {
    emitRun(tile, layout.interleave, rest - lastTiles);
    emitRun(b.add(tile, rest - lastTiles), lastTiles, lastTiles);
  };
  forUnits(format::ceilDiv(tiles, together), together, [&](Value group) {
    Value tile = b.mul(group, together);
    if (rest == 0)
      return emitRun(tile, layout.interleave, together);
    if (groups == 0)
      return emitRest(tile);
    b.ifHolds(
        -b.getAffineDimExpr(0) + (groups - 1), group,
        [&] { emitRun(tile, layout.interleave, together); },
        [&] { emitRest(tile); });
  });
}

QuantizedRows TernaryBlocks::emitGated(Activation activation,
                                       RankedTensorType type) {
  int64_t outputs = weight.op.getTensorType().getDimSize(0) / 2;
  int64_t unit =
      getGatedUnit(encoding, outputs, getQuantized(type).getBlocks());
  int64_t tiles = unit / format::kTileRows;
  Rows gated{{}, b.index(tokens), unit};
  QuantizedRows result = QuantizedRows::alloc(b, type, input.values.count);
  forUnits(outputs / unit, 2 * tiles, [&](Value group) {
    // Only once, even if blocks have two sizes.
    if (!gated.buffer)
      gated.buffer =
          b.allocScratch(MemRefType::get({tokens, unit}, b.getF32Type()));
    add({wholeTile(b.mul(group, tiles), layout.interleave), 2,
         outputs / format::kTileRows, tiles});
    forRows([&](Value row, Value token) {
      b.forLoop(b.index(tiles), 1, [&](Value part) {
        storeGated(activation, totals, part, b.add(part, tiles), token, gated,
                   b.mul(part, format::kTileRows));
      });
      emitQuantizeUnit(b, gated, token, result, row, group);
    });
  });
  return result;
}

void sherry::emitTernaryBlocks(LoopBuilder &b, const QuantizedRows &input,
                               WeightRef weight, const Outputs &outputs) {
  TernaryBlocks(b, input, weight).emit(outputs);
}

QuantizedRows sherry::emitGatedBlocks(LoopBuilder &b,
                                      const QuantizedRows &input,
                                      WeightRef weight, Activation activation,
                                      RankedTensorType result) {
  return TernaryBlocks(b, input, weight).emitGated(activation, result);
}
