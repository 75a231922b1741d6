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
  /// Adds a step of a tile to `sums`: of its 32 rows, or of each half.
  Values emitLookups(Cursor at, Value offset, int64_t groups, Values sums);
  Value emitWordLookups(Cursor at, Value offset, Value step, int64_t groups,
                        Value sum);
  void emitNibbleLookups(Cursor at, Value step, int64_t groups,
                         MutableArrayRef<Value> sums);
  Values loadSums(Value tile, bool areZero);
  void storeSums(ArrayRef<Value> sums, Value tile);
  Values halvesOf(ArrayRef<Value> sums);

  const QuantizedRows &input;
  const Outputs &outputs;
  Value tables;
  Value totals; ///< sums of a tile's rows over a chunk, for each tile
};
} // namespace

void TernaryLookups::emitTiles(const Tile &first, Value count, Value column) {
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
    Value scales = scalesAt(group, first.of, inputs);
    b.prefetchWeights(scales, first.of * layout.scaleBytes());
    forChunks(group, first.of, inputs, [&](Cursor chunk, int64_t inputs) {
      Value scale = b.broadcast(
          16, b.loadScalar(input.scales, {chunk.block, b.index(0)}));
      auto finish = [&](Value tile, ArrayRef<Value> halves) {
        Values weights =
            loadScales(b,
                       b.add(scales, b.mul(b.add(first.number, tile),
                                           layout.scaleBytes())),
                       encoding.getScale());
        forHalves(tile, [&](int64_t half, Value row) {
          Value wide = arith::SIToFPOp::create(
              b, halfType,
              Value(arith::ExtSIOp::create(b, b.vec(16, b.getI32Type()),
                                           halves[half])));
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
          Values sums = emitLookups(step, b.add(begin, b.mul(tile, size)),
                                    groups, loadSums(tile, done == 0));
          if (done + kStep < inputs)
            storeSums(sums, tile);
          else
            finish(tile, halvesOf(sums));
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

SmallVector<Value> TernaryLookups::loadSums(Value tile, bool areZero) {
  int64_t lanes = usesWords() ? format::kTileRows : 16;
  auto type = b.vec(lanes, b.getI16Type());
  Values sums;
  for (int64_t lane = 0; lane < format::kTileRows; lane += lanes)
    sums.push_back(areZero ? b.splatInt(type, 0)
                           : b.load(type, totals, {tile, b.index(lane)}));
  return sums;
}

void TernaryLookups::storeSums(ArrayRef<Value> sums, Value tile) {
  for (auto [i, sum] : llvm::enumerate(sums))
    b.store(sum, totals, {tile, b.index(16 * i)});
}

SmallVector<Value> TernaryLookups::halvesOf(ArrayRef<Value> sums) {
  if (!usesWords())
    return Values(sums);
  return {b.slice(sums[0], 0, 16), b.slice(sums[0], 16, 16)};
}

SmallVector<Value> TernaryLookups::emitLookups(Cursor at, Value offset,
                                               int64_t groups, Values sums) {
  int64_t size = layout.stepBytes(groups);
  Value step = b.view(b.getWeights(), offset, {size}, b.getI8Type());
  if (usesWords())
    return {emitWordLookups(at, offset, step, groups, sums[0])};
  b.prefetchWeights(offset, size);
  emitNibbleLookups(at, step, groups, sums);
  return sums;
}

Value TernaryLookups::emitWordLookups(Cursor at, Value offset, Value step,
                                      int64_t groups, Value sum) {
  // [T6]
  auto type = b.vec(format::kTileRows, b.getI16Type());
  int64_t words = layout.stepBytes(groups) / (2 * format::kTileRows);
  auto addGroup = [&](int64_t group, Value codes) {
    Value found =
        LookupOp::create(b, type, tables, b.add(at.group, group), codes);
    sum = arith::AddIOp::create(b, sum, found);
  };
  Value collected;
  for (int64_t word = 0; word < words; ++word) {
    Value codes = vector::BitCastOp::create(
        b, type, b.load(b.vec(64, b.getI8Type()), step, {b.index(64 * word)}));
    // Among the lookups: many prefetches at once would wait for each other.
    b.prefetchWeights(b.add(offset, 64 * word), 64);
    for (int64_t i = 0; i < 3 && 3 * word + i < groups; ++i)
      addGroup(3 * word + i, i == 0 ? codes
                                    : Value(arith::ShRUIOp::create(
                                          b, codes, b.splatInt(type, 5 * i))));
    if (groups < format::kStepGroups)
      continue;
    Value top = arith::ShRUIOp::create(b, codes, b.splatInt(type, 15));
    if (!collected)
      collected = top;
    else
      collected = arith::OrIOp::create(
          b, Value(arith::ShLIOp::create(b, collected, b.splatInt(type, 1))),
          top);
  }
  if (collected)
    addGroup(groups - 1, collected);
  return sum;
}

void TernaryLookups::emitNibbleLookups(Cursor at, Value step, int64_t groups,
                                       MutableArrayRef<Value> sums) {
  // [T7]
  auto bytes = b.vec(32, b.getI8Type());
  auto words = b.vec(16, b.getI16Type());
  int64_t size = layout.stepBytes(groups);
  // Bit 15 of a sign word is the sign of the current group. The lowest bit is
  // set, because a sign of zero would erase the sum; the sixteenth sign, which
  // lives there, is kept aside.
  Value signs[2], last[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value word = vector::BitCastOp::create(
        b, words, b.load(bytes, step, {b.index(size - 64 + 32 * half)}));
    Value one = b.splatInt(words, 1);
    signs[half] = arith::OrIOp::create(b, word, one);
    last[half] = arith::OrIOp::create(
        b, Value(arith::ShLIOp::create(b, word, b.splatInt(words, 15))), one);
  }
  Value codes;
  for (int64_t group = 0; group < groups; ++group) {
    if (group % 2 == 0)
      codes = b.load(bytes, step, {b.index(group / 2 * 32)});
    else
      codes = arith::ShRUIOp::create(b, codes, b.splatInt(bytes, 4));
    auto found = LookupHalvesOp::create(b, words, words, tables,
                                        b.add(at.group, group), codes);
    for (int64_t half = 0; half < 2; ++half) {
      Value sign = group == 15 ? last[half] : signs[half];
      Value value = ApplySignOp::create(b, found->getResult(half), sign);
      sums[half] = arith::AddIOp::create(b, sums[half], value);
      if (group < 14)
        signs[half] = arith::AddIOp::create(b, signs[half], signs[half]);
    }
  }
}

void sherry::emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                                WeightRef weight, const Outputs &outputs) {
  TernaryLookups(b, input, weight, outputs).emit();
}
