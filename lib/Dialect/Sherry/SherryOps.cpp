//===- SherryOps.cpp - Verifiers of the sherry ops ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/DenseTypes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace sherry;

#define GET_OP_CLASSES
#include "sherry/Dialect/Sherry/SherryOps.cpp.inc"

const format::QuantFormat *sherry::getQuantFormat(Type element) {
  auto format = getDenseFormat(element);
  return format ? format::blocksOf(*format) : nullptr;
}

Type sherry::getDenseType(MLIRContext *context, format::DenseFormat format) {
  switch (format) {
  case format::DenseFormat::BF16:
    return BFloat16Type::get(context);
  case format::DenseFormat::F16:
    return Float16Type::get(context);
  case format::DenseFormat::F32:
    return Float32Type::get(context);
  case format::DenseFormat::Q8_0:
    return Q8_0Type::get(context);
  case format::DenseFormat::Q6_K:
    return Q6_KType::get(context);
  case format::DenseFormat::Q4_0:
    return Q4_0Type::get(context);
  }
  llvm_unreachable("unknown plain format");
}

std::optional<format::DenseFormat> sherry::getDenseFormat(Type element) {
  using format::DenseFormat;
  for (DenseFormat format :
       {DenseFormat::BF16, DenseFormat::F16, DenseFormat::F32,
        DenseFormat::Q8_0, DenseFormat::Q6_K, DenseFormat::Q4_0})
    if (getDenseType(element.getContext(), format) == element)
      return format;
  return std::nullopt;
}

QuantizedAttr sherry::getActivationEncoding(RankedTensorType weight) {
  SmallVector<int64_t> blocks;
  Grouping grouping = Grouping::Contiguous;
  int64_t inputs = weight.getDimSize(1), bias = 1;
  auto cut = [&](int64_t length, int64_t block) {
    for (int64_t at = 0; at < length; at += block)
      blocks.push_back(std::min(block, length - at));
  };
  if (auto *quantFormat = getQuantFormat(weight.getElementType())) {
    cut(inputs, quantFormat->blockInputs);
    bias = quantFormat->bias();
  } else if (auto ternary =
                 dyn_cast_or_null<TernaryAttr>(weight.getEncoding())) {
    int64_t group = ternary.getGranularity() == Granularity::PerGroup
                        ? std::min(ternary.getGroupSize(), inputs)
                        : inputs;
    for (int64_t at = 0; at < inputs; at += group)
      cut(std::min(group, inputs - at), format::kMaxChunkInputs);
    grouping = ternary.getGrouping();
  }
  if (blocks.empty())
    return {};
  return QuantizedAttr::get(weight.getContext(), grouping, /*perToken=*/false,
                            blocks, bias, /*tables=*/std::nullopt,
                            CodebookAttr());
}

int64_t sherry::getGatedUnit(TernaryAttr weight, int64_t outputs,
                             ArrayRef<int64_t> blocks) {
  if (!weight || !weight.getLayout() || blocks.empty() ||
      !llvm::all_equal(blocks) ||
      outputs % (weight.getLayout().getInterleave() * format::kTileRows) != 0)
    return 0;
  int64_t unit = std::lcm(format::kTileRows, blocks.front());
  return outputs % unit == 0 ? unit : 0;
}

//===----------------------------------------------------------------------===//
// WeightOp
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  RankedTensorType type = getTensorType();
  if (!type.hasStaticShape() || type.getNumElements() == 0)
    return emitOpError("needs a static, non-empty shape, not ") << type;
  Type element = type.getElementType();
  if (type.getRank() == 1) {
    if (!element.isF32())
      return emitOpError("a vector weight is f32, not ") << element;
    if (getSources().size() > 1)
      return emitOpError("a vector weight has one source");
  } else if (type.getRank() != 2) {
    return emitOpError("a weight is a vector or a matrix, not ") << type;
  } else if (isa<TritType>(element)) {
    if (!getTernary())
      return emitOpError("trits need the encoding #sherry.ternary");
  } else if (auto *quantFormat = getQuantFormat(element)) {
    if (type.getDimSize(1) % format::kDotInputs != 0)
      return emitOpError("inputs of a ")
             << quantFormat->name << " weight must be a multiple of 4";
  } else if (!getDenseFormat(element)) {
    return emitOpError("a matrix weight is !sherry.trit, of a block type such "
                       "as !sherry.q8_0, bf16, f16 or f32, not ")
           << element;
  }
  if (getRanks() && *getRanks() > SHERRY_ABI_MAX_RANKS)
    return emitOpError("there are at most ")
           << SHERRY_ABI_MAX_RANKS << " ranks, not " << *getRanks();
  if (getSources().empty() || getSources().size() != getRows().size())
    return emitOpError("needs at least one source, and rows for each");
  int64_t rows = 0;
  for (int64_t count : getRows()) {
    if (count <= 0 || count > type.getDimSize(0) - rows)
      return emitOpError("rows of the sources must sum to ")
             << type.getDimSize(0);
    rows += count;
  }
  if (rows != type.getDimSize(0))
    return emitOpError("rows of the sources must sum to ")
           << type.getDimSize(0);
  if (getOffset().has_value() != getStride().has_value())
    return emitOpError("offset and stride come together");
  if (getOffset() && (static_cast<int64_t>(*getOffset()) < 0 ||
                      static_cast<int64_t>(*getStride()) < 0))
    return emitOpError("offset and stride must not be negative");
  return success();
}

