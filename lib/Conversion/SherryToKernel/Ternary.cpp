//===- Ternary.cpp - Products with 3:4-sparse ternary weights -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two ways through the packed bytes of docs/BlockFormat.md:
//
//  * one token, quantized: a table of partial sums per group of activations,
//    and one lookup per code [T4];
//  * else: decode a chunk of a tile into a panel of bytes, and multiply it with
//    every token. With `fuse-decode`, the first block of tokens is multiplied
//    along the way.
//
//===----------------------------------------------------------------------===//
#include "Linear.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace sherry;

namespace {

/// A place in the packed bytes and in the activations.
struct Cursor {
  Value bytes; ///< of the super-tile's stream, in the weights section
  Value group; ///< group of four inputs
  Value block; ///< block of quantized activations (chunk)

  Cursor advance(KernelBuilder &b, Value rounds, int64_t byteStep,
                 int64_t groupStep, int64_t blockStep) const {
    return {b.add(bytes, b.mul(rounds, byteStep)),
            b.add(group, b.mul(rounds, groupStep)),
            b.add(block, b.mul(rounds, blockStep))};
  }
};

/// Emits code for the super-tiles of one weight.
class TernaryEmitter {
public:
  TernaryEmitter(KernelBuilder &b, const AnyInput &input, WeightRef weight,
                 const Rows &result)
      : b(b), input(input), weight(weight), result(result),
        encoding(weight.op.getTernary()), layout(encoding.getFormat()) {}

  void emit();

private:
  using Values = SmallVector<Value>;
  using PieceBody = function_ref<void(Cursor, int64_t inputs)>;
  using CarryingBody =
      function_ref<Values(Cursor, int64_t inputs, ValueRange carried)>;

  /// Cuts `inputs` into pieces of `piece` and a shorter last one, and runs
  /// `body` over them; `bytesOf` and `blocksOf` measure a piece.
  Values forPieces(Cursor at, int64_t inputs, int64_t piece,
                   function_ref<int64_t(int64_t)> bytesOf,
                   function_ref<int64_t(int64_t)> blocksOf, ValueRange init,
                   CarryingBody body);
  void forScaleGroups(Cursor at, int64_t tiles, PieceBody body);
  void forChunks(Cursor at, int64_t tiles, int64_t inputs, PieceBody body);
  Values forSteps(Cursor at, int64_t tiles, int64_t inputs, ValueRange init,
                  CarryingBody body);
  void forSteps(Cursor at, int64_t tiles, int64_t inputs, PieceBody body);

  /// Byte of the scales of a scale group that starts at `at`.
  Value scalesAt(Cursor at, int64_t tiles, int64_t inputs) {
    return b.add(at.bytes, tiles * (layout.scaleGroupBytes(inputs) -
                                    layout.scaleBytes()));
  }

  void buildTables();
  void emitLookupTiles(Cursor at, int64_t tiles, Value column);
  void emitLookups(Cursor at, Value tile, int64_t groups);
  void emitWordLookups(Cursor at, Value offset, Value step, Value tile,
                       int64_t groups);
  void emitNibbleLookups(Cursor at, Value step, Value tile, int64_t groups);

  /// Takes the bytes of both halves of a group.
  using DecodedUse = function_ref<void(int64_t group, ArrayRef<Value> halves)>;

  void emitDecodedTiles(Cursor at, int64_t tiles, Value column);
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

  bool usesWords() const { return layout.order == format::CodeOrder::Words; }

