//===- TernaryLookups.cpp - Ternary weights times a few tokens ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
/// A tile's totals are carried from chunk to chunk.
class TernaryLookups : TernaryLoops {
public:
  TernaryLookups(LoopBuilder &b, const QuantizedRows &input, WeightRef weight)
      : TernaryLoops(b, input.values.cols, weight), input(input) {}

  void emit(const Outputs &outputs);

private:
  /// Adds the scaled sums of a chunk to the totals of each token.
  Values addChunk(const Piece &chunk, ValueRange totals);

  const QuantizedRows &input;
};
} // namespace

auto TernaryLookups::addChunk(const Piece &chunk, ValueRange totals) -> Values {
  // First, so that only ops of the tile come between lookups and sums.
  Values scales = loadTokenScales(chunk, input, b.index(0), b.getMaxTokens());
  Values products = lookUpChunk(chunk, input, b.index(0), scales), next;
  Value weightScales = loadScales(chunk);
  for (auto [product, total] : llvm::zip_equal(products, totals))
    next.push_back(b.mulAdd(product, weightScales, total));
  return next;
}

void TernaryLookups::emit(const Outputs &outputs) {
  auto floats = b.vec(format::kTileRows, b.getF32Type());
  forTiles([&](const Piece &tile, Value column) {
    Values zeros(b.getMaxTokens(), b.splat(floats, 0));
    Values totals = forScaleGroups(
        tile, zeros, [&](const Piece &group, ValueRange carried) {
          return forChunks(group, carried,
                           [&](const Piece &chunk, ValueRange inner) {
                             return addChunk(chunk, inner);
                           });
        });
    for (auto [token, total] : llvm::enumerate(totals)) {
      auto store = [&, token = token, total = total] {
        outputs.store(b, total, b.index(token), column);
      };
      // A call may have fewer tokens than maxTokens.
      if (b.getMaxTokens() > 1)
        b.ifHolds(b.getAffineSymbolExpr(0) - (token + 1), outputs.rows.count,
                  store);
      else
        store();
    }
  });
}

void sherry::emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                                WeightRef weight, const Outputs &outputs) {
  TernaryLookups(b, input, weight).emit(outputs);
}