int64_t WeightOp::getByteSize() {
  RankedTensorType type = getTensorType();
  if (type.getRank() == 1)
    return type.getNumElements() * 4;
  int64_t rows = type.getDimSize(0), cols = type.getDimSize(1);
  if (TernaryAttr ternary = getTernary())
    return ternary.getFormat().bytes(rows, cols);
  return format::bytesOf(*getDenseFormat(type.getElementType()), rows, cols);
}

//===----------------------------------------------------------------------===//
// Ops that read a weight
//===----------------------------------------------------------------------===//

/// Finds the weight that `op` names and checks how it is indexed.
static FailureOr<WeightOp> lookUpWeight(Operation *op, FlatSymbolRefAttr name,
                                        bool hasLayer,
                                        SymbolTableCollection &symbols) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(op, name);
  if (!weight)
    return op->emitOpError("there is no sherry.weight ") << name;
  if (!hasLayer && weight.getCount() != 1)
    return op->emitOpError("weight ")
           << name << " has " << weight.getCount() << " layers: name one";
  return weight;
}

LogicalResult
EmbeddingOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight = lookUpWeight(*this, getWeightAttr(), false, symbolTable);
  if (failed(weight))
    return failure();
  RankedTensorType type = weight->getTensorType();
  if (type.getRank() != 2)
    return emitOpError("the embedding must be a matrix");
  if (TernaryAttr ternary = weight->getTernary();
      ternary && ternary.getGrouping() == Grouping::Strided)
    return emitOpError("the embedding cannot have strided groups");
  if (type.getDimSize(1) != getType().getDimSize(1))
    return emitOpError("rows of ")
           << type.getDimSize(1) << " do not give " << getType();
  return success();
}

LogicalResult RmsNormOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight = lookUpWeight(*this, getWeightAttr(), !!getLayer(), symbolTable);
  if (failed(weight))
    return failure();
  RankedTensorType type = weight->getTensorType();
  if (type.getRank() != 1 || getType().getDimSize(1) % type.getDimSize(0) != 0)
    return emitOpError("weight ") << type << " does not fit " << getType();
  return success();
}

/// Checks that the weight has a number for each column.
template <typename Op>
static LogicalResult verifyColumnWeight(Op op,
                                        SymbolTableCollection &symbolTable) {
  auto weight =
      lookUpWeight(op, op.getWeightAttr(), !!op.getLayer(), symbolTable);
  if (failed(weight))
    return failure();
  RankedTensorType type = weight->getTensorType();
  if (type.getRank() != 1 || op.getType().getDimSize(1) != type.getDimSize(0))
    return op.emitOpError("weight ")
           << type << " does not fit " << op.getType();
  return success();
}

LogicalResult
QuantizeNormOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifyColumnWeight(*this, symbolTable);
}

LogicalResult AddBiasOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifyColumnWeight(*this, symbolTable);
}

LogicalResult RmsNormOp::verify() {
  if (!(getEpsilon().convertToFloat() > 0))
    return emitOpError("epsilon must be positive");
  return success();
}

LogicalResult LinearOp::verify() {
  if (getResidual() && getResidual().getType() != getType())
    return emitOpError("cannot add ")
           << getResidual().getType() << " to " << getType();
  return success();
}

/// Checks the operands of a product with a weight of this type.
template <typename Op>
static LogicalResult verifyProduct(Op op, RankedTensorType type,
                                   int64_t outputs) {
  if (type.getRank() != 2 ||
      type.getDimSize(1) != op.getInput().getType().getDimSize(1) ||
      type.getDimSize(0) != outputs)
    return op.emitOpError("weight ")
           << type << " does not take " << op.getInput().getType() << " to "
           << op->getResultTypes().front();
  QuantizedAttr encoding = getQuantized(op.getInput().getType());
  if (!encoding)
    return success();
  QuantizedAttr needed = getActivationEncoding(type);
  if (!needed)
    return op.emitOpError("weights that are not in blocks take f32 input");
  auto ternary = dyn_cast_or_null<TernaryAttr>(type.getEncoding());
  // Other weights have blocks that belong to their own scales.
  if (encoding.getPerToken() && ternary)
    needed = needed.withScalesPerToken();
  if (encoding.withoutTables() != needed)
    return op.emitOpError("weight ") << type << " takes activations in "
                                     << needed << ", not " << encoding;
  std::optional<CodeOrder> tables = encoding.getTables();
  if (tables &&
      (!ternary.getLayout() || ternary.getLayout().getOrder() != *tables ||
       ternary.getCodebook() != encoding.getCodebook()))
    return op.emitOpError("weight ")
           << type << " looks nothing up in tables for '"
           << encoding.getCodebook().getName() << "' codes in the order "
           << stringifyCodeOrder(*tables);
  return success();
}