  KernelBuilder &b;
  const AnyInput &input;
  WeightRef weight;
  const Rows &result;
  TernaryAttr encoding;
  format::TernaryLayout layout;
  Value tables; ///< of the lookup way
  Value panel;  ///< of a chunk's decoded codes
  /// Sums of 32 rows: of the lookup way as i16, a tile each; else as f32, a
  /// token each. In the result, the sums of tokens are a power of two apart, so
  /// that the cache could not hold them.
  Value totals;
};

//===----------------------------------------------------------------------===//
// The walk [T5]
//===----------------------------------------------------------------------===//

SmallVector<Value>
TernaryEmitter::forPieces(Cursor at, int64_t inputs, int64_t piece,
                          function_ref<int64_t(int64_t)> bytesOf,
                          function_ref<int64_t(int64_t)> blocksOf,
                          ValueRange init, CarryingBody body) {
  int64_t rounds = inputs / piece;
  auto advance = [&](Value count) {
    return at.advance(b, count, bytesOf(piece), piece / 4, blocksOf(piece));
  };
  Values values = b.repeat(rounds, init, [&](Value i, ValueRange carried) {
    return body(advance(i), piece, carried);
  });
  if (int64_t rest = inputs % piece)
    values = body(advance(b.index(rounds)), rest, values);
  return values;
}

void TernaryEmitter::forScaleGroups(Cursor at, int64_t tiles, PieceBody body) {
  forPieces(
      at, input.cols(), layout.scaleGroupInputs(input.cols()),
      [&](int64_t n) { return tiles * layout.scaleGroupBytes(n); },
      [&](int64_t n) { return format::ceilDiv(n, format::kMaxChunkInputs); },
      {},
      [&](Cursor piece, int64_t n, ValueRange) {
        body(piece, n);
        return Values();
      });
}

void TernaryEmitter::forChunks(Cursor at, int64_t tiles, int64_t inputs,
                               PieceBody body) {
  forPieces(
      at, inputs, format::kMaxChunkInputs,
      [&](int64_t n) { return tiles * layout.chunkBytes(n); },
      [](int64_t) { return 1; }, {},
      [&](Cursor piece, int64_t n, ValueRange) {
        body(piece, n);
        return Values();
      });
}

SmallVector<Value> TernaryEmitter::forSteps(Cursor at, int64_t tiles,
                                            int64_t inputs, ValueRange init,
                                            CarryingBody body) {
  return forPieces(
      at, inputs, format::kStepGroups * format::kGroupInputs,
      [&](int64_t n) { return tiles * layout.stepBytes(n / 4); },
      [](int64_t) { return 0; }, init, body);
}

void TernaryEmitter::forSteps(Cursor at, int64_t tiles, int64_t inputs,
                              PieceBody body) {
  forSteps(at, tiles, inputs, {}, [&](Cursor step, int64_t n, ValueRange) {
    body(step, n);
    return Values();
  });
}

void TernaryEmitter::emit() {
  bool looksUp = input.quantized && b.maxTokens == 1;
  if (looksUp) {
    buildTables();
    totals = b.allocScratch(MemRefType::get(
        {layout.interleave, format::kTileRows}, b.getI16Type()));
  } else {
    panel = b.allocScratch(
        MemRefType::get({format::kMaxChunkInputs / 4, 2, 64}, b.getI8Type()));
    totals = b.allocScratch(
        MemRefType::get({b.maxTokens, format::kTileRows}, b.getF32Type()));
  }

  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  int64_t tileBytes = layout.tileBytes(input.cols());
  auto emitSuperTiles = [&](int64_t firstTile, int64_t rounds,
                            int64_t interleave) {
    if (rounds == 0)
      return;
    b.parallel(b.index(rounds), [&](Value superTile) {
      Value tile = b.add(b.mul(superTile, interleave), firstTile);
      Cursor at{b.add(weight.offset, b.mul(tile, tileBytes)), b.index(0),
                b.index(0)};
      Value column = b.mul(tile, format::kTileRows);
      if (looksUp)
        emitLookupTiles(at, interleave, column);
      else
        emitDecodedTiles(at, interleave, column);
    });
  };
  int64_t interleave = layout.interleave;
  emitSuperTiles(0, tiles / interleave, interleave);
  emitSuperTiles(tiles / interleave * interleave, tiles % interleave ? 1 : 0,
                 tiles % interleave);
}

//===----------------------------------------------------------------------===//
// One token: tables
//===----------------------------------------------------------------------===//

void TernaryEmitter::buildTables() {
  int64_t groups = input.cols() / format::kGroupInputs;
  auto i8 = b.getI8Type();
  auto i16 = b.getI16Type();
  auto type = usesWords() ? MemRefType::get({groups, 32}, i16)
                          : MemRefType::get({groups, 2, 16}, i8);
  tables = memref::AllocOp::create(b, type);
  llvm::SaveAndRestore step(b.step, b.getDictionaryAttr(b.getNamedAttr(
                                        "op", b.getStringAttr("build_table"))));
  b.parallel(b.index(groups), [&](Value group) {
    Value activations = b.load(b.vec(4, i8), input.quantized->inBlocks(b),
                               QuantizedRows::placeOf(b, b.index(0), group));
    if (usesWords()) {
      b.store(BuildTableOp::create(b, b.vec(32, i16), activations), tables,
              {group, b.index(0)});
      return;
    }
    auto wide = b.vec(16, i16);
    Value table = BuildTableOp::create(b, wide, activations);
    Value high = arith::ShRUIOp::create(b, table, b.splatInt(wide, 8));
    for (int64_t half = 0; half < 2; ++half)
      b.store(arith::TruncIOp::create(b, b.vec(16, i8), half ? high : table),
              tables, {group, b.index(half), b.index(0)});
  });
}

void TernaryEmitter::emitLookupTiles(Cursor at, int64_t tiles, Value column) {
  auto halfType = b.vec(16, b.getF32Type());
  // Tiles take turns in a loop, not unrolled: the code for one of them reads
  // and prefetches a few lines, in ascending order, between its lookups.
  auto forTiles = [&](function_ref<void(Value)> body) {
    b.forLoop(b.index(tiles), 1, body);
  };
  auto forHalves = [&](Value tile, function_ref<void(int64_t, Value)> body) {
    for (int64_t half = 0; half < 2; ++half)
      body(half,
           b.add(b.add(column, b.mul(tile, format::kTileRows)), 16 * half));
  };
  forTiles([&](Value tile) {
    forHalves(tile, [&](int64_t, Value row) {
      b.store(b.splat(halfType, 0), result.buffer, {b.index(0), row});
    });
  });
  forScaleGroups(at, tiles, [&](Cursor group, int64_t inputs) {
    Value scales = scalesAt(group, tiles, inputs);
    b.prefetchWeights(scales, tiles * layout.scaleBytes());
    forChunks(group, tiles, inputs, [&](Cursor chunk, int64_t inputs) {
      forTiles([&](Value tile) {
        b.store(b.splatInt(b.vec(format::kTileRows, b.getI16Type()), 0), totals,
                {tile, b.index(0)});
      });
      forSteps(chunk, tiles, inputs, [&](Cursor step, int64_t inputs) {
        forTiles([&](Value tile) { emitLookups(step, tile, inputs / 4); });
      });
      Value scale = b.broadcast(16, b.loadScalar(input.quantized->scales.buffer,
                                                 {chunk.block, b.index(0)}));
      forTiles([&](Value tile) {
        Values weights =
            loadScales(b, b.add(scales, b.mul(tile, layout.scaleBytes())),
                       encoding.getScale());
        forHalves(tile, [&](int64_t half, Value row) {
          Value sum = b.load(b.vec(16, b.getI16Type()), totals,
                             {tile, b.index(16 * half)});
          Value wide = arith::SIToFPOp::create(
              b, halfType,
              Value(arith::ExtSIOp::create(b, b.vec(16, b.getI32Type()), sum)));
          // In this order, as the other way through the bytes does it.
          Value product = arith::MulFOp::create(b, wide, scale);
          Value before = b.load(halfType, result.buffer, {b.index(0), row});
          b.store(b.mulAdd(product, weights[half], before), result.buffer,
                  {b.index(0), row});
        });
      });
    });
  });
}

void TernaryEmitter::emitLookups(Cursor at, Value tile, int64_t groups) {
  int64_t size = layout.stepBytes(groups);
  Value offset = b.add(at.bytes, b.mul(tile, size));
  Value step = b.view(b.weights, offset, {size}, b.getI8Type());
  if (usesWords())
    return emitWordLookups(at, offset, step, tile, groups);
  b.prefetchWeights(offset, size);
  emitNibbleLookups(at, step, tile, groups);
}

void TernaryEmitter::emitWordLookups(Cursor at, Value offset, Value step,
                                     Value tile, int64_t groups) {
  // [T6]
  auto type = b.vec(format::kTileRows, b.getI16Type());
  int64_t words = layout.stepBytes(groups) / (2 * format::kTileRows);
  SmallVector<Value> place{tile, b.index(0)};
  Value sum = b.load(type, totals, place);
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
  b.store(sum, totals, place);
}

void TernaryEmitter::emitNibbleLookups(Cursor at, Value step, Value tile,
                                       int64_t groups) {
  // [T7]
  auto bytes = b.vec(32, b.getI8Type());
  auto words = b.vec(16, b.getI16Type());
  int64_t size = layout.stepBytes(groups);
  // Bit 15 of a sign word is the sign of the current group. The lowest bit is
  // set, because a sign of zero would erase the sum; the sixteenth sign, which
  // lives there, is kept aside.
  Value signs[2], last[2], sums[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value word = vector::BitCastOp::create(
        b, words, b.load(bytes, step, {b.index(size - 64 + 32 * half)}));
    Value one = b.splatInt(words, 1);
    signs[half] = arith::OrIOp::create(b, word, one);
    last[half] = arith::OrIOp::create(
        b, Value(arith::ShLIOp::create(b, word, b.splatInt(words, 15))), one);
    sums[half] = b.load(words, totals, {tile, b.index(16 * half)});
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
  for (int64_t half = 0; half < 2; ++half)
    b.store(sums[half], totals, {tile, b.index(16 * half)});
}

//===----------------------------------------------------------------------===//
// Several tokens: decoded codes
//===----------------------------------------------------------------------===//

void TernaryEmitter::emitDecodedTiles(Cursor at, int64_t tiles, Value column) {
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
void TernaryEmitter::prefetchNextTile(Value offset, int64_t size, int64_t tiles,
                                      Value tile) {
  if (b.maxTokens == 1)
    return;
  // The last one is followed by the first of the next super-tile.
  int64_t toNext = tiles * layout.tileBytes(input.cols()) - (tiles - 1) * size;
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tile,
                                       b.index(tiles - 1));
  Value distance =
      arith::SelectOp::create(b, isLast, b.index(toNext), b.index(size));
  b.prefetchWeightsFar(offset, size, distance);
}

void TernaryEmitter::storeGroup(Value group, ArrayRef<Value> halves) {
  for (auto [half, bytes] : llvm::enumerate(halves))
    b.store(bytes, panel, {group, b.index(half), b.index(0)});
}

void TernaryEmitter::fillPanel(Cursor chunk, int64_t tiles, Value tile,
                               int64_t inputs) {
  forSteps(chunk, tiles, inputs, [&](Cursor step, int64_t inputs) {
    Value first = arith::SubIOp::create(b, step.group, chunk.group);
    decodeStep(step, tiles, tile, inputs / 4,
               [&](int64_t group, ArrayRef<Value> halves) {
                 storeGroup(b.add(first, group), halves);
               });
  });
}

void TernaryEmitter::multiplyPanel(Cursor chunk, int64_t inputs,
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

void TernaryEmitter::multiplyCodes(Cursor chunk, int64_t tiles, Value tile,
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

void TernaryEmitter::decodeStep(Cursor at, int64_t tiles, Value tile,
                                int64_t groups, DecodedUse use) {
  int64_t size = layout.stepBytes(groups);
  Value bytes = b.view(b.weights, b.add(at.bytes, b.mul(tile, size)), {size},
                       b.getI8Type());
  if (usesWords())
    decodeWords(bytes, groups, use);
  else
    decodeNibbles(bytes, groups, use);
}

void TernaryEmitter::decodeWords(Value bytes, int64_t groups, DecodedUse use) {
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

void TernaryEmitter::decodeNibbles(Value bytes, int64_t groups,
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

} // namespace

void sherry::emitTernary(KernelBuilder &b, const AnyInput &input,
                         WeightRef weight, const Rows &result) {
  TernaryEmitter(b, input, weight, result).emit();
}
