//===- Ternary.cpp - Loops over ternary weights ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ternary.h"
#include "Elementwise.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

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
    result.group = b.add(whole.group, b.mul(i, layout.groups(inputs)));
    result.four = b.add(whole.four, b.mul(i, inputs / format::kDotInputs));
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
  return forPieces(chunk, &Piece::step, layout.stepInputs(), 0, init, body);
}

Value TernaryLoops::loadBytes(AffineMap place, ArrayRef<Value> numbers,
                              VectorType type) {
  Value at = b.apply(place, numbers);
  Value bytes = b.view(b.getWeights(), b.add(weight.offset, at),
                       type.getShape(), type.getElementType());
  return b.load(type, bytes, {b.index(0)});
}

Value TernaryLoops::loadCodes(const Piece &step) {
  int64_t groups = layout.groups(step.inputs);
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

Value TernaryLoops::allocPanel() {
  return b.allocLocal(MemRefType::get(
      {format::kMaxChunkInputs / format::kDotInputs, 2, 64}, b.getI8Type()));
}

void TernaryLoops::fillPanel(const Piece &chunk, int64_t bias, Value panel) {
  forSteps(chunk, {}, [&](const Piece &step, ValueRange) {
    auto type = VectorType::get({step.inputs / format::kDotInputs, 2, 64},
                                b.getI8Type());
    Value trits = UnpackCodesOp::create(b, type, loadCodes(step),
                                        toCodeOrder(layout.order),
                                        encoding.getCodebook(), bias);
    Values place{b.sub(step.four, chunk.four), b.index(0), b.index(0)};
    vector::TransferWriteOp::create(b, trits, panel, place,
                                    ArrayRef<bool>{true, true, true});
    return Values();
  });
}

auto TernaryLoops::loadTokenScales(const Piece &chunk,
                                   const QuantizedRows &input, Value first,
                                   int64_t tokens) -> Values {
  Values scales;
  for (int64_t i = 0; i < tokens; ++i)
    scales.push_back(b.broadcast(
        format::kTileRows,
        b.loadScalar(input.scales, {chunk.block, b.add(first, i)})));
  return scales;
}

auto TernaryLoops::lookUpChunk(const Piece &chunk, const QuantizedRows &input,
                               Value first, ValueRange scales) -> Values {
  Values tables;
  for (size_t i = 0; i < scales.size(); ++i)
    tables.push_back(input.tableOf(b, b.add(first, i), chunk.group,
                                   layout.groups(chunk.inputs)));
  Values zeros(scales.size(),
               b.splatInt(b.vec(format::kTileRows, b.getI16Type()), 0));
  Values sums =
      forSteps(chunk, zeros, [&](const Piece &step, ValueRange carried) {
        Value done =
            b.mul(b.sub(step.group, chunk.group), layout.groupTables());
        Values indices = llvm::map_to_vector(
            tables, [&](Value table) { return b.add(table, done); });
        return Values(LookupCodesOp::create(
                          b, input.tables, indices, loadCodes(step), carried,
                          encoding.getCodebook(), layout.groups(step.inputs))
                          .getSums());
      });
  auto floats = b.vec(format::kTileRows, b.getF32Type());
  // In the same order as in products with panels.
  for (auto [sum, scale] : llvm::zip_equal(sums, scales))
    sum = arith::MulFOp::create(
        b, Value(arith::SIToFPOp::create(b, floats, sum)), scale);
  return sums;
}

void TernaryLoops::storeGated(Activation activation, Value totals, Value gate,
                              Value up, Value row, const Rows &gated,
                              Value column) {
  auto half = b.vec(16, b.getF32Type());
  for (int64_t lane = 0; lane < format::kTileRows; lane += 16) {
    auto load = [&](Value part) {
      return b.load(half, totals, {part, row, b.index(lane)});
    };
    b.store(applyGate(b, activation, load(gate), load(up)), gated.buffer,
            {row, b.add(column, lane)});
  }
}

void TernaryLoops::forTile(Value tile, function_ref<void(const Piece &)> body) {
  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  int64_t rest = tiles % layout.interleave, whole = tiles - rest;
  if (rest == 0 || whole == 0)
    return body(wholeTile(tile, rest == 0 ? layout.interleave : rest));
  // The last super-tile is smaller.
  auto emitWhole = [&] { body(wholeTile(tile, layout.interleave)); };
  auto emitRest = [&] { body(wholeTile(tile, rest)); };
  if (affine::isValidDim(tile))
    return b.ifHolds(-b.getAffineDimExpr(0) + (whole - 1), tile, emitWhole,
                     emitRest);
  Value isWhole =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tile, b.index(whole));
  auto choice = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  emitWhole();
  b.setInsertionPointToStart(choice.elseBlock());
  emitRest();
}

void TernaryLoops::forTiles(function_ref<void(const Piece &, Value)> body) {
  int64_t tiles = format::ceilDiv(weight.op.getTensorType().getDimSize(0),
                                  format::kTileRows);
  b.parallel(
      b.index(tiles),
      [&](Value tile) {
        forTile(tile, [&](const Piece &whole) {
          body(whole, b.mul(tile, format::kTileRows));
        });
      },
      Division::OnDemand);
}

void sherry::emitTernary(LoopBuilder &b, const AnyInput &input,
                         WeightRef weight, const Outputs &outputs) {
  if (!input.quantized || !input.quantized->tables)
    return emitTernaryPanels(b, input, weight, outputs);
  auto emit = areTokensFew(b) ? emitTernaryLookups : emitTernaryBlocks;
  emit(b, *input.quantized, weight, outputs);
}

QuantizedRows sherry::emitGatedLinear(LoopBuilder &b,
                                      const QuantizedRows &input,
                                      WeightRef weight, Activation activation,
                                      RankedTensorType result) {
  auto emit = input.tables ? emitGatedBlocks : emitGatedPanels;
  QuantizedRows rows = emit(b, input, weight, activation, result);
  emitTablesPerThread(b, rows);
  return rows;
}
