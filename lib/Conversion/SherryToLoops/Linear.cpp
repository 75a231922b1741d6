//===- Linear.cpp - Dense products ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Linear.h"
#include "WeightBlocks.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"

using namespace mlir;
using namespace sherry;

void Outputs::store(LoopBuilder &b, Value sums, Value row, Value column) const {
  SmallVector<Value> place{row, column};
  if (residual)
    sums = arith::AddFOp::create(
        b, b.load(cast<VectorType>(sums.getType()), residual->buffer, place),
        sums);
  b.store(sums, rows.buffer, place);
}

void sherry::forTokenBlocks(LoopBuilder &b, int64_t begin, Value count,
                            ArrayRef<int64_t> sizes, ExtraRows extra,
                            function_ref<void(ArrayRef<Value>)> body) {
  if (b.maxTokens == 1)
    return body(b.index(0));
  auto rowsFrom = [&](Value first, int64_t size) {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < size; ++i)
      rows.push_back(b.add(first, i));
    return rows;
  };
  Value size = count;
  if (begin > 0)
    size = arith::SubIOp::create(
        b, Value(arith::MaxUIOp::create(b, count, b.index(begin))),
        b.index(begin));
  Value whole = b.mul(b.div(size, kTokenBlock), kTokenBlock);
  b.forLoop(whole, kTokenBlock, [&](Value first) {
    body(rowsFrom(b.add(first, begin), kTokenBlock));
  });
  Value rest = b.sub(size, whole);
  Value last = b.sub(count, b.index(1));
  for (auto [i, size] : llvm::enumerate(sizes)) {
    int64_t smaller = i + 1 < sizes.size() ? sizes[i + 1] : 0;
    auto isAbove = [&](int64_t limit) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, rest,
                                   b.index(limit));
    };
    auto isAtMost = [&](int64_t limit) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, rest,
                                   b.index(limit));
    };
    Value fits = arith::AndIOp::create(b, isAbove(smaller), isAtMost(size));
    auto ifOp = scf::IfOp::create(b, fits, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    SmallVector<Value> rows = rowsFrom(b.add(whole, begin), size);
    if (extra == ExtraRows::LastRow)
      for (Value &row : rows)
        row = arith::MinUIOp::create(b, row, last);
    body(rows);
  }
}

/// Adds the products of 16 rows' weights of a group of four inputs, stored as
/// bytes with `bias`, with the activations at `column` and three more, `stride`
/// apart.
static void addProducts(LoopBuilder &b, Value weights, int64_t bias,
                        const Rows &input, ArrayRef<Value> rows, Value column,
                        int64_t stride, int64_t half,
                        MutableArrayRef<Value> sums) {
  auto lanes = b.vec(16, b.getI32Type());
  auto floats = b.vec(16, b.getF32Type());
  Value dwords = vector::BitCastOp::create(b, lanes, weights);
  for (int64_t p = 0; p < format::kGroupInputs; ++p) {
    Value byte = arith::AndIOp::create(
        b, Value(arith::ShRUIOp::create(b, dwords, b.splatInt(lanes, 8 * p))),
        b.splatInt(lanes, 255));
    Value weight = arith::SIToFPOp::create(
        b, floats,
        Value(arith::SubIOp::create(b, byte, b.splatInt(lanes, bias))));
    Value at = b.add(column, p * stride);
    for (auto [i, row] : llvm::enumerate(rows)) {
      Value x = b.broadcast(16, b.loadScalar(input.buffer, {row, at}));
      Value &sum = sums[2 * i + half];
      sum = b.mulAdd(weight, x, sum);
    }
  }
}

void sherry::addDots(LoopBuilder &b, ArrayRef<Value> halves, int64_t maxWeight,
                     Value values, ArrayRef<Value> rows, Value group,
                     MutableArrayRef<Value> sums) {
  for (auto [i, row] : llvm::enumerate(rows)) {
    Value x = b.load(b.vec(4, b.getI8Type()), values,
                     QuantizedRows::placeOf(b, row, group));
    for (auto [half, weights] : llvm::enumerate(halves)) {
      Value &sum = sums[2 * i + half];
      sum = DotAccumulateOp::create(b, sum.getType(), weights, x, sum,
                                    b.getI32IntegerAttr(maxWeight));
    }
  }
}

