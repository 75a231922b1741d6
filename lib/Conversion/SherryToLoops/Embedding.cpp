//===- Embedding.cpp - Rows of the embedding matrix ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"
#include "Ternary.h"
#include "WeightBlocks.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"

using namespace mlir;
using namespace sherry;

/// Emits row `lane` of the tile at byte `offset`, block by block, four by four.
static void emitBlockRow(LoopBuilder &b, const format::QuantFormat &format,
                         Value offset, Value lane, Value row,
                         const Rows &result) {
  auto wide = b.vec(format::kDotInputs, b.getI32Type());
  auto floats = b.vec(format::kDotInputs, b.getF32Type());
  forWeightBlocks(
      b, format, offset, result.cols, {},
      [&](const WeightBlock &block, ValueRange) {
        Value scale = b.broadcast(
            format::kDotInputs,
            vector::ExtractOp::create(b, block.scales(b, lane, 1), 0));
        auto emitGroup = [&](Value integers, Value column) {
          Value stored = arith::ExtUIOp::create(b, wide, integers);
          Value number =
              arith::SubIOp::create(b, stored, b.splatInt(wide, format.bias()));
          Value value = arith::SIToFPOp::create(b, floats, number);
          b.store(arith::MulFOp::create(b, value, scale), result.buffer,
                  {row, column});
        };
        auto columnOf = [&](Value group) {
          return b.add(block.column, b.mul(group, format::kDotInputs));
        };
        if (format.bits == 8)
          b.forLoop(b.index(block.groups()), 1, [&](Value group) {
            emitGroup(block.integersOf8Bits(b, group, lane, 1),
                      columnOf(group));
          });
        else
          for (int64_t group = 0; group < block.groups(); ++group)
            emitGroup(block.integers(b, group, lane, 1),
                      columnOf(b.index(group)));
        return SmallVector<Value>();
      });
}

static Rows emitEmbedding(LoopBuilder &b, const Rows &tokens,
                          WeightRef weight) {
  RankedTensorType type = weight.op.getTensorType();
  int64_t cols = type.getDimSize(1);
  Rows result = b.allocRows(cols, b.getF32Type(), tokens.count);
  b.parallel(tokens.count, [&](Value row) {
    Value token = arith::IndexCastOp::create(
        b, b.getIndexType(), b.loadScalar(tokens.buffer, {row}));
    // Any row will do if another rank has the row of the token.
    if (weight.op.getRanks())
      token = b.rem(token, type.getDimSize(0));
    if (weight.op.getTernary())
      return emitTernaryRow(b, weight, token, row, result);
    Value tile = b.div(token, format::kTileRows);
    Value lane = b.rem(token, format::kTileRows);
    Type element = type.getElementType();
    format::DenseFormat format = *getDenseFormat(element);
    Value base =
        b.add(weight.offset,
              b.mul(tile, format::bytesOf(format, format::kTileRows, cols)));
    if (auto *blocks = format::blocksOf(format))
      return emitBlockRow(b, *blocks, base, lane, row, result);
    // [D1]
    Value matrix =
        b.view(b.getWeights(), base, {cols, format::kTileRows}, element);
    b.forLoop(b.index(cols), 1, [&](Value column) {
      Value value = b.loadScalar(matrix, {column, lane});
      if (!element.isF32())
        value = arith::ExtFOp::create(b, b.getF32Type(), value);
      b.store(value, result.buffer, {row, column});
    });
  });
  return result;
}

namespace {
struct EmbeddingPattern : GraphOpPattern<EmbeddingOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, EmbeddingOp op,
                          Adaptor adaptor) const override {
    Rows tokens(adaptor.getTokens(), op.getTokens());
    return emitEmbedding(b, tokens, getWeight(b, op, {})).getValues();
  }
};
} // namespace

void sherry::populateEmbeddingPatterns(const ActivationTypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<EmbeddingPattern>(types);
}
