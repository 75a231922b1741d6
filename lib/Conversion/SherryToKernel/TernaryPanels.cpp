//===- TernaryPanels.cpp - Ternary weights times several tokens -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
class TernaryPanels : TernaryWalk {
public:
  TernaryPanels(KernelBuilder &b, const AnyInput &input, WeightRef weight,
                const Rows &result)
      : TernaryWalk(b, input.cols(), weight), input(input), result(result) {}

  void emit() {
    panel = b.allocScratch(
        MemRefType::get({format::kMaxChunkInputs / 4, 2, 64}, b.getI8Type()));
    totals = b.allocScratch(
        MemRefType::get({b.maxTokens, format::kTileRows}, b.getF32Type()));
    forSuperTiles([&](Cursor at, int64_t tiles, Value column) {
      emitTiles(at, tiles, column);
    });
  }

private:
  /// Takes the bytes of both halves of a group.
  using DecodedUse = function_ref<void(int64_t group, ArrayRef<Value> halves)>;

  void emitTiles(Cursor at, int64_t tiles, Value column);
  void prefetchNextTile(Value offset, int64_t size, int64_t tiles, Value tile);
  void storeGroup(Value group, ArrayRef<Value> halves);
  void fillPanel(Cursor chunk, int64_t tiles, Value tile, int64_t inputs);
  void multiplyPanel(Cursor chunk, int64_t inputs, ArrayRef<Value> rows,
                     RowSumUse use);
  /// The same without the panel, which a whole block of tokens fills for the
  /// tokens after it.
  void multiplyCodes(Cursor chunk, int64_t tiles, Value tile, int64_t inputs,
                     ArrayRef<Value> rows, RowSumUse use);
  void decodeStep(Cursor at, int64_t tiles, Value tile, int64_t groups,
                  DecodedUse use);
  void decodeWords(Value bytes, int64_t groups, DecodedUse use);
  void decodeNibbles(Value bytes, int64_t groups, DecodedUse use);
  Value decode(Value codes) {
    return DecodeBlockOp::create(b, b.vec(64, b.getI8Type()), codes);
  }

  AnyInput input;
  const Rows &result;
  Value panel; ///< a chunk's decoded codes
  /// Sums of a tile's rows, for each token. In the result, the sums of tokens
  /// are a power of two apart, so that the cache could not hold them.
  Value totals;
};
} // namespace

void TernaryPanels::emitTiles(Cursor at, int64_t tiles, Value column) {
  auto halfType = b.vec(16, b.getF32Type());
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  b.forLoop(b.index(tiles), 1, [&](Value tile) {
    Value first = b.add(column, b.mul(tile, format::kTileRows));
    b.forLoop(result.count, 1, [&](Value row) {
      b.store(b.splat(whole, 0), totals, {row, b.index(0)});
      // The results of all tokens will be written together, to lines that are
      // far from any core.
      for (int64_t half = 0; half < 2; ++half)
        memref::PrefetchOp::create(
            b, result.buffer, ValueRange{row, b.add(first, 16 * half)},
            /*isWrite=*/true, /*localityHint=*/3, /*isDataCache=*/true);
    });
    forScaleGroups(at, tiles, [&](Cursor group, int64_t inputs) {
      Value offset = b.add(scalesAt(group, tiles, inputs),
                           b.mul(tile, layout.scaleBytes()));
      prefetchNextTile(offset, layout.scaleBytes(), tiles, tile);
      Values scales = loadScales(b, offset, encoding.getScale());
      forChunks(group, tiles, inputs, [&](Cursor chunk, int64_t inputs) {
        forSteps(chunk, tiles, inputs, [&](Cursor step, int64_t inputs) {
          int64_t size = layout.stepBytes(inputs / 4);
          Value offset = b.add(step.bytes, b.mul(tile, size));
          prefetchNextTile(offset, size, tiles, tile);
        });
        auto addToTotals = [&](Value row, int64_t half, Value sum) {
          Values place{row, b.index(16 * half)};
          b.store(b.mulAdd(sum, scales[half], b.load(halfType, totals, place)),
                  totals, place);
        };
        auto multiplyRest = [&](int64_t begin) {
          // Fewer than four tokens' sums would wait for each other.
          forTokenBlocks(b, begin, result.count, {kTokenBlock, 4},
                         ExtraRows::Padding, [&](ArrayRef<Value> rows) {
                           multiplyPanel(chunk, inputs, rows, addToTotals);
                         });
        };
        if (!b.fuseDecode || !input.quantized) {
          fillPanel(chunk, tiles, tile, inputs);
          return multiplyRest(0);
        }
        auto multiplyFirst = [&](int64_t size) {
          Values rows;
          for (int64_t row = 0; row < size; ++row)
            rows.push_back(b.index(row));
          multiplyCodes(chunk, tiles, tile, inputs, rows, addToTotals);
        };
        OpBuilder::InsertionGuard guard(b);
        for (int64_t size : {2, 4}) {
          Value isEnough = arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                                                 result.count, b.index(size));
          auto choice = scf::IfOp::create(b, isEnough, /*withElseRegion=*/true);
          b.setInsertionPointToStart(choice.thenBlock());
          multiplyFirst(size);
          b.setInsertionPointToStart(choice.elseBlock());
        }
        multiplyFirst(kTokenBlock);
        multiplyRest(kTokenBlock);
      });
    });
    b.forLoop(result.count, 1, [&](Value row) {
      b.store(b.load(whole, totals, {row, b.index(0)}), result.buffer,
              {row, first});
    });
  });
}

