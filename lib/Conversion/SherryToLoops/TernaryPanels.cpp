//===- TernaryPanels.cpp - Ternary weights times several tokens -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elementwise.h"
#include "Quantize.h"
#include "Ternary.h"

using namespace mlir;
using namespace sherry;

namespace {
class TernaryPanels : TernaryWalk {
public:
  TernaryPanels(LoopBuilder &b, const AnyInput &input, WeightRef weight)
      : TernaryWalk(b, input.cols(), weight), input(input) {}

  void emit(const Outputs &outputs);
  QuantizedRows emitGated(RankedTensorType type);

private:
  /// Takes the trits of both halves of a group.
  using UseTrits = function_ref<void(int64_t group, ArrayRef<Value> halves)>;

  /// For the parallel loop under construction.
  void allocScratch(int64_t parts) {
    panel = b.allocLocal(
        MemRefType::get({format::kMaxChunkInputs / 4, 2, 64}, b.getI8Type()));
    totals = b.allocScratch(MemRefType::get(
        {parts, b.maxTokens, format::kTileRows}, b.getF32Type()));
    if (multipliesWhole())
      wholeSums = b.allocLocal(
          MemRefType::get({kPanelRows, format::kTileRows}, b.getI32Type()));
  }

  /// Sums a tile into a part of the totals. `toNext` gives the distance from a
  /// piece of so many bytes to that of the tile that will be next.
  void emitTile(const Tile &tile, Value part,
                function_ref<Value(int64_t)> toNext);
  /// That distance, if tiles are taken in their order.
  Value toNextTile(const Tile &tile, int64_t size);
  /// By sherry.multiply_panel, whose panels have the trits themselves.
  bool multipliesWhole() const {
    return b.schedule.getMultiplyPanels() && input.quantized;
  }
  void multiplyWhole(Cursor chunk, int64_t inputs, RowSumUse use);
  void storeGroup(Value group, ArrayRef<Value> halves);
  void fillPanel(const Tile &chunk, int64_t inputs);
  void multiplyPanel(Cursor chunk, int64_t inputs, ArrayRef<Value> rows,
                     RowSumUse use);
  /// The same without the panel, which a whole block of tokens fills for the
  /// tokens after it.
  void multiplyCodes(const Tile &chunk, int64_t inputs, ArrayRef<Value> rows,
                     RowSumUse use);
  /// The trits of a step, each plus `bias`.
  void unpackStep(const Tile &step, int64_t groups, int64_t bias, UseTrits use);

  AnyInput input;
  Value panel;     ///< a chunk's decoded codes
  Value wholeSums; ///< integer sums of a panel and some tokens
  /// Sums of a tile's rows, for each part and token. In the result, the sums of
  /// tokens are a power of two apart, so that the cache could not hold them.
  Value totals;
};
} // namespace

void TernaryPanels::emit(const Outputs &outputs) {
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  forTiles([&](const Tile &tile, Value column) {
    // Once, also where super-tiles have two sizes.
    if (!totals)
      allocScratch(/*parts=*/1);
    // The results of all tokens will be written together, to lines that are
    // far from any core.
    auto prefetchRow = [&](Value buffer, Value row, bool isWrite) {
      for (int64_t half = 0; half < 2; ++half)
        memref::PrefetchOp::create(
            b, buffer, ValueRange{row, b.add(column, 16 * half)}, isWrite,
            /*localityHint=*/3, /*isDataCache=*/true);
    };
    b.forLoop(input.count(), 1, [&](Value row) {
      prefetchRow(outputs.rows.buffer, row, /*isWrite=*/true);
      if (outputs.residual)
        prefetchRow(outputs.residual->buffer, row, /*isWrite=*/false);
    });
    emitTile(tile, b.index(0),
             [&](int64_t size) { return toNextTile(tile, size); });
    b.forLoop(input.count(), 1, [&](Value row) {
      outputs.store(b, b.load(whole, totals, {b.index(0), row, b.index(0)}),
                    row, column);
    });
  });
}

