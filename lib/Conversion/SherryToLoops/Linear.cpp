//===- Linear.cpp - Plain products ----------------------------------------===//
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

SmallVector<SmallVector<int64_t, 2>> sherry::listHalves(const LoopBuilder &b) {
  int64_t sumTokens = b.getSchedule().getSumTokens();
  if (sumTokens >= kTokenBlock || b.getMaxTokens() <= sumTokens)
    return {{0, 1}};
  return {{0}, {1}};
}

/// Adds the products of the weights of 16 outputs and four inputs, bytes with
/// `bias`, with four activations of a row from `column` on, `stride` apart.
static void addProducts(LoopBuilder &b, Value weights, int64_t bias,
                        const Rows &input, Value row, Value column,
                        int64_t stride, Value &sum) {
  auto lanes = b.vec(16, b.getI32Type());
  auto floats = b.vec(16, b.getF32Type());
  Value dwords = vector::BitCastOp::create(b, lanes, weights);
  for (int64_t p = 0; p < format::kDotInputs; ++p) {
    Value byte = arith::AndIOp::create(
        b, Value(arith::ShRUIOp::create(b, dwords, b.splatInt(lanes, 8 * p))),
        b.splatInt(lanes, 255));
    Value weight = arith::SIToFPOp::create(
        b, floats,
        Value(arith::SubIOp::create(b, byte, b.splatInt(lanes, bias))));
    Value at = b.add(column, p * stride);
    Value x = b.broadcast(16, b.loadScalar(input.buffer, {row, at}));
    sum = b.mulAdd(weight, x, sum);
  }
}

/// Adds the exact products of four activations to `sums`, each vector<16xi32>.
/// `halves` has, for each sum, 64 bytes of weights of at most `maxWeight`.
static void addDots(LoopBuilder &b, ArrayRef<Value> halves, int64_t maxWeight,
                    Value activations, MutableArrayRef<Value> sums) {
  for (auto [weights, sum] : llvm::zip_equal(halves, sums))
    sum = DotAccumulateOp::create(b, sum.getType(), weights, activations, sum,
                                  b.getI32IntegerAttr(maxWeight));
}

/// The start value, vector<16xi32>, of the sums of a row over a block of
/// activations; it makes up for the bias of stored weights:
/// sum (w + bias) * a - bias * sum a = sum w * a.
static Value startDots(LoopBuilder &b, const QuantizedRows &input, Value row,
                       Value block) {
  return b.broadcast(16, b.loadScalar(input.negatedSums, {block, row}));
}

static Value loadScale(LoopBuilder &b, const QuantizedRows &input, Value row,
                       Value entry) {
  return b.broadcast(16, b.loadScalar(input.scales, {entry, row}));
}

/// Multiplies an exact sum over a block of a row's activations, vector<16xi32>,
/// by the scale of the block: vector<16xf32>.
static Value scaleSum(LoopBuilder &b, Value sum, const QuantizedRows &input,
                      Value row, Value block) {
  auto floats = b.vec(16, b.getF32Type());
  return arith::MulFOp::create(b,
                               Value(arith::SIToFPOp::create(b, floats, sum)),
                               loadScale(b, input, row, block));
}

/// The same for a sum that startDots() began.
static Value scaleDots(LoopBuilder &b, Value sum, const QuantizedRows &input,
                       Value row, Value block) {
  if (!b.getNumerics().getFuseMulAdd())
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
      return b.add(column, b.mul(group, format::kDotInputs));
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
                  firstInput(group), strided ? format::kGroupStride : 1, sum);
    return sums;
  });
}

void sherry::emitPanelI8(LoopBuilder &b, Value panel, int64_t groups,
                         const QuantizedRows &input, Value row,
                         ArrayRef<int64_t> halves, Value firstGroup,
                         Value block, RowSumUse use) {
  Value values = input.inBlocks(b);
  SmallVector<Value> starts(halves.size(), startDots(b, input, row, block));
  SmallVector<Value> sums =
      b.repeat(groups, starts, [&](Value group, ValueRange carried) {
        SmallVector<Value> weights, next(carried);
        for (int64_t half : halves)
          weights.push_back(loadPanel(b, panel, group, half));
        addDots(b, weights, 2,
                input.loadFour(b, values, row, b.add(firstGroup, group)), next);
        return next;
      });
  // Scale all sums before any store, because a store might change the scale.
  for (Value &sum : sums)
    sum = scaleDots(b, sum, input, row, block);
  for (auto [half, sum] : llvm::zip_equal(halves, sums))
    use(row, half, sum);
}