/// Tiles of a super-tile are read one after the other, each in small pieces: no
/// hardware prefetcher sees which follow.
void TernaryPanels::prefetchNextTile(Value offset, int64_t size, int64_t tiles,
                                      Value tile) {
  if (b.maxTokens == 1)
    return;
  // The last one is followed by the first of the next super-tile.
  int64_t toNext = tiles * layout.tileBytes(inputs) - (tiles - 1) * size;
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tile,
                                       b.index(tiles - 1));
  Value distance =
      arith::SelectOp::create(b, isLast, b.index(toNext), b.index(size));
  b.prefetchWeightsFar(offset, size, distance);
}

void TernaryPanels::storeGroup(Value group, ArrayRef<Value> halves) {
  for (auto [half, bytes] : llvm::enumerate(halves))
    b.store(bytes, panel, {group, b.index(half), b.index(0)});
}

void TernaryPanels::fillPanel(Cursor chunk, int64_t tiles, Value tile,
                               int64_t inputs) {
  forSteps(chunk, tiles, inputs, [&](Cursor step, int64_t inputs) {
    Value first = arith::SubIOp::create(b, step.group, chunk.group);
    decodeStep(step, tiles, tile, inputs / 4,
               [&](int64_t group, ArrayRef<Value> halves) {
                 storeGroup(b.add(first, group), halves);
               });
  });
}

void TernaryPanels::multiplyPanel(Cursor chunk, int64_t inputs,
                                   ArrayRef<Value> rows, RowSumUse use) {
  Value start = b.mul(chunk.group, 4);
  if (input.quantized)
    return emitPanelI8(b, panel, inputs / 4, *input.quantized, rows, start,
                       chunk.block, use);
  Values sums = emitPanelF32(b, panel, inputs / 4,
                             encoding.getGrouping() == Grouping::Strided,
                             *input.plain, rows, start);
  for (auto [i, sum] : llvm::enumerate(sums))
    use(rows[i / 2], static_cast<int64_t>(i % 2), sum);
}

void TernaryPanels::multiplyCodes(Cursor chunk, int64_t tiles, Value tile,
                                   int64_t inputs, ArrayRef<Value> rows,
                                   RowSumUse use) {
  Value values = input.quantized->inBlocks(b);
  bool hasRest = rows.size() == kTokenBlock;
  // At least eight sums at a time, lest they wait for each other.
  size_t perChain = 2 * rows.size(), chains = perChain < 8 ? 2 : 1;
  Values starts = startDots(b, 1, *input.quantized, rows, chunk.block);
  starts.append((chains - 1) * perChain,
                b.splatInt(b.vec(16, b.getI32Type()), 0));
  Values sums =
      forSteps(chunk, tiles, inputs, starts,
               [&](Cursor step, int64_t inputs, ValueRange carried) {
                 Values next(carried);
                 Value first =
                     arith::SubIOp::create(b, step.group, chunk.group);
                 decodeStep(step, tiles, tile, inputs / 4,
                            [&](int64_t group, ArrayRef<Value> halves) {
                              if (hasRest)
                                storeGroup(b.add(first, group), halves);
                              auto chain = MutableArrayRef<Value>(next).slice(
                                  group % chains * perChain, perChain);
                              addDots(b, halves, 2, values, rows,
                                      b.add(step.group, group), chain);
                            });
                 return next;
               });
  if (chains == 2)
    for (size_t i = 0; i < perChain; ++i)
      sums[i] = arith::AddIOp::create(b, sums[i], sums[perChain + i]);
  sums.truncate(perChain);
  useDots(b, sums, *input.quantized, rows, chunk.block, use);
}