QuantizedRows TernaryPanels::emitGated(RankedTensorType type) {
  ArrayRef<int64_t> blocks = getQuantized(type).getBlocks();
  int64_t outputs = weight.op.getTensorType().getDimSize(0) / 2;
  int64_t unit = getGatedUnit(encoding, outputs, blocks);
  int64_t block = blocks.front();
  int64_t toUp = outputs / format::kTileRows * layout.tileBytes(inputs);
  auto half = b.vec(16, b.getF32Type());
  Rows gated{{}, input.count(), unit};
  QuantizedRows result = QuantizedRows::alloc(b, type, input.count());
  auto emitPair = [&](const Tile &tile, Value column) {
    b.forLoop(b.index(2), 1, [&](Value part) {
      Tile mine = tile;
      mine.at.bytes = b.add(tile.at.bytes, b.mul(part, toUp));
      Value isGate =
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, part, b.index(0));
      emitTile(mine, part, [&](int64_t size) -> Value {
        return arith::SelectOp::create(b, isGate, b.index(toUp),
                                       b.add(toNextTile(tile, size), -toUp));
      });
    });
    b.forLoop(gated.count, 1, [&](Value row) {
      for (int64_t lane = 0; lane < format::kTileRows; lane += 16) {
        auto load = [&](int64_t part) {
          return b.load(half, totals, {b.index(part), row, b.index(lane)});
        };
        b.store(swiglu(b, load(0), load(1)), gated.buffer,
                {row, b.add(column, lane)});
      }
    });
  };
  int64_t tiles = unit / format::kTileRows;
  b.parallel(
      b.index(outputs / unit),
      [&](Value i) {
        allocScratch(/*parts=*/2);
        gated.buffer = b.allocScratch(
            MemRefType::get({b.maxTokens, unit}, b.getF32Type()));
        b.forLoop(b.index(tiles), 1, [&](Value j) {
          emitPair(tileAt(b.add(b.mul(i, tiles), j), layout.interleave),
                   b.mul(j, format::kTileRows));
        });
        b.forLoop(gated.count, 1, [&](Value row) {
          b.forLoop(b.index(unit / block), 1, [&](Value k) {
            emitQuantizeBlock(b, gated, b.mul(k, block), result, row,
                              b.add(b.mul(i, unit), b.mul(k, block)),
                              b.add(b.mul(i, unit / block), k), block);
          });
        });
      },
      Division::OnDemand);
  return result;
}

void TernaryPanels::emitTile(const Tile &tile, Value part,
                             function_ref<Value(int64_t)> toNext) {
  auto halfType = b.vec(16, b.getF32Type());
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  Value count = input.count();
  b.forLoop(count, 1, [&](Value row) {
    b.store(b.splat(whole, 0), totals, {part, row, b.index(0)});
  });
  // Tiles of a super-tile are read one after the other, each in small pieces:
  // no hardware prefetcher sees which follow.
  auto prefetchNext = [&](Value offset, int64_t size) {
    if (b.maxTokens > 1)
      b.prefetchWeightsFar(offset, size, toNext(size));
  };
  forScaleGroups(tile.at, tile.of, [&](Cursor group, int64_t inputs) {
    Value offset = b.add(scalesAt(group, tile.of, inputs),
                         b.mul(tile.number, layout.scaleBytes()));
    prefetchNext(offset, layout.scaleBytes());
    Values scales = loadScales(b, offset, encoding.getScale());
    forChunks(group, tile.of, inputs, [&](Cursor chunk, int64_t inputs) {
      Tile piece{chunk, tile.of, tile.number};
      forSteps(chunk, tile.of, inputs, [&](Cursor step, int64_t inputs) {
        int64_t size = layout.stepBytes(inputs / 4);
        prefetchNext(b.add(step.bytes, b.mul(tile.number, size)), size);
      });
      auto addToTotals = [&](Value row, int64_t half, Value sum) {
        Values place{part, row, b.index(16 * half)};
        b.store(b.mulAdd(sum, scales[half], b.load(halfType, totals, place)),
                totals, place);
      };
      auto multiplyRest = [&](int64_t begin) {
        // Fewer than four tokens' sums would wait for each other.
        forTokenBlocks(b, begin, count, {kTokenBlock, 4}, ExtraRows::Padding,
                       [&](ArrayRef<Value> rows) {
                         multiplyPanel(chunk, inputs, rows, addToTotals);
                       });
      };
      auto multiplyAll = [&] {
        fillPanel(piece, inputs);
        if (multipliesWhole())
          multiplyWhole(chunk, inputs, addToTotals);
        else
          multiplyRest(0);
      };
      if (!b.schedule.getFuseDecode() || !input.quantized)
        return multiplyAll();
      auto multiplyFirst = [&](int64_t size) {
        Values rows;
        for (int64_t row = 0; row < size; ++row)
          rows.push_back(b.index(row));
        multiplyCodes(piece, inputs, rows, addToTotals);
      };
      OpBuilder::InsertionGuard guard(b);
      for (int64_t size : {2, 4}) {
        Value isEnough = arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                                               count, b.index(size));
        auto choice = scf::IfOp::create(b, isEnough, /*withElseRegion=*/true);
        b.setInsertionPointToStart(choice.thenBlock());
        multiplyFirst(size);
        b.setInsertionPointToStart(choice.elseBlock());
      }
      if (multipliesWhole())
        return multiplyAll();
      multiplyFirst(kTokenBlock);
      multiplyRest(kTokenBlock);
    });
  });
}

Value TernaryPanels::toNextTile(const Tile &tile, int64_t size) {
  // The last one is followed by the first of the next super-tile.
  int64_t last = tile.of - 1;
  int64_t toNext = tile.of * layout.tileBytes(inputs) - last * size;
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tile.number,
                                       b.index(last));
  return arith::SelectOp::create(b, isLast, b.index(toNext), b.index(size));
}

void TernaryPanels::storeGroup(Value group, ArrayRef<Value> halves) {
  for (auto [half, bytes] : llvm::enumerate(halves))
    b.store(bytes, panel, {group, b.index(half), b.index(0)});
}