static Value joinHalves(LoopBuilder &b, ArrayRef<Value> halves) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(format::kTileRows));
  return vector::ShuffleOp::create(b, halves[0], halves[1], order);
}

//===----------------------------------------------------------------------===//
// Plain weights
//===----------------------------------------------------------------------===//

/// Multiplies weights in bf16, f16 or f32 [D1] with f32 activations.
static void emitNumberTile(LoopBuilder &b, Type element, const Rows &input,
                           Value offset, Value column, const Outputs &outputs) {
  int64_t tile = format::kTileRows;
  Value matrix = b.view(b.getWeights(), offset, {input.cols, tile}, element);
  auto wide = b.vec(tile, b.getF32Type());
  b.forRows(outputs.rows.count, [&](Value row) {
    Value sum = b.repeat(
        input.cols, {b.splat(wide, 0)},
        [&](Value k, ValueRange carried) -> SmallVector<Value> {
          Value weight = b.load(b.vec(tile, element), matrix, {k, b.index(0)});
          if (!element.isF32())
            weight = arith::ExtFOp::create(b, wide, weight);
          Value x = b.loadScalar(input.buffer, {row, k});
          return {b.mulAdd(weight, b.broadcast(tile, x), carried[0])};
        })[0];
    outputs.store(b, sum, row, column);
  });
}

namespace {
/// Products with weights in blocks [Q3], for a tile of outputs.
class BlockTile {
public:
  BlockTile(LoopBuilder &b, const format::QuantFormat &format,
            const AnyInput &input, Value offset)
      : b(b), format(format), input(input), offset(offset) {}

  void emit(Value column, const Outputs &outputs) {
    if (input.quantized && areBlocksShared(b))
      emitByBlock(column, outputs);
    else
      emitByToken(column, outputs);
  }

private:
  using Values = SmallVector<Value>;
  using Halves = ArrayRef<int64_t>;
  /// The sums of a token are in registers until the last block.
  void emitByToken(Value column, const Outputs &outputs);
  /// The integers of half of a block are in registers until the last token.
  void emitByBlock(Value column, const Outputs &outputs);

  /// The stored integers of four inputs of a block, for each of the halves.
  Values loadIntegers(const WeightBlock &block, int64_t group, Halves halves) {
    Values result;
    for (int64_t half : halves)
      result.push_back(block.integers(b, group, b.index(16 * half), 16));
    return result;
  }
  /// Return sums of a block's products with a row: vector<16xf32> each.
  /// `integers`, if given, are those of all fours of the block.
  Values multiplyI8(const WeightBlock &block, Value row, Halves halves,
                    ArrayRef<Values> integers = {});
  Values multiplyF32(const WeightBlock &block, Value row, Halves halves);
  Values forBlocks(ValueRange init,
                   function_ref<Values(const WeightBlock &, ValueRange)> body) {
    return forWeightBlocks(b, format, offset, input.cols(), init, body);
  }

  LoopBuilder &b;
  const format::QuantFormat &format;
  AnyInput input;
  Value offset;
};
} // namespace

SmallVector<Value> BlockTile::multiplyI8(const WeightBlock &block, Value row,
                                         Halves halves,
                                         ArrayRef<Values> integers) {
  const QuantizedRows &quantized = *input.quantized;
  Values sums(halves.size(), startDots(b, quantized, row, block.number));
  Value values = quantized.inBlocks(b);
  Value first = b.mul(block.number, format.blockInputs / format::kDotInputs);
  auto addGroup = [&](ArrayRef<Value> weights, Value group, ValueRange before) {
    Values next(before);
    addDots(b, weights, format.largest() + format.bias(),
            quantized.loadFour(b, values, row, b.add(first, group)), next);
    return next;
  };
  if (format.bits == 8 && integers.empty())
    // sherry-unroll-dots unrolls it later.
    sums = b.repeat(block.groups(), sums, [&](Value group, ValueRange carried) {
      Values weights;
      for (int64_t half : halves)
        weights.push_back(
            block.integersOf8Bits(b, group, b.index(16 * half), 16));
      return addGroup(weights, group, carried);
    });
  else
    for (int64_t group = 0; group < block.groups(); ++group)
      sums = addGroup(integers.empty() ? loadIntegers(block, group, halves)
                                       : integers[group],
                      b.index(group), sums);
  for (Value &sum : sums)
    sum = scaleDots(b, sum, quantized, row, block.number);
  return sums;
}

