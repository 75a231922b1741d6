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
class TernaryLookups : TernaryLoops {
public:
  TernaryLookups(LoopBuilder &b, const QuantizedRows &input, WeightRef weight)
      : TernaryLoops(b, input.values.cols, weight), input(input) {}

  void emit(const Outputs &outputs);

private:
  /// The exact sums of a chunk of a tile, vector<32xi16> for each token.
  Values sumChunk(const Piece &chunk);
  /// Adds the scaled sums of a chunk to the totals of each token.
  Values addChunk(const Piece &chunk, ValueRange totals);

  const QuantizedRows &input;
};
} // namespace

auto TernaryLookups::sumChunk(const Piece &chunk) -> Values {
  auto type = b.vec(format::kTileRows, b.getI16Type());
  Values zeros(b.getMaxTokens(), b.splatInt(type, 0));
  return forSteps(chunk, zeros, [&](const Piece &step, ValueRange sums) {
    Value first = b.mul(step.group, layout.groupTables());
    Values indices;
    for (int64_t token = 0; token < b.getMaxTokens(); ++token)
      indices.push_back(b.add(first, token * input.tablesOfToken(b)));
    return Values(LookupCodesOp::create(
                      b, input.tables, indices, loadCodes(step), sums,
                      encoding.getCodebook(), layout.groups(step.inputs))
                      .getSums());
  });
}

auto TernaryLookups::addChunk(const Piece &chunk, ValueRange totals) -> Values {
  auto floats = b.vec(format::kTileRows, b.getF32Type());
  // First, so that only ops of the tile come between lookups and sums.
  Values scales;
  for (int64_t token = 0; token < b.getMaxTokens(); ++token)
    scales.push_back(
        b.broadcast(format::kTileRows,
                    b.loadScalar(input.scales, {chunk.block, b.index(token)})));
  Values sums = sumChunk(chunk), next;
  Value weightScales = loadScales(chunk);
  for (auto [scale, sum, total] : llvm::zip_equal(scales, sums, totals))
    // In the same order as in products with panels.
    next.push_back(
        b.mulAdd(arith::MulFOp::create(
                     b, Value(arith::SIToFPOp::create(b, floats, sum)), scale),
                 weightScales, total));
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
