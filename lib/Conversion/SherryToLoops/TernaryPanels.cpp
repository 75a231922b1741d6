//===- TernaryPanels.cpp - Ternary weights times several tokens -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Quantize.h"
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
class TernaryPanels : TernaryLoops {
public:
  TernaryPanels(LoopBuilder &b, const AnyInput &input, WeightRef weight)
      : TernaryLoops(b, input.cols(), weight), input(input) {}

  void emit(const Outputs &outputs);
  QuantizedRows emitGated(Activation activation, RankedTensorType type);

private:
  /// Allocates panel and totals for the parallel loop under construction.
  void allocScratch(int64_t parts) {
    panel = allocPanel();
    totals = b.allocScratch(MemRefType::get(
        {parts, getBufferRows(b.getMaxTokens()), format::kTileRows},
        b.getF32Type()));
  }

  /// Adds up a tile in part `part` of the totals.
  void emitTile(const Piece &tile, Value part);
  /// Multiplies the halves of the panel in `halves` with a token.
  void multiplyPanel(const Piece &chunk, Value row, ArrayRef<int64_t> halves,
                     RowSumUse use);

  AnyInput input;
  Value panel; ///< the trits of a chunk
  /// Sums of a tile's outputs, for each part and token. They are not in the
  /// result, where the distance of tokens maps them to few sets of the cache.
  Value totals;
};
} // namespace

void TernaryPanels::emit(const Outputs &outputs) {
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  forTiles([&](const Piece &tile, Value column) {
    // Only once, even if super-tiles have two sizes.
    if (!totals)
      allocScratch(/*parts=*/1);
    emitTile(tile, b.index(0));
    b.forLoop(input.count(), 1, [&](Value row) {
      outputs.store(b, b.load(whole, totals, {b.index(0), row, b.index(0)}),
                    row, column);
    });
  });
}

QuantizedRows TernaryPanels::emitGated(Activation activation,
                                       RankedTensorType type) {
  ArrayRef<int64_t> blocks = getQuantized(type).getBlocks();
  int64_t outputs = weight.op.getTensorType().getDimSize(0) / 2;
  int64_t unit = getGatedUnit(encoding, outputs, blocks);
  Rows gated{{}, input.count(), unit};
  QuantizedRows result = QuantizedRows::alloc(b, type, input.count());
  auto emitPair = [&](const Piece &tile, Value column) {
    b.forLoop(b.index(2), 1, [&](Value part) {
      Piece mine = tile;
      mine.tile = b.add(tile.tile, b.mul(part, outputs / format::kTileRows));
      emitTile(mine, part);
    });
    b.forLoop(gated.count, 1, [&](Value row) {
      storeGated(activation, totals, b.index(0), b.index(1), row, gated,
                 column);
    });
  };
  int64_t tiles = unit / format::kTileRows;
  b.parallel(
      b.index(outputs / unit),
      [&](Value i) {
        allocScratch(/*parts=*/2);
        gated.buffer = b.allocScratch(MemRefType::get(
            {getBufferRows(b.getMaxTokens()), unit}, b.getF32Type()));
        b.forLoop(b.index(tiles), 1, [&](Value j) {
          emitPair(wholeTile(b.add(b.mul(i, tiles), j), layout.interleave),
                   b.mul(j, format::kTileRows));
        });
        b.forLoop(gated.count, 1, [&](Value row) {
          emitQuantizeUnit(b, gated, row, result, row, i);
        });
      },
      Division::OnDemand);
  return result;
}

void TernaryPanels::emitTile(const Piece &tile, Value part) {
  auto halfType = b.vec(16, b.getF32Type());
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  Value count = input.count();
  b.forLoop(count, 1, [&](Value row) {
    b.store(b.splat(whole, 0), totals, {part, row, b.index(0)});
  });
  auto multiplyChunk = [&](const Piece &chunk, ArrayRef<Value> scales) {
    auto addToTotals = [&](Value row, int64_t half, Value sum) {
      Values place{part, row, b.index(16 * half)};
      b.store(b.mulAdd(sum, scales[half], b.load(halfType, totals, place)),
              totals, place);
    };
    fillPanel(chunk, /*bias=*/1, panel);
    b.forLoop(count, 1, [&](Value row) {
      auto multiply = [&](ArrayRef<int64_t> halves) {
        multiplyPanel(chunk, row, halves, addToTotals);
      };
      for (ArrayRef<int64_t> halves : listHalves(b))
        multiply(halves);
    });
    return Values();
  };
  forScaleGroups(tile, {}, [&](const Piece &group, ValueRange) {
    Value both = loadScales(group);
    Value scales[] = {b.slice(both, 0, 16), b.slice(both, 16, 16)};
    return forChunks(group, {}, [&](const Piece &chunk, ValueRange) {
      return multiplyChunk(chunk, scales);
    });
  });
}

void TernaryPanels::multiplyPanel(const Piece &chunk, Value row,
                                  ArrayRef<int64_t> halves, RowSumUse use) {
  int64_t fours = chunk.inputs / format::kDotInputs;
  if (input.quantized)
    return emitPanelI8(b, panel, fours, *input.quantized, row, halves,
                       chunk.four, chunk.block, use);
  Values sums =
      emitPanelF32(b, panel, fours, encoding.getGrouping() == Grouping::Strided,
                   *input.plain, row, halves, b.mul(chunk.four, 4));
  for (auto [half, sum] : llvm::zip_equal(halves, sums))
    use(row, half, sum);
}

void sherry::emitTernaryPanels(LoopBuilder &b, const AnyInput &input,
                               WeightRef weight, const Outputs &outputs) {
  TernaryPanels(b, input, weight).emit(outputs);
}

QuantizedRows sherry::emitGatedPanels(LoopBuilder &b,
                                      const QuantizedRows &input,
                                      WeightRef weight, Activation activation,
                                      RankedTensorType result) {
  return TernaryPanels(b, {nullptr, &input}, weight)
      .emitGated(activation, result);
}