void TernaryPanels::decodeStep(Cursor at, int64_t tiles, Value tile,
                                int64_t groups, DecodedUse use) {
  int64_t size = layout.stepBytes(groups);
  Value bytes = b.view(b.weights, b.add(at.bytes, b.mul(tile, size)), {size},
                       b.getI8Type());
  if (usesWords())
    decodeWords(bytes, groups, use);
  else
    decodeNibbles(bytes, groups, use);
}

void TernaryPanels::decodeWords(Value bytes, int64_t groups, DecodedUse use) {
  // [T6]
  auto lanes = b.vec(16, b.getI32Type());
  auto shift = [&](Value value, int64_t bits) -> Value {
    if (bits == 0)
      return value;
    return arith::ShRUIOp::create(b, value, b.splatInt(lanes, bits));
  };
  int64_t words = layout.stepBytes(groups) / (2 * format::kTileRows);
  std::array<Value, 2> codes, collected;
  for (int64_t word = 0; word < words; ++word) {
    for (int64_t half = 0; half < 2; ++half) {
      Value narrow =
          vector::BitCastOp::create(b, b.vec(16, b.getI16Type()),
                                    b.load(b.vec(32, b.getI8Type()), bytes,
                                           {b.index(64 * word + 32 * half)}));
      codes[half] = arith::ExtUIOp::create(b, lanes, narrow);
    }
    for (int64_t i = 0; i < 3 && 3 * word + i < groups; ++i)
      use(3 * word + i,
          {decode(shift(codes[0], 5 * i)), decode(shift(codes[1], 5 * i))});
    if (groups < format::kStepGroups)
      continue;
    for (int64_t half = 0; half < 2; ++half) {
      Value top = shift(codes[half], 15), &bits = collected[half];
      if (bits)
        top = arith::OrIOp::create(
            b, Value(arith::ShLIOp::create(b, bits, b.splatInt(lanes, 1))),
            top);
      bits = top;
    }
  }
  if (collected[0])
    use(groups - 1, {decode(collected[0]), decode(collected[1])});
}

void TernaryPanels::decodeNibbles(Value bytes, int64_t groups,
                                   DecodedUse use) {
  // [T7]
  auto lanes = b.vec(16, b.getI32Type());
  auto words = b.vec(16, b.getI16Type());
  auto vector = b.vec(32, b.getI8Type());
  int64_t size = layout.stepBytes(groups);
  std::array<Value, 2> signs, pairs;
  for (int64_t half = 0; half < 2; ++half)
    signs[half] = arith::ExtUIOp::create(
        b, lanes,
        Value(vector::BitCastOp::create(
            b, words,
            b.load(vector, bytes, {b.index(size - 64 + 32 * half)}))));
  auto decodeHalf = [&](int64_t group, int64_t half) {
    Value code = arith::AndIOp::create(
        b,
        Value(arith::ShRUIOp::create(b, pairs[half],
                                     b.splatInt(lanes, 4 * (group % 2)))),
        b.splatInt(lanes, 15));
    Value sign =
        arith::ShRUIOp::create(b, signs[half], b.splatInt(lanes, 15 - group));
    sign = arith::AndIOp::create(
        b, Value(arith::ShLIOp::create(b, sign, b.splatInt(lanes, 4))),
        b.splatInt(lanes, 16));
    return decode(arith::OrIOp::create(b, code, sign));
  };
  for (int64_t group = 0; group < groups; ++group) {
    if (group % 2 == 0) {
      Value both = b.load(vector, bytes, {b.index(group / 2 * 32)});
      for (int64_t half = 0; half < 2; ++half) {
        SmallVector<int64_t> order;
        for (int64_t i = 0; i < 16; ++i)
          order.push_back((i < 8 ? i : i + 8) + 8 * half);
        pairs[half] = arith::ExtUIOp::create(
            b, lanes, Value(vector::ShuffleOp::create(b, both, both, order)));
      }
    }
    use(group, {decodeHalf(group, 0), decodeHalf(group, 1)});
  }
}

void sherry::emitTernaryPanels(KernelBuilder &b, const AnyInput &input,
                               WeightRef weight, const Rows &result) {
  TernaryPanels(b, input, weight, result).emit();
}