LogicalResult LinearOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight = lookUpWeight(*this, getWeightAttr(), !!getLayer(), symbolTable);
  if (failed(weight))
    return failure();
  return verifyProduct(*this, weight->getTensorType(), getType().getDimSize(1));
}

LogicalResult
GatedLinearOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight = lookUpWeight(*this, getWeightAttr(), !!getLayer(), symbolTable);
  if (failed(weight))
    return failure();
  int64_t outputs = getType().getDimSize(1);
  if (getEncoding().getPerToken())
    return emitOpError("quantizes blocks before a token is whole");
  if (failed(verifyProduct(*this, weight->getTensorType(), 2 * outputs)))
    return failure();
  if (getGatedUnit(weight->getTernary(), outputs, getEncoding().getBlocks()) ==
      0)
    return emitOpError("outputs must be whole super-tiles of a ternary weight, "
                       "and whole blocks of one size");
  return success();
}

//===----------------------------------------------------------------------===//
// Other graph ops
//===----------------------------------------------------------------------===//

LogicalResult QuantizeActivationsOp::verify() {
  if (getInput().getType().getShape() != getType().getShape())
    return emitOpError("cannot quantize ")
           << getInput().getType() << " to " << getType();
  return success();
}

LogicalResult RopeTableOp::verify() {
  if (getType().getDimSize(1) % 2 != 0)
    return emitOpError("rows hold as many cosines as sines");
  if (!(getTheta().convertToDouble() > 0))
    return emitOpError("theta must be positive");
  auto isPositive = [](double x) { return std::isfinite(x) && x > 0; };
  if (getMagnitude() && !isPositive(getMagnitude()->convertToDouble()))
    return emitOpError("magnitude must be positive");
  if (auto divisors = getDivisors()) {
    if (getScaling())
      return emitOpError("has scaling or divisors, not both");
    if (static_cast<int64_t>(2 * divisors->size()) != getType().getDimSize(1) ||
        !llvm::all_of(*divisors, isPositive))
      return emitOpError("divisors must be positive, one for each cosine");
  }
  return success();
}

LogicalResult RopeOp::verify() {
  int64_t headDim = getTable().getType().getDimSize(1);
  if (headDim % 2 != 0 || getType().getDimSize(1) % headDim != 0)
    return emitOpError("rows of ")
           << getType().getDimSize(1) << " are not heads of " << headDim;
  return success();
}

LogicalResult UpdateCacheOp::verify() {
  int64_t row =
      getCache().getType().getKvHeads() * getCache().getType().getHeadDim();
  if (getKeys().getType().getDimSize(1) != row)
    return emitOpError("keys and values must have rows of kv_heads * head_dim "
                       "= ")
           << row;
  return success();
}

LogicalResult AttentionOp::verify() {
  KVCacheType cache = getCache().getType();
  if (getType().getDimSize(1) % (cache.getKvHeads() * cache.getHeadDim()) != 0)
    return emitOpError("rows of ")
           << getType().getDimSize(1)
           << " are not a multiple of kv_heads * head_dim = "
           << cache.getKvHeads() * cache.getHeadDim();
  return success();
}

//===----------------------------------------------------------------------===//
// Fused ops
//===----------------------------------------------------------------------===//

/// Checks that blocks of `input` can be quantized while the token is not whole.
static LogicalResult verifyBlocks(Operation *op, RankedTensorType input,
                                  RankedTensorType result) {
  if (input.getShape() != result.getShape())
    return op->emitOpError("cannot quantize ") << input << " to " << result;
  if (getQuantized(result).getPerToken())
    return op->emitOpError("quantizes blocks before a token is whole");
  return success();
}

LogicalResult QuantizeNormOp::verify() {
  if (!(getEpsilon().convertToFloat() > 0))
    return emitOpError("epsilon must be positive");
  return verifyBlocks(*this, getInput().getType(), getType());
}

LogicalResult QuantizeSwiGLUOp::verify() {
  return verifyBlocks(*this, getGate().getType(), getType());
}

LogicalResult AttendOp::verify() {
  KVCacheType cache = getCache().getType();
  int64_t row = cache.getKvHeads() * cache.getHeadDim();
  int64_t queries = getQuery().getType().getDimSize(1);
  if (getKeys().getType().getDimSize(1) != row || queries % row != 0 ||
      getTable().getType().getDimSize(1) != cache.getHeadDim() ||
      cache.getHeadDim() % 2 != 0)
    return emitOpError("queries, keys, values and table do not fit ") << cache;
  auto type = cast<RankedTensorType>(getType());
  QuantizedAttr encoding = getQuantized(type);
  if (!encoding) {
    if (type != getQuery().getType())
      return emitOpError("the result is ")
             << type << " for queries of " << getQuery().getType();
    return success();
  }
  ArrayRef<int64_t> blocks = encoding.getBlocks();
  if (!llvm::all_equal(blocks) ||
      queries / cache.getKvHeads() % blocks.front() != 0)
    return emitOpError("blocks must have one size, and belong to one head of "
                       "keys each");
  return verifyBlocks(*this, getQuery().getType(), type);
}