SmallVector<Value> sherry::startDots(LoopBuilder &b, int64_t bias,
                                     const QuantizedRows &input,
                                     ArrayRef<Value> rows, Value block) {
  // sum (w + bias) * a - bias * sum a = sum w * a
  int64_t zero = b.numerics.getFuseMulAdd() ? kFloatBits : 0;
  auto lanes = b.vec(16, b.getI32Type());
  SmallVector<Value> sums;
  for (Value row : rows) {
    Value start = b.broadcast(16, b.loadScalar(input.starts, {block, row}));
    if (bias != 1)
      start = arith::AddIOp::create(
          b, Value(arith::MulIOp::create(b, start, b.splatInt(lanes, bias))),
          b.splatInt(lanes, zero - bias * zero));
    sums.append(2, start);
  }
  return sums;
}

static Value loadScale(LoopBuilder &b, const QuantizedRows &input, Value row,
                       Value entry) {
  return b.broadcast(16, b.loadScalar(input.scales, {entry, row}));
}

/// An exact sum over a block of a row's activations times its scale:
/// vector<16xi32> to f32.
static Value scaleSum(LoopBuilder &b, Value sum, const QuantizedRows &input,
                      Value row, Value block) {
  auto floats = b.vec(16, b.getF32Type());
  return arith::MulFOp::create(b,
                               Value(arith::SIToFPOp::create(b, floats, sum)),
                               loadScale(b, input, row, block));
}

/// The end of a sum that startDots() began, likewise.
static Value scaleDots(LoopBuilder &b, Value sum, const QuantizedRows &input,
                       Value row, Value block) {
  if (!b.numerics.getFuseMulAdd())
    return scaleSum(b, sum, input, row, block);
  return b.mulAdd(vector::BitCastOp::create(b, b.vec(16, b.getF32Type()), sum),
                  loadScale(b, input, row, block),
                  loadScale(b, input, row, b.add(block, input.blocks())));
}

//===----------------------------------------------------------------------===//
// Panels of trits
//===----------------------------------------------------------------------===//

static Value loadPanel(LoopBuilder &b, Value panel, Value group, int64_t half) {
  return b.load(b.vec(64, b.getI8Type()), panel,
                {group, b.index(half), b.index(0)});
}

SmallVector<Value> sherry::emitPanelF32(LoopBuilder &b, Value panel,
                                        int64_t groups, bool strided,
                                        const Rows &input, Value row,
                                        ArrayRef<int64_t> halves,
                                        Value column) {
  auto firstInput = [&](Value group) {
    if (!strided)
      return b.add(column, b.mul(group, format::kGroupInputs));
    Value run = b.div(group, format::kGroupStride);
    return b.add(b.add(column, b.mul(run, format::kStridedInputs)),
                 b.rem(group, format::kGroupStride));
  };
  SmallVector<Value> zeros(halves.size(),
                           b.splat(b.vec(16, b.getF32Type()), 0));
  return b.repeat(groups, zeros, [&](Value group, ValueRange carried) {
    SmallVector<Value> sums(carried);
    for (auto [half, sum] : llvm::zip_equal(halves, sums))
      addProducts(b, loadPanel(b, panel, group, half), 1, input, row,
                  firstInput(group), strided ? format::kGroupStride : 1, 0,
                  sum);
    return sums;
  });
}

void sherry::emitPanelI8(LoopBuilder &b, Value panel, int64_t groups,
                         const QuantizedRows &input, Value row,
                         ArrayRef<int64_t> halves, Value firstGroup,
                         Value block, RowSumUse use) {
  Value values = input.inBlocks(b);
  SmallVector<Value> starts = startDots(b, 1, input, row, block);
  starts.resize(halves.size());
  SmallVector<Value> sums =
      b.repeat(groups, starts, [&](Value group, ValueRange carried) {
        SmallVector<Value> weights, next(carried);
        for (int64_t half : halves)
          weights.push_back(loadPanel(b, panel, group, half));
        addDots(b, weights, 2, values, row, b.add(firstGroup, group), next);
        return next;
      });
  // All of them before any is stored: a store might change the scale.
  for (Value &sum : sums)
    sum = scaleDots(b, sum, input, row, block);
  for (auto [half, sum] : llvm::zip_equal(halves, sums))
    use(row, half, sum);
}

