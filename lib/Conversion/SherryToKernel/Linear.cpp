//===- Linear.cpp - Dense products: bf16, q8_0, f32 activations -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Linear.h"

using namespace mlir;
using namespace sherry;

void sherry::forTokenBlocks(KernelBuilder &b, Value count,
                            function_ref<void(ArrayRef<Value>)> body) {
  int64_t size = std::min(b.maxTokens, kTokenBlock);
  b.forLoop(count, size, [&](Value first) {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < size; ++i)
      rows.push_back(b.add(first, i));
    body(rows);
  });
}

SmallVector<Value> sherry::emitPanelF32(KernelBuilder &b, Value panel,
                                        int64_t groups, int64_t bias,
                                        const Rows &input, ArrayRef<Value> rows,
                                        Value column, ValueRange sums) {
  auto bytes = b.vec(64, b.getI8Type());
  auto lanes = b.vec(16, b.getI32Type());
  auto floats = b.vec(16, b.getF32Type());
  return b.repeat(groups, sums, [&](Value group, ValueRange carried) {
    SmallVector<Value> result(carried);
    for (int64_t half = 0; half < 2; ++half) {
      Value dwords = vector::BitCastOp::create(
          b, lanes, b.load(bytes, panel, {group, b.index(half), b.index(0)}));
      for (int64_t p = 0; p < 4; ++p) {
        Value byte = arith::AndIOp::create(
            b,
            Value(arith::ShRUIOp::create(b, dwords, b.splatInt(lanes, 8 * p))),
            b.splatInt(lanes, 255));
        Value weight = arith::SIToFPOp::create(
            b, floats,
            Value(arith::SubIOp::create(b, byte, b.splatInt(lanes, bias))));
        Value at = b.add(b.add(column, b.mul(group, 4)), p);
        for (auto [i, row] : llvm::enumerate(rows)) {
          Value x = b.broadcast(16, b.loadScalar(input.buffer, {row, at}));
          Value &sum = result[2 * i + half];
          sum = b.fma(weight, x, sum);
        }
      }
    }
    return result;
  });
}

static void sumDots(KernelBuilder &b, Value panel, int64_t groups,
                    int64_t maxWeight, Value values, ArrayRef<Value> rows,
                    Value firstGroup, PanelSumUse use) {
  auto bytes = b.vec(64, b.getI8Type());
  auto lanes = b.vec(16, b.getI32Type());
  SmallVector<Value> zeros(2 * rows.size(), b.splatInt(lanes, 0));
  SmallVector<Value> sums =
      b.repeat(groups, zeros, [&](Value group, ValueRange carried) {
        SmallVector<Value> next(carried);
        Value weights[2];
        for (int64_t half = 0; half < 2; ++half)
          weights[half] =
              b.load(bytes, panel, {group, b.index(half), b.index(0)});
        for (auto [i, row] : llvm::enumerate(rows)) {
          Value x =
              b.load(b.vec(4, b.getI8Type()), values,
                     QuantizedRows::placeOf(b, row, b.add(firstGroup, group)));
          for (int64_t half = 0; half < 2; ++half)
            next[2 * i + half] = DotAccumulateOp::create(
                b, lanes, weights[half], x, next[2 * i + half],
                b.getI32IntegerAttr(maxWeight));
        }
        return next;
      });
  for (auto [i, sum] : llvm::enumerate(sums))
    use(i / 2, static_cast<int64_t>(i % 2), sum);
}

/// The same with sums of pairs in 16 bits, for weights of at most 2 and no more
/// groups than a chunk has. One half and few rows at a time, and none of their
/// sums kept: AVX2 has 16 registers.
static void sumPairs(KernelBuilder &b, Value panel, int64_t groups,
                     Value values, ArrayRef<Value> rows, Value firstGroup,
                     PanelSumUse use) {
  constexpr size_t kRows = 4;
  auto bytes = b.vec(64, b.getI8Type());
  auto pairs = b.vec(32, b.getI16Type());
  auto lanes = b.vec(16, b.getI32Type());
  Value sixteen = b.splatInt(lanes, 16);
  for (size_t first = 0; first < rows.size(); first += kRows) {
    ArrayRef<Value> some = rows.drop_front(first).take_front(kRows);
    for (int64_t half = 0; half < 2; ++half) {
      SmallVector<Value> zeros(some.size(), b.splatInt(pairs, 0));
      SmallVector<Value> sums =
          b.repeat(groups, zeros, [&](Value group, ValueRange carried) {
            Value weights =
                b.load(bytes, panel, {group, b.index(half), b.index(0)});
            SmallVector<Value> next;
            for (auto [row, sum] : llvm::zip_equal(some, carried)) {
              Value x = b.load(
                  b.vec(4, b.getI8Type()), values,
                  QuantizedRows::placeOf(b, row, b.add(firstGroup, group)));
              next.push_back(DotPairsOp::create(b, pairs, weights, x, sum));
            }
            return next;
          });
      for (auto [i, sum] : llvm::enumerate(sums)) {
        Value both = vector::BitCastOp::create(b, lanes, sum);
        Value even = arith::ShRSIOp::create(
            b, Value(arith::ShLIOp::create(b, both, sixteen)), sixteen);
        Value odd = arith::ShRSIOp::create(b, both, sixteen);
        use(first + i, half, arith::AddIOp::create(b, even, odd));
      }
    }
  }
}

