//===- SherryFolds.cpp - Folders of the sherry ops ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The folders compute with the codec of lib/Format, so they are a second
// statement of what the kernel ops mean.
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Format/Codec.h"
#include "sherry/Format/Pack.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sherry;

/// Elements of a constant operand, sign-extended; empty if it is none.
static SmallVector<int64_t> constantElements(Attribute attr) {
  SmallVector<int64_t> result;
  if (auto elements = dyn_cast_or_null<DenseIntElementsAttr>(attr))
    for (const APInt &value : elements.getValues<APInt>())
      result.push_back(value.getSExtValue());
  return result;
}

template <typename T>
static Attribute makeElements(Type type, ArrayRef<T> values) {
  return DenseElementsAttr::get(cast<ShapedType>(type), values);
}

OpFoldResult UnpackCodesOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> constant = constantElements(adaptor.getBytes());
  if (constant.empty())
    return {};
  // A matrix of one tile that is one step, with scales that nobody asks for.
  format::TernaryLayout layout;
  layout.order = fromCodeOrder(getOrder());
  layout.granularity = format::Granularity::PerChannel;
  layout.interleave = 1;
  SmallVector<uint8_t> bytes(constant.begin(), constant.end());
  bytes.append(layout.scaleBytes(), 0);
  int64_t groups = getGroups(), rows = format::kTileRows;
  SmallVector<uint8_t> codes(rows * groups);
  SmallVector<float> scales(rows);
  format::unpackTernary(layout, rows, groups * format::kGroupInputs,
                        bytes.data(), codes.data(), scales.data());
  SmallVector<int8_t> trits;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t row = 0; row < rows; ++row)
      for (int8_t trit : format::decodeGroup(codes[row * groups + group]))
        trits.push_back(trit + static_cast<int64_t>(getBias()));
  return makeElements<int8_t>(getType(), trits);
}

OpFoldResult DecodeBlockOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> codes = constantElements(adaptor.getCodes());
  if (codes.empty())
    return {};
  SmallVector<int8_t> trits;
  for (int64_t code : codes)
    for (int8_t trit : format::decodeGroup(code & 31))
      trits.push_back(trit + static_cast<int64_t>(getBias()));
  return makeElements<int8_t>(getType(), trits);
}

/// What is added to decoded trits, or subtracted, becomes their bias.
template <typename Op>
static LogicalResult moveIntoBias(Op op, PatternRewriter &rewriter) {
  auto decode = op.getLhs().template getDefiningOp<DecodeBlockOp>();
  DenseIntElementsAttr change;
  if (!decode || !decode->hasOneUse() ||
      !matchPattern(op.getRhs(), m_Constant(&change)) || !change.isSplat())
    return failure();
  int64_t value = change.template getSplatValue<APInt>().getSExtValue();
  int64_t bias = static_cast<int64_t>(decode.getBias()) +
                 (std::is_same_v<Op, arith::AddIOp> ? value : -value);
  if (bias != 0 && bias != 1)
    return failure();
  rewriter.replaceOpWithNewOp<DecodeBlockOp>(op, op.getType(),
                                             decode.getCodes(), bias);
  return success();
}

void DecodeBlockOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                MLIRContext *) {
  patterns.add(moveIntoBias<arith::AddIOp>);
  patterns.add(moveIntoBias<arith::SubIOp>);
}

OpFoldResult BuildTableOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> activations = constantElements(adaptor.getActivations());
  if (activations.empty())
    return {};
  SmallVector<int16_t> table;
  for (int64_t code = 0, end = getType().getDimSize(0); code < end; ++code) {
    std::array<int8_t, 4> trits = format::decodeGroup(code);
    int64_t sum = 0;
    for (int i = 0; i < 4; ++i)
      sum += trits[i] * activations[i];
    table.push_back(sum);
  }
  return makeElements<int16_t>(getType(), table);
}

OpFoldResult ApplySignOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> signs = constantElements(adaptor.getSign());
  if (signs.empty())
    return {};
  if (llvm::all_of(signs, [](int64_t sign) { return sign > 0; }))
    return getValue();
  if (llvm::all_of(signs, [](int64_t sign) { return sign == 0; }))
    return adaptor.getSign();
  return {};
}

OpFoldResult DotAccumulateOp::fold(FoldAdaptor adaptor) {
  // x + w * 0 = x.
  SmallVector<int64_t> activations = constantElements(adaptor.getActivations());
  if (!activations.empty() &&
      llvm::all_of(activations, [](int64_t value) { return value == 0; }))
    return getAccumulator();
  return {};
}