SmallVector<Value> BlockTile::multiplyF32(const WeightBlock &block, Value row,
                                          Halves halves) {
  Values sums(halves.size(), b.splat(b.vec(16, b.getF32Type()), 0));
  for (int64_t group = 0; group < block.groups(); ++group)
    for (auto [integers, sum] :
         llvm::zip_equal(loadIntegers(block, group, halves), sums))
      addProducts(b, integers, format.bias(), *input.plain, row,
                  b.add(block.column, group * format::kDotInputs), 1, sum);
  return sums;
}

void BlockTile::emitByToken(Value column, const Outputs &outputs) {
  Value zero = b.splat(b.vec(16, b.getF32Type()), 0);
  b.forRows(outputs.rows.count, [&](Value row) {
    Values totals;
    for (Halves halves : listHalves(b))
      totals.append(
          forBlocks(Values(halves.size(), zero), [&](const WeightBlock &block,
                                                     ValueRange carried) {
            Values sums = input.quantized ? multiplyI8(block, row, halves)
                                          : multiplyF32(block, row, halves);
            for (auto [i, half] : llvm::enumerate(halves))
              sums[i] = b.mulAdd(
                  sums[i], block.scales(b, b.index(16 * half), 16), carried[i]);
            return sums;
          }));
    outputs.store(b, joinHalves(b, totals), row, column);
  });
}

void BlockTile::emitByBlock(Value column, const Outputs &outputs) {
  auto halfType = b.vec(16, b.getF32Type());
  auto whole = b.vec(format::kTileRows, b.getF32Type());
  Value totals = b.allocScratch(MemRefType::get(
      {getBufferRows(b.getMaxTokens()), format::kTileRows}, b.getF32Type()));
  Value count = outputs.rows.count;
  b.forLoop(count, 1, [&](Value row) {
    b.store(b.splat(whole, 0), totals, {row, b.index(0)});
  });
  auto multiply = [&](const WeightBlock &block, int64_t half) {
    SmallVector<Values> integers;
    for (int64_t group = 0; group < block.groups(); ++group)
      integers.push_back(loadIntegers(block, group, half));
    Value lane = b.index(16 * half), scales = block.scales(b, lane, 16);
    b.forLoop(count, 1, [&](Value row) {
      Value sum = multiplyI8(block, row, half, integers)[0];
      Value place[] = {row, lane};
      b.store(b.mulAdd(sum, scales, b.load(halfType, totals, place)), totals,
              place);
    });
  };
  forBlocks({}, [&](const WeightBlock &block, ValueRange) {
    multiply(block, 0);
    multiply(block, 1);
    return Values();
  });
  b.forLoop(count, 1, [&](Value row) {
    outputs.store(b, b.load(whole, totals, {row, b.index(0)}), row, column);
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
  b.parallel(
      b.index(tiles),
      [&](Value tile) {
        Value offset = b.add(weight.offset, b.mul(tile, tileBytes));
        Value column = b.mul(tile, format::kTileRows);
        if (auto *blocks = format::blocksOf(format))
          BlockTile(b, *blocks, input, offset).emit(column, outputs);
        else
          emitNumberTile(b, type.getElementType(), *input.plain, offset, column,
                         outputs);
      },
      Division::OnDemand);
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
    if (b.getMaxTokens() == 1)
      return op.emitOpError("is for several tokens");
    return emitGatedLinear(b, QuantizedRows(adaptor.getInput(), op.getInput()),
                           getWeight(b, op, adaptor.getLayer()),
                           op.getActivation(), op.getType())
        .getValues();
  }
};
} // namespace

void sherry::populateLinearPatterns(const ActivationTypeConverter &types,
                                    RewritePatternSet &patterns) {
  patterns.add<LinearPattern, GatedLinearPattern>(types);
}