void sherry::emitPanelI8(KernelBuilder &b, Value panel, int64_t groups,
                         int64_t bias, const QuantizedRows &input,
                         ArrayRef<Value> rows, Value column, Value block,
                         PanelSumUse use) {
  auto lanes = b.vec(16, b.getI32Type());
  auto floats = b.vec(16, b.getF32Type());
  auto finish = [&](size_t i, int64_t half, Value sum) {
    // sum (w + bias) * a - bias * sum a = sum w * a.
    Value excess = arith::MulIOp::create(
        b, b.broadcast(16, b.loadScalar(input.sums.buffer, {rows[i], block})),
        b.splatInt(lanes, bias));
    Value exact = arith::SubIOp::create(b, sum, excess);
    Value scale =
        b.broadcast(16, b.loadScalar(input.scales.buffer, {rows[i], block}));
    use(i, half,
        arith::MulFOp::create(
            b, Value(arith::SIToFPOp::create(b, floats, exact)), scale));
  };
  Value values = input.inBlocks(b);
  Value firstGroup = b.createOrFold<arith::DivUIOp>(column, b.index(4));
  bool isTernary = bias == 1;
  if (isTernary && b.pairSums)
    sumPairs(b, panel, groups, values, rows, firstGroup, finish);
  else
    sumDots(b, panel, groups, isTernary ? 2 : 255, values, rows, firstGroup,
            finish);
}

SmallVector<Value> sherry::loadScales(KernelBuilder &b, Value offset,
                                      FloatType type) {
  Value scales = b.view(b.weights, offset, {format::kTileRows}, type);
  SmallVector<Value> result;
  for (int64_t half = 0; half < 2; ++half) {
    Value value = b.load(b.vec(16, type), scales, {b.index(16 * half)});
    if (!type.isF32())
      value = arith::ExtFOp::create(b, b.vec(16, b.getF32Type()), value);
    result.push_back(value);
  }
  return result;
}

SmallVector<Value> sherry::joinHalves(KernelBuilder &b, ValueRange halves) {
  SmallVector<Value> result;
  for (size_t i = 0; i < halves.size(); i += 2) {
    auto order = llvm::to_vector(llvm::seq<int64_t>(32));
    result.push_back(
        vector::ShuffleOp::create(b, halves[i], halves[i + 1], order));
  }
  return result;
}

SmallVector<Value> sherry::zeroHalves(KernelBuilder &b, size_t rows) {
  return SmallVector<Value>(2 * rows, b.splat(b.vec(16, b.getF32Type()), 0));
}

//===----------------------------------------------------------------------===//
// bf16 and q8_0 weights
//===----------------------------------------------------------------------===//

/// Calls `body` with the rows of each full block of tokens, then with each row
/// that is left: an output head mostly has one.
static void forExactTokenBlocks(KernelBuilder &b, Value count,
                                function_ref<void(ArrayRef<Value>)> body) {
  int64_t size = std::min(b.maxTokens, kTokenBlock);
  Value whole =
      b.mul(b.createOrFold<arith::DivUIOp>(count, b.index(size)), size);
  if (size > 1)
    forTokenBlocks(b, whole, body);
  else
    whole = b.index(0);
  Value rest = b.createOrFold<arith::SubIOp>(count, whole);
  b.forLoop(rest, 1, [&](Value i) { body({b.add(whole, i)}); });
}

static void storeOutputs(KernelBuilder &b, const Rows &result,
                         ArrayRef<Value> rows, Value column,
                         ArrayRef<Value> values) {
  for (auto [row, value] : llvm::zip_equal(rows, values))
    b.store(value, result.buffer, {row, column});
}

