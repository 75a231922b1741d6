//===- SherryFolds.cpp - Folders of the sherry ops ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The folders compute with the codec of lib/Format, so they are a second
// definition of the kernel ops.
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Pack.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sherry;

/// Elements of a constant operand, sign-extended; empty if it is not constant.
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
  // A matrix of one tile and one step, with unused scales.
  format::TernaryLayout layout;
  layout.order = fromCodeOrder(getOrder());
  layout.granularity = format::Granularity::PerChannel;
  layout.interleave = 1;
  layout.codebook = &getCodebook().getCodebook();
  SmallVector<uint8_t> bytes(constant.begin(), constant.end());
  bytes.append(layout.scaleBytes(), 0);
  int64_t inputs = getFours() * format::kDotInputs, rows = format::kTileRows;
  SmallVector<uint8_t> codes(rows * getGroups());
  SmallVector<float> scales(rows);
  format::unpackTernary(layout, rows, inputs, bytes.data(), codes.data(),
                        scales.data());
  SmallVector<int8_t> trits(rows * inputs), result;
  for (int64_t row = 0; row < rows; ++row)
    format::decodeRow(layout, /*strided=*/false, inputs,
                      &codes[row * getGroups()], &trits[row * inputs]);
  for (int64_t at = 0; at < inputs; at += format::kDotInputs)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < format::kDotInputs; ++i)
        result.push_back(trits[row * inputs + at + i] +
                         static_cast<int64_t>(getBias()));
  return makeElements<int8_t>(getType(), result);
}

OpFoldResult DecodeBlockOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> codes = constantElements(adaptor.getCodes());
  if (codes.empty())
    return {};
  int64_t mask = getCodebook().getCodebook().numCodes() - 1;
  auto bias = static_cast<int64_t>(getBias());
  SmallVector<int8_t> bytes;
  for (int64_t code : codes)
    for (int64_t p = 0; p < format::kDotInputs; ++p)
      bytes.push_back(p < getInputs() ? getTrit(code & mask, p) + bias : 0);
  return makeElements<int8_t>(getType(), bytes);
}

LogicalResult DecodeNibblesOp::fold(FoldAdaptor adaptor,
                                    SmallVectorImpl<OpFoldResult> &results) {
  SmallVector<int64_t> codes = constantElements(adaptor.getCodes());
  SmallVector<int64_t> signs = constantElements(adaptor.getSigns());
  if (codes.empty() || signs.empty())
    return failure();
  const format::Codebook &codebook = getCodebook().getCodebook();
  auto bias = static_cast<int64_t>(getBias());
  SmallVector<int8_t> bytes;
  for (int64_t row = 0; row < format::kTileRows; ++row) {
    int64_t at = format::nibbleRow(row); // its own inverse
    format::Trits trits = codebook.decode((codes[at] & 15) | (signs[at] & 16));
    for (int64_t p = 0; p < format::kDotInputs; ++p)
      bytes.push_back(p < codebook.inputs ? trits[p] + bias : 0);
  }
  ArrayRef<int8_t> rows = bytes;
  size_t half = rows.size() / 2;
  results.push_back(
      makeElements<int8_t>(getLow().getType(), rows.take_front(half)));
  results.push_back(
      makeElements<int8_t>(getHigh().getType(), rows.drop_front(half)));
  return success();
}

/// Whether every byte of the result is a trit plus the bias.
static bool hasOnlyTrits(DecodeBlockOp op) {
  return op.getInputs() == format::kDotInputs;
}
static bool hasOnlyTrits(UnpackCodesOp) { return true; }

/// A constant that is added to decoded trits, or subtracted, becomes their
/// bias.
template <typename Decode, typename Op>
static LogicalResult moveIntoBias(Op op, PatternRewriter &rewriter) {
  auto decode = op.getLhs().template getDefiningOp<Decode>();
  DenseIntElementsAttr change;
  if (!decode || !decode->hasOneUse() || !hasOnlyTrits(decode) ||
      !matchPattern(op.getRhs(), m_Constant(&change)) || !change.isSplat())
    return failure();
  int64_t value = change.template getSplatValue<APInt>().getSExtValue();
  int64_t bias = static_cast<int64_t>(decode.getBias()) +
                 (std::is_same_v<Op, arith::AddIOp> ? value : -value);
  if (bias != 0 && bias != 1)
    return failure();
  rewriter.modifyOpInPlace(decode, [&] { decode.setBias(bias); });
  rewriter.replaceOp(op, decode.getResult());
  return success();
}

template <typename Decode>
static void addBiasPatterns(RewritePatternSet &patterns) {
  patterns.add(moveIntoBias<Decode, arith::AddIOp>);
  patterns.add(moveIntoBias<Decode, arith::SubIOp>);
}

void DecodeBlockOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                MLIRContext *) {
  addBiasPatterns<DecodeBlockOp>(patterns);
}

void UnpackCodesOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                MLIRContext *) {
  addBiasPatterns<UnpackCodesOp>(patterns);
}

OpFoldResult BuildTableOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> activations = constantElements(adaptor.getActivations());
  if (activations.empty())
    return {};
  const format::Codebook &codebook = getCodebook().getCodebook();
  SmallVector<int16_t> table;
  for (int64_t code = 0, end = getType().getDimSize(0); code < end; ++code) {
    format::Trits trits = codebook.decode(code);
    int64_t sum = 0;
    for (int64_t i = 0; i < codebook.inputs; ++i)
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
  SmallVector<int64_t> values = constantElements(adaptor.getValue());
  SmallVector<int16_t> products;
  for (auto [value, sign] : llvm::zip(values, signs))
    products.push_back(sign < 0 ? -value : sign > 0 ? value : 0);
  return values.empty() ? OpFoldResult()
                        : makeElements<int16_t>(getType(), products);
}

/// `sums`, each plus the dot product of `width` unsigned weights and of the
/// four activations, repeated; null if an operand is not constant.
template <typename T>
static Attribute foldDot(Attribute weightsAttr, Attribute activationsAttr,
                         Attribute sumsAttr, size_t width) {
  SmallVector<int64_t> weights = constantElements(weightsAttr);
  SmallVector<int64_t> activations = constantElements(activationsAttr);
  SmallVector<int64_t> sums = constantElements(sumsAttr);
  if (weights.empty() || activations.empty() || sums.empty())
    return {};
  for (auto [i, weight] : llvm::enumerate(weights))
    sums[i / width] += (weight & 255) * activations[i % 4];
  return makeElements<T>(cast<TypedAttr>(sumsAttr).getType(),
                         SmallVector<T>(sums.begin(), sums.end()));
}

OpFoldResult DotAccumulateOp::fold(FoldAdaptor adaptor) {
  // x + w * 0 = x.
  SmallVector<int64_t> activations = constantElements(adaptor.getActivations());
  if (!activations.empty() &&
      llvm::all_of(activations, [](int64_t value) { return value == 0; }))
    return getAccumulator();
  return foldDot<int32_t>(adaptor.getWeights(), adaptor.getActivations(),
                          adaptor.getAccumulator(), /*width=*/4);
}

OpFoldResult DotPairsOp::fold(FoldAdaptor adaptor) {
  return foldDot<int16_t>(adaptor.getWeights(), adaptor.getActivations(),
                          adaptor.getAccumulator(), /*width=*/2);
}

OpFoldResult AddPairsOp::fold(FoldAdaptor adaptor) {
  SmallVector<int64_t> pairs = constantElements(adaptor.getPairs());
  SmallVector<int64_t> sums = constantElements(adaptor.getAccumulator());
  if (pairs.empty() || sums.empty())
    return {};
  for (auto [i, pair] : llvm::enumerate(pairs))
    sums[i / 2] += pair;
  return makeElements<int32_t>(getType(),
                               SmallVector<int32_t>(sums.begin(), sums.end()));
}

template <typename T>
static T reduceTree(ArrayRef<T> lanes,
                    function_ref<T(const T &, const T &)> combine) {
  if (lanes.size() == 1)
    return lanes.front();
  size_t half = lanes.size() / 2;
  SmallVector<T> halves;
  for (size_t i = 0; i < half; ++i)
    halves.push_back(combine(lanes[i], lanes[half + i]));
  T result = reduceTree<T>(halves, combine);
  return lanes.size() % 2 == 0 ? result : combine(result, lanes.back());
}

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  bool isMax = getKind() == ReduceKind::Max;
  if (auto ints = dyn_cast_or_null<DenseIntElementsAttr>(adaptor.getVector()))
    return IntegerAttr::get(
        getType(), reduceTree<APInt>(llvm::to_vector(ints.getValues<APInt>()),
                                     [&](const APInt &x, const APInt &y) {
                                       return isMax ? llvm::APIntOps::smax(x, y)
                                                    : x + y;
                                     }));
  auto floats = dyn_cast_or_null<DenseFPElementsAttr>(adaptor.getVector());
  if (!floats)
    return {};
  APFloat result =
      reduceTree<APFloat>(llvm::to_vector(floats.getValues<APFloat>()),
                          [&](const APFloat &x, const APFloat &y) {
                            return isMax ? llvm::maxnum(x, y) : x + y;
                          });
  // CPUs differ in the bits of a NaN, and in the sign of the maximum of zeros.
  if (result.isNaN() || (isMax && result.isZero()))
    return {};
  return FloatAttr::get(getType(), result);
}
