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
  TernaryLookups(LoopBuilder &b, const QuantizedRows &input, WeightRef weight,
                 const Outputs &outputs)
      : TernaryWalk(b, input.values.cols, weight), input(input),
        outputs(outputs), tables(input.tables) {}

  void emit() {
    forTileRanges([&](const Tile &first, Value count, Value column) {
      // Once, also where super-tiles have two sizes.
      if (!totals)
        totals = b.allocLocal(MemRefType::get(
            {layout.interleave, format::kTileRows}, b.getI16Type()));
      emitTiles(first, count, column);
    });
  }

private:
  /// `count` tiles of a super-tile, in turns; the outputs of the first begin at
  /// `column`.
  void emitTiles(const Tile &first, Value count, Value column);
  const QuantizedRows &input;
  const Outputs &outputs;
  Value tables;
  Value totals; ///< sums of a tile's rows over a chunk, for each tile
};
} // namespace

void TernaryLookups::emitTiles(const Tile &first, Value count, Value column) {
  auto type = b.vec(format::kTileRows, b.getI16Type());
  auto halfType = b.vec(16, b.getF32Type());
  Value result = outputs.rows.buffer;
  // Tiles take turns in a loop, not unrolled: the code for one of them reads
  // and prefetches a few lines, in ascending order, between its lookups.
  auto forTiles = [&](function_ref<void(Value)> body) {
    b.forLoop(count, 1, body);
  };
  auto forHalves = [&](Value tile, function_ref<void(int64_t, Value)> body) {
    for (int64_t half = 0; half < 2; ++half)
      body(half,
           b.add(b.add(column, b.mul(tile, format::kTileRows)), 16 * half));
  };
  forTiles([&](Value tile) {
    forHalves(tile, [&](int64_t, Value row) {
      b.store(b.splat(halfType, 0), result, {b.index(0), row});
    });
  });
  forScaleGroups(first.at, first.of, [&](Cursor group, int64_t inputs) {
    Value scales = b.add(scalesAt(group, first.of, inputs),
                         b.mul(first.number, layout.scaleBytes()));
    forChunks(group, first.of, inputs, [&](Cursor chunk, int64_t inputs) {
      Value scale = b.broadcast(
          16, b.loadScalar(input.scales, {chunk.block, b.index(0)}));
      auto finish = [&](Value tile, Value sums) {
        Values weights =
            loadScales(b, b.add(scales, b.mul(tile, layout.scaleBytes())),
                       encoding.getScale());
        forHalves(tile, [&](int64_t half, Value row) {
          Value wide = arith::SIToFPOp::create(
              b, halfType,
              Value(arith::ExtSIOp::create(b, b.vec(16, b.getI32Type()),
                                           b.slice(sums, 16 * half, 16))));
          // In this order, as the other way through the bytes does it.
          Value product = arith::MulFOp::create(b, wide, scale);
          Value before = b.load(halfType, result, {b.index(0), row});
          b.store(b.mulAdd(product, weights[half], before), result,
                  {b.index(0), row});
        });
      };
      // Written out, for there are at most four: the first begins with zeros,
      // the last goes on with its sums.
      constexpr int64_t kStep = format::kStepGroups * format::kGroupInputs;
      for (int64_t done = 0; done < inputs; done += kStep) {
        int64_t groups = std::min(inputs - done, kStep) / format::kGroupInputs;
        int64_t size = layout.stepBytes(groups);
        Cursor step =
            chunk.advance(b, b.index(done / kStep),
                          first.of * layout.stepBytes(format::kStepGroups),
                          format::kStepGroups, 0);
        Value begin = b.add(step.bytes, b.mul(first.number, size));
        forTiles([&](Value tile) {
          Values place{tile, b.index(0)};
          Value sums =
              done == 0 ? b.splatInt(type, 0) : b.load(type, totals, place);
          Value bytes = b.view(b.getWeights(), b.add(begin, b.mul(tile, size)),
                               {size}, b.getI8Type());
          sums = LookupCodesOp::create(
              b, type, input.tables, step.group,
              b.load(b.vec(size, b.getI8Type()), bytes, {b.index(0)}), sums,
              b.getI64IntegerAttr(groups));
          if (done + kStep < inputs)
            b.store(sums, totals, place);
          else
            finish(tile, sums);
        });
      }
    });
  });
  if (!outputs.residual)
    return;
  forTiles([&](Value tile) {
    forHalves(tile, [&](int64_t, Value row) {
      outputs.store(b, b.load(halfType, result, {b.index(0), row}), b.index(0),
                    row);
    });
  });
}

void sherry::emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                                WeightRef weight, const Outputs &outputs) {
  TernaryLookups(b, input, weight, outputs).emit();
}
