//===- TernaryLookups.cpp - Ternary weights times a few tokens ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

#include "mlir/IR/IntegerSet.h"

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
      OpBuilder::InsertionGuard guard(b);
      if (b.getMaxTokens() > 1) {
        // A call may have fewer tokens than maxTokens.
        auto exists = IntegerSet::get(
            0, 1, {b.getAffineSymbolExpr(0) - (token + 1)}, {false});
        auto choice = affine::AffineIfOp::create(b, exists, outputs.rows.count,
                                                 /*withElseRegion=*/false);
        b.setInsertionPointToStart(choice.getThenBlock());
      }
      outputs.store(b, total, b.index(token), column);
    }
  });
}

void sherry::emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                                WeightRef weight, const Outputs &outputs) {
  TernaryLookups(b, input, weight).emit(outputs);
}
