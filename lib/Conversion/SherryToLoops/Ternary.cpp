//===- Ternary.cpp - Loops over ternary weights ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"

#include "mlir/IR/IntegerSet.h"

using namespace mlir;
using namespace sherry;

SmallVector<Value> TernaryLoops::forPieces(const Piece &whole,
                                           Value Piece::*number, int64_t inputs,
                                           int64_t blocks, ValueRange init,
                                           PieceBody body) {
  auto piece = [&](Value i, int64_t length, ValueRange carried) {
    Piece result = whole;
    result.*number = i;
    result.inputs = length;
    result.group = b.add(whole.group, b.mul(i, inputs / format::kGroupInputs));
    result.block = b.add(whole.block, b.mul(i, blocks));
    if (number == &Piece::scaleGroup)
      result.scaleGroupInputs = length;
    return body(result, carried);
  };
  int64_t rounds = whole.inputs / inputs;
  Values values = b.repeat(rounds, init, [&](Value i, ValueRange carried) {
    return piece(i, inputs, carried);
  });
  if (int64_t rest = whole.inputs % inputs)
    values = piece(b.index(rounds), rest, values);
  return values;
}

SmallVector<Value> TernaryLoops::forScaleGroups(const Piece &tile,
                                                ValueRange init,
                                                PieceBody body) {
  int64_t length = layout.scaleGroupInputs(inputs);
  return forPieces(tile, &Piece::scaleGroup, length,
                   format::ceilDiv(length, format::kMaxChunkInputs), init,
                   body);
}

SmallVector<Value> TernaryLoops::forChunks(const Piece &scaleGroup,
                                           ValueRange init, PieceBody body) {
  return forPieces(scaleGroup, &Piece::chunk, format::kMaxChunkInputs, 1, init,
                   body);
}

SmallVector<Value> TernaryLoops::forSteps(const Piece &chunk, ValueRange init,
                                          PieceBody body) {
  return forPieces(chunk, &Piece::step,
                   format::kStepGroups * format::kGroupInputs, 0, init, body);
}

Value TernaryLoops::loadBytes(AffineMap place, ArrayRef<Value> numbers,
                              VectorType type) {
  SmallVector<OpFoldResult> operands(numbers);
  Value at = getValueOrCreateConstantIndexOp(
      b, b.getLoc(),
      affine::makeComposedFoldedAffineApply(b, b.getLoc(), place, operands));
  Value bytes = b.view(b.getWeights(), b.add(weight.offset, at),
                       type.getShape(), type.getElementType());
  return b.load(type, bytes, {b.index(0)});
}

Value TernaryLoops::loadCodes(const Piece &step) {
  int64_t groups = step.inputs / format::kGroupInputs;
  return loadBytes(encoding.getCodesMap(inputs, step.tiles, groups),
                   {step.tile, step.scaleGroup, step.chunk, step.step},
                   b.vec(layout.stepBytes(groups), b.getI8Type()));
}

Value TernaryLoops::loadScales(const Piece &group) {
  Value scales = loadBytes(
      encoding.getScalesMap(inputs, group.tiles, group.scaleGroupInputs),
      {group.tile, group.scaleGroup},
      b.vec(format::kTileRows, encoding.getScale()));
  if (encoding.getScale().isF32())
    return scales;
  return arith::ExtFOp::create(b, b.vec(format::kTileRows, b.getF32Type()),
                               scales);
}

void TernaryLoops::forTiles(Division division,
                            function_ref<void(const Piece &, Value)> body) {
  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  int64_t rest = tiles % layout.interleave, whole = tiles - rest;
  b.parallel(
      b.index(tiles),
      [&](Value tile) {
        auto emit = [&](int64_t of) {
          body(wholeTile(tile, of), b.mul(tile, format::kTileRows));
        };
        if (rest == 0 || whole == 0)
          return emit(rest == 0 ? layout.interleave : rest);
        // The last super-tile is smaller.
        auto isWhole = IntegerSet::get(
            1, 0, {-b.getAffineDimExpr(0) + (whole - 1)}, {false});
        auto choice = affine::AffineIfOp::create(b, isWhole, tile,
                                                 /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.getThenBlock());
        emit(layout.interleave);
        b.setInsertionPointToStart(choice.getElseBlock());
        emit(rest);
      },
      division);
}

void sherry::emitTernary(LoopBuilder &b, const AnyInput &input,
                         WeightRef weight, const Outputs &outputs) {
  if (input.quantized && input.quantized->tables)
    emitTernaryLookups(b, *input.quantized, weight, outputs);
  else
    emitTernaryPanels(b, input, weight, outputs);
}