void TernaryPanels::fillPanel(const Tile &chunk, int64_t inputs) {
  forSteps(chunk.at, chunk.of, inputs, [&](Cursor step, int64_t inputs) {
    Value first = b.sub(step.group, chunk.at.group);
    unpackStep({step, chunk.of, chunk.number}, inputs / 4,
               /*bias=*/multipliesWhole() ? 0 : 1,
               [&](int64_t group, ArrayRef<Value> halves) {
                 storeGroup(b.add(first, group), halves);
               });
  });
  if (!multipliesWhole())
    return;
  Value zero = b.splatInt(b.vec(64, b.getI8Type()), 0);
  int64_t groups = inputs / 4,
          end = format::roundUp(groups, MultiplyPanelOp::kUnit);
  for (int64_t group = groups; group < end; ++group)
    for (int64_t half = 0; half < 2; ++half)
      b.store(zero, panel, {b.index(group), b.index(half), b.index(0)});
}

void TernaryPanels::multiplyWhole(Cursor chunk, int64_t inputs, RowSumUse use) {
  Value count = input.count(), column = b.mul(chunk.group, 4);
  auto groups =
      b.getI64IntegerAttr(format::roundUp(inputs / 4, MultiplyPanelOp::kUnit));
  auto multiply = [&](Value first, Value sums) {
    MultiplyPanelOp::create(b, panel, input.quantized->values.buffer, first,
                            column, sums, groups);
  };
  b.forLoop(count, kPanelRows, [&](Value first) {
    Value rest = b.sub(count, first);
    Value isHalf = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, rest,
                                         b.index(MultiplyPanelOp::kUnit));
    auto choice = scf::IfOp::create(b, isHalf, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      SmallVector<int64_t> shape{MultiplyPanelOp::kUnit, format::kTileRows};
      multiply(first, memref::ReinterpretCastOp::create(
                          b, MemRefType::get(shape, b.getI32Type()), wholeSums,
                          /*offset=*/0, shape,
                          ArrayRef<int64_t>{format::kTileRows, 1}));
      b.setInsertionPointToStart(choice.elseBlock());
      multiply(first, wholeSums);
    }
    Value size = arith::MinUIOp::create(b, rest, b.index(kPanelRows));
    b.forLoop(size, 1, [&](Value i) {
      Value row = b.add(first, i);
      // Both before any is stored: a store might change the scale.
      Value sums[2];
      for (int64_t half = 0; half < 2; ++half) {
        Value sum = b.load(b.vec(16, b.getI32Type()), wholeSums,
                           {i, b.index(16 * half)});
        sums[half] = scaleSum(b, sum, *input.quantized, row, chunk.block);
      }
      for (int64_t half = 0; half < 2; ++half)
        use(row, half, sums[half]);
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

void TernaryPanels::multiplyCodes(const Tile &chunk, int64_t inputs,
                                  ArrayRef<Value> rows, RowSumUse use) {
  Value values = input.quantized->inBlocks(b);
  bool hasRest = rows.size() == kTokenBlock;
  // At least eight sums at a time, lest they wait for each other.
  size_t perChain = 2 * rows.size(), chains = perChain < 8 ? 2 : 1;
  Values starts = startDots(b, 1, *input.quantized, rows, chunk.at.block);
  starts.append((chains - 1) * perChain,
                b.splatInt(b.vec(16, b.getI32Type()), 0));
  Values sums = forSteps(
      chunk.at, chunk.of, inputs, starts,
      [&](Cursor step, int64_t inputs, ValueRange carried) {
        Values next(carried);
        Value first = b.sub(step.group, chunk.at.group);
        unpackStep({step, chunk.of, chunk.number}, inputs / 4,
                   /*bias=*/1, [&](int64_t group, ArrayRef<Value> halves) {
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
  useDots(b, sums, *input.quantized, rows, chunk.at.block, use);
}

void TernaryPanels::unpackStep(const Tile &step, int64_t groups, int64_t bias,
                               UseTrits use) {
  int64_t size = layout.stepBytes(groups);
  auto i8 = b.getI8Type();
  Value bytes =
      b.view(b.getWeights(), b.add(step.at.bytes, b.mul(step.number, size)),
             {size}, i8);
  Value trits =
      UnpackCodesOp::create(b, VectorType::get({groups, 2, 64}, i8),
                            b.load(b.vec(size, i8), bytes, {b.index(0)}),
                            toCodeOrder(layout.order), bias);
  for (int64_t group = 0; group < groups; ++group) {
    Value halves[2];
    for (int64_t half = 0; half < 2; ++half)
      halves[half] =
          vector::ExtractOp::create(b, trits, ArrayRef<int64_t>{group, half});
    use(group, halves);
  }
}

void sherry::emitTernaryPanels(LoopBuilder &b, const AnyInput &input,
                               WeightRef weight, const Outputs &outputs) {
  TernaryPanels(b, input, weight).emit(outputs);
}

QuantizedRows sherry::emitGatedLinear(LoopBuilder &b,
                                      const QuantizedRows &input,
                                      WeightRef weight,
                                      RankedTensorType result) {
  return TernaryPanels(b, {nullptr, &input}, weight).emitGated(result);
}