SmallVector<Value> sherry::loadScales(LoopBuilder &b, Value offset,
                                      FloatType type) {
  Value scales = b.view(b.getWeights(), offset, {format::kTileRows}, type);
  SmallVector<Value> result;
  for (int64_t half = 0; half < 2; ++half) {
    Value value = b.load(b.vec(16, type), scales, {b.index(16 * half)});
    if (!type.isF32())
      value = arith::ExtFOp::create(b, b.vec(16, b.getF32Type()), value);
    result.push_back(value);
  }
  return result;
}

SmallVector<Value> sherry::joinHalves(LoopBuilder &b, ValueRange halves) {
  SmallVector<Value> result;
  for (size_t i = 0; i < halves.size(); i += 2) {
    auto order = llvm::to_vector(llvm::seq<int64_t>(32));
    result.push_back(
        vector::ShuffleOp::create(b, halves[i], halves[i + 1], order));
  }
  return result;
}

SmallVector<Value> sherry::zeroHalves(LoopBuilder &b, size_t rows) {
  return SmallVector<Value>(2 * rows, b.splat(b.vec(16, b.getF32Type()), 0));
}

//===----------------------------------------------------------------------===//
// Dense weights
//===----------------------------------------------------------------------===//

/// An output head mostly has one token. Its results must not be written beyond
/// the last one.
static void forHeadTokens(LoopBuilder &b, Value count,
                          function_ref<void(ArrayRef<Value>)> body) {
  forTokenBlocks(b, 0, count, {kTokenBlock, 4, 1}, ExtraRows::LastRow, body);
}

/// Weights in bf16, f16 or f32 [D1] times f32 activations.
static void emitNumberTile(LoopBuilder &b, Type element, const Rows &input,
                           Value offset, Value column, const Outputs &outputs) {
  int64_t tile = format::kTileRows;
  Value matrix = b.view(b.getWeights(), offset, {input.cols, tile}, element);
  auto wide = b.vec(tile, b.getF32Type());
  forHeadTokens(b, outputs.rows.count, [&](ArrayRef<Value> rows) {
    SmallVector<Value> sums(rows.size(), b.splat(wide, 0));
    sums = b.repeat(input.cols, sums, [&](Value k, ValueRange carried) {
      Value weight = b.load(b.vec(tile, element), matrix, {k, b.index(0)});
      if (!element.isF32())
        weight = arith::ExtFOp::create(b, wide, weight);
      SmallVector<Value> next;
      for (auto [row, sum] : llvm::zip_equal(rows, carried)) {
        Value x = b.loadScalar(input.buffer, {row, k});
        next.push_back(b.mulAdd(weight, b.broadcast(tile, x), sum));
      }
      return next;
    });
    for (auto [row, sum] : llvm::zip_equal(rows, sums))
      outputs.store(b, sum, row, column);
  });
}

