//===- TernaryLookups.cpp - Ternary weights times one token ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
class TernaryLookups : TernaryLoops {
public:
  TernaryLookups(LoopBuilder &b, const QuantizedRows &input, WeightRef weight)
      : TernaryLoops(b, input.values.cols, weight), input(input) {}

  void emit(const Outputs &outputs);

private:
  /// The exact sums of a tile's codes of a chunk: vector<32xi16>.
  Value sumChunk(const Piece &chunk);

  const QuantizedRows &input;
};
} // namespace

Value TernaryLookups::sumChunk(const Piece &chunk) {
  auto type = b.vec(format::kTileRows, b.getI16Type());
  return forSteps(chunk, {b.splatInt(type, 0)},
                  [&](const Piece &step, ValueRange sums) -> Values {
                    return {LookupCodesOp::create(
                        b, type, input.tables,
                        b.mul(step.group, layout.groupTables()),
                        loadCodes(step), sums[0], encoding.getCodebook(),
                        layout.groups(step.inputs))};
                  })[0];
}

void TernaryLookups::emit(const Outputs &outputs) {
  auto floats = b.vec(format::kTileRows, b.getF32Type());
  auto addChunk = [&](const Piece &chunk, ValueRange total) -> Values {
    Value scale =
        b.broadcast(format::kTileRows,
                    b.loadScalar(input.scales, {chunk.block, b.index(0)}));
    Value sums = arith::SIToFPOp::create(b, floats, sumChunk(chunk));
    // In this order, as the other way through the bytes does it.
    return {b.mulAdd(arith::MulFOp::create(b, sums, scale), loadScales(chunk),
                     total[0])};
  };
  forTiles(Division::Equal, [&](const Piece &tile, Value column) {
    Value total = forScaleGroups(tile, {b.splat(floats, 0)},
                                 [&](const Piece &group, ValueRange totals) {
                                   return forChunks(group, totals, addChunk);
                                 })[0];
    outputs.store(b, total, b.index(0), column);
  });
}

void sherry::emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                                WeightRef weight, const Outputs &outputs) {
  TernaryLookups(b, input, weight).emit(outputs);
}