/// bf16 weights [D1] times f32 activations.
static void emitBf16Tile(KernelBuilder &b, const Rows &input, Value offset,
                         Value column, const Rows &result) {
  int64_t tile = format::kTileRows;
  Value matrix = b.view(b.weights, offset, {input.cols, tile}, b.getBF16Type());
  auto wide = b.vec(tile, b.getF32Type());
  forExactTokenBlocks(b, result.count, [&](ArrayRef<Value> rows) {
    SmallVector<Value> sums(rows.size(), b.splat(wide, 0));
    sums = b.repeat(input.cols, sums, [&](Value k, ValueRange carried) {
      Value narrow =
          b.load(b.vec(tile, b.getBF16Type()), matrix, {k, b.index(0)});
      Value weight = arith::ExtFOp::create(b, wide, narrow);
      SmallVector<Value> next;
      for (auto [row, sum] : llvm::zip_equal(rows, carried)) {
        Value x = b.loadScalar(input.buffer, {row, k});
        next.push_back(b.fma(weight, b.broadcast(tile, x), sum));
      }
      return next;
    });
    storeOutputs(b, result, rows, column, sums);
  });
}

/// q8_0 weights [Q2], block by block.
static void emitQ8Tile(KernelBuilder &b, const AnyInput &input, Value offset,
                       Value column, const Rows &result) {
  int64_t cols = input.cols();
  int64_t inputs = format::kQ8BlockInputs;
  forExactTokenBlocks(b, result.count, [&](ArrayRef<Value> rows) {
    auto addBlock = [&](Value at, Value block, int64_t length,
                        ValueRange carried) {
      Value panel = b.view(b.weights, at, {length / 4, 2, 64}, b.getI8Type());
      SmallVector<Value> scales =
          loadScales(b, b.add(at, length * format::kTileRows), b.getF16Type());
      Value first = b.mul(block, inputs);
      SmallVector<Value> sums = zeroHalves(b, rows.size());
      if (input.quantized)
        emitPanelI8(b, panel, length / 4, 128, *input.quantized, rows, first,
                    block, [&](size_t i, int64_t half, Value sum) {
                      sums[2 * i + half] = sum;
                    });
      else
        sums = emitPanelF32(b, panel, length / 4, 128, *input.plain, rows,
                            first, sums);
      for (auto [i, sum] : llvm::enumerate(sums))
        sum = b.mulAdd(sum, scales[i % 2], carried[i]);
      return sums;
    };
    SmallVector<Value> sums = b.repeat(
        cols / inputs, zeroHalves(b, rows.size()),
        [&](Value block, ValueRange carried) {
          return addBlock(
              b.add(offset, b.mul(block, format::q8BlockBytes(inputs))), block,
              inputs, carried);
        });
    if (int64_t rest = cols % inputs)
      sums =
          addBlock(b.add(offset, cols / inputs * format::q8BlockBytes(inputs)),
                   b.index(cols / inputs), rest, sums);
    storeOutputs(b, result, rows, column, joinHalves(b, sums));
  });
}

static Rows emitLinearImpl(KernelBuilder &b, const AnyInput &input,
                           WeightRef weight) {
  RankedTensorType type = weight.op.getTensorType();
  int64_t outputs = type.getDimSize(0);
  Rows result = b.allocRows(outputs, b.getF32Type(), input.count());
  if (weight.op.getTernary()) {
    emitTernary(b, input, weight, result);
    return result;
  }
  bool isQ8 = isa<Q8_0Type>(type.getElementType());
  int64_t tileBytes = isQ8 ? format::q8TileBytes(input.cols())
                           : format::kTileRows * input.cols() * 2;
  int64_t tiles = format::ceilDiv(outputs, format::kTileRows);
  b.parallel(b.index(tiles), [&](Value tile) {
    Value offset = b.add(weight.offset, b.mul(tile, tileBytes));
    Value column = b.mul(tile, format::kTileRows);
    if (isQ8)
      emitQ8Tile(b, input, offset, column, result);
    else
      emitBf16Tile(b, *input.plain, offset, column, result);
  });
  return result;
}

Rows sherry::emitLinear(KernelBuilder &b, const Rows &input, WeightRef weight) {
  return emitLinearImpl(b, {&input, nullptr}, weight);
}

Rows sherry::emitLinear(KernelBuilder &b, const QuantizedRows &input,
                        WeightRef weight) {
  return emitLinearImpl(b, {nullptr, &input}, weight);
}