/// Weights with scales [Q3], block by block.
static void emitBlockTile(LoopBuilder &b, const format::BlockFormat &format,
                          const AnyInput &input, Value offset, Value column,
                          const Outputs &outputs) {
  auto multiplyI8 = [&](const WeightBlock &block, ArrayRef<Value> rows) {
    SmallVector<Value> sums =
        startDots(b, format.bias(), *input.quantized, rows, block.number);
    Value values = input.quantized->inBlocks(b);
    Value firstGroup =
        b.mul(block.number, format.blockInputs / format::kGroupInputs);
    sums = block.forParts(
        b, sums, [&](const WeightBlock &part, Value first, ValueRange carried) {
          SmallVector<Value> next(carried);
          for (int64_t group = 0; group < part.groups(); ++group) {
            Value halves[] = {part.integers(b, group, b.index(0), 16),
                              part.integers(b, group, b.index(16), 16)};
            addDots(b, halves, format.largest() + format.bias(), values, rows,
                    b.add(b.add(firstGroup, first), group), next);
          }
          return next;
        });
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = scaleDots(b, sum, *input.quantized, rows[i / 2], block.number);
    return sums;
  };
  auto multiplyF32 = [&](const WeightBlock &block, ArrayRef<Value> rows) {
    return block.forParts(
        b, zeroHalves(b, rows.size()),
        [&](const WeightBlock &part, Value, ValueRange carried) {
          SmallVector<Value> sums(carried);
          for (int64_t group = 0; group < part.groups(); ++group)
            for (int64_t half = 0; half < 2; ++half)
              addProducts(b, part.integers(b, group, b.index(16 * half), 16),
                          format.bias(), *input.plain, rows,
                          b.add(part.column, group * format::kGroupInputs), 1,
                          half, sums);
          return sums;
        });
  };
  forHeadTokens(b, outputs.rows.count, [&](ArrayRef<Value> rows) {
    SmallVector<Value> totals = forWeightBlocks(
        b, format, offset, input.cols(), zeroHalves(b, rows.size()),
        [&](const WeightBlock &block, ValueRange carried) {
          SmallVector<Value> sums = input.quantized ? multiplyI8(block, rows)
                                                    : multiplyF32(block, rows);
          Value scales[] = {block.scales(b, b.index(0), 16),
                            block.scales(b, b.index(16), 16)};
          for (auto [i, sum] : llvm::enumerate(sums))
            sum = b.mulAdd(sum, scales[i % 2], carried[i]);
          return sums;
        });
    for (auto [row, sums] : llvm::zip_equal(rows, joinHalves(b, totals)))
      outputs.store(b, sums, row, column);
  });
}

static Rows emitLinear(LoopBuilder &b, const AnyInput &input, WeightRef weight,
                       const std::optional<Rows> &residual) {
  RankedTensorType type = weight.op.getTensorType();
  int64_t cols = type.getDimSize(0);
  Outputs outputs{b.allocRows(cols, b.getF32Type(), input.count()), residual};
  if (weight.op.getTernary()) {
    emitTernary(b, input, weight, outputs);
    return outputs.rows;
  }
  format::DenseFormat format = *getDenseFormat(type.getElementType());
  int64_t tileBytes = format::bytesOf(format, format::kTileRows, input.cols());
  int64_t tiles = format::ceilDiv(cols, format::kTileRows);
  b.parallel(b.index(tiles), [&](Value tile) {
    Value offset = b.add(weight.offset, b.mul(tile, tileBytes));
    Value column = b.mul(tile, format::kTileRows);
    if (auto *blocks = format::blocksOf(format))
      emitBlockTile(b, *blocks, input, offset, column, outputs);
    else
      emitNumberTile(b, type.getElementType(), *input.plain, offset, column,
                     outputs);
  });
  return outputs.rows;
}

namespace {
struct LinearPattern : GraphOpPattern<LinearOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, LinearOp op,
                          Adaptor adaptor) const override {
    WeightRef weight = getWeight(b, op, adaptor.getLayer());
    std::optional<Rows> residual;
    if (op.getResidual())
      residual.emplace(adaptor.getResidual(), op.getResidual());
    if (op.getInputEncoding()) {
      QuantizedRows input(adaptor.getInput(), op.getInput());
      return emitLinear(b, {nullptr, &input}, weight, residual).getValues();
    }
    Rows input(adaptor.getInput(), op.getInput());
    return emitLinear(b, {&input, nullptr}, weight, residual).getValues();
  }
};

struct GatedLinearPattern : GraphOpPattern<GatedLinearOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, GatedLinearOp op,
                          Adaptor adaptor) const override {
    if (b.maxTokens == 1)
      return op.emitOpError("is for several tokens");
    return emitGatedLinear(b, QuantizedRows(adaptor.getInput(), op.getInput()),
                           getWeight(b, op, adaptor.getLayer()), op.getType())
        .getValues();
  }
};
} // namespace

void sherry::populateLinearPatterns(const ActivationTypeConverter &types,
                                    RewritePatternSet &patterns) {
  patterns.add<LinearPattern, GatedLinearPattern>(types);
}
