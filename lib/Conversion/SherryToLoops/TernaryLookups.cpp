//===- TernaryLookups.cpp - Ternary weights times one token ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
class TernaryLookups : TernaryWalk {
public:
  TernaryLookups(LoopBuilder &b, const QuantizedRows &input, WeightRef weight)
      : TernaryWalk(b, input.values.cols, weight), input(input) {}

  void emit(const Outputs &outputs);

private:
  /// The exact sums of a tile's codes of a chunk: vector<32xi16>.
  Value sumChunk(const Tile &chunk, int64_t inputs);

  const QuantizedRows &input;
};
} // namespace

Value TernaryLookups::sumChunk(const Tile &chunk, int64_t inputs) {
  auto type = b.vec(format::kTileRows, b.getI16Type());
  return forSteps(chunk.at, chunk.of, inputs, {b.splatInt(type, 0)},
                  [&](Cursor step, int64_t inputs, ValueRange sums) -> Values {
                    int64_t groups = inputs / format::kGroupInputs;
                    int64_t size = layout.stepBytes(groups);
                    Value bytes =
                        b.view(b.getWeights(),
                               b.add(step.bytes, b.mul(chunk.number, size)),
                               {size}, b.getI8Type());
                    return {LookupCodesOp::create(
                        b, type, input.tables, step.group,
                        b.load(b.vec(size, b.getI8Type()), bytes, {b.index(0)}),
                        sums[0], b.getI64IntegerAttr(groups))};
                  })[0];
}

void TernaryLookups::emit(const Outputs &outputs) {
  auto halfType = b.vec(16, b.getF32Type());
  forTiles(Division::Equal, [&](const Tile &tile, Value column) {
    Values zeros(2, b.splat(halfType, 0));
    auto addChunk = [&](const Tile &group, int64_t groupInputs, Cursor chunk,
                        int64_t inputs, ValueRange totals) {
      Value scale = b.broadcast(
          16, b.loadScalar(input.scales, {chunk.block, b.index(0)}));
      Value sums = sumChunk({chunk, tile.of, tile.number}, inputs);
      Values weights = loadScales(group, groupInputs), next;
      for (int64_t half = 0; half < 2; ++half) {
        Value wide = arith::SIToFPOp::create(
            b, halfType,
            Value(arith::ExtSIOp::create(b, b.vec(16, b.getI32Type()),
                                         b.slice(sums, 16 * half, 16))));
        // In this order, as the other way through the bytes does it.
        Value product = arith::MulFOp::create(b, wide, scale);
        next.push_back(b.mulAdd(product, weights[half], totals[half]));
      }
      return next;
    };
    Values totals = forScaleGroups(
        tile.at, tile.of, zeros,
        [&](Cursor group, int64_t groupInputs, ValueRange totals) {
          return forChunks(group, tile.of, groupInputs, totals,
                           [&](Cursor chunk, int64_t inputs, ValueRange sums) {
                             return addChunk({group, tile.of, tile.number},
                                             groupInputs, chunk, inputs, sums);
                           });
        });
    for (int64_t half = 0; half < 2; ++half)
      outputs.store(b, totals[half], b.index(0), b.add(column, 16 * half));
  });
}

void sherry::emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                                WeightRef weight, const Outputs &outputs) {
  TernaryLookups(b, input, weight).emit(outputs);
}
