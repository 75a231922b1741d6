//===- SherryDialect.cpp - Types and attributes of the dialect ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

#include "sherry/Dialect/Sherry/SherryDialect.cpp.inc"
#include "sherry/Dialect/Sherry/SherryEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "sherry/Dialect/Sherry/SherryAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "sherry/Dialect/Sherry/SherryTypes.cpp.inc"

void SherryDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "sherry/Dialect/Sherry/SherryAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "sherry/Dialect/Sherry/SherryTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "sherry/Dialect/Sherry/SherryOps.cpp.inc"
      >();
}

Operation *SherryDialect::materializeConstant(OpBuilder &builder,
                                              Attribute value, Type type,
                                              Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 CodeOrder, int64_t interleave) {
  if (interleave < 1 || interleave > 16)
    return emitError() << "interleave must be 1 to 16, not " << interleave;
  return success();
}

LogicalResult TernaryAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  Grouping, ScaleSharing sharing,
                                  int64_t groupSize, FloatType scale,
                                  LayoutAttr) {
  if (!scale.isF16() && !scale.isF32())
    return emitError() << "scales are f16 or f32, not " << scale;
  if (sharing != ScaleSharing::PerGroup) {
    if (groupSize != 0)
      return emitError() << "group_size belongs to per_group scales only";
    return success();
  }
  if (groupSize <= 0 || groupSize % format::kGroupInputs != 0)
    return emitError() << "group_size must be a positive multiple of 4, not "
                       << groupSize;
  return success();
}

LogicalResult TernaryAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    function_ref<InFlightDiagnostic()> emitError) const {
  // The parser asks for a type that it has reported as missing, too.
  if (!elementType)
    return failure();
  if (!isa<TritType>(elementType))
    return emitError() << "#sherry.ternary encodes !sherry.trit, not "
                       << elementType;
  if (shape.size() != 2 || ShapedType::isDynamicShape(shape) ||
      llvm::any_of(shape, [](int64_t n) { return n <= 0; }))
    return emitError() << "a ternary weight is a static [outputs x inputs] "
                          "matrix";
  // A strided group takes its four weights from 64 consecutive inputs.
  int64_t unit = getGrouping() == Grouping::Contiguous ? format::kGroupInputs
                                                       : format::kStridedInputs;
  if (getGroupSize() % unit != 0)
    return emitError() << "group_size must be a multiple of " << unit
                       << " for strided groups of 4, not " << getGroupSize();
  if (shape[1] % unit != 0)
    return emitError() << "inputs must be a multiple of " << unit << " for "
                       << stringifyGrouping(getGrouping())
                       << " groups of 4, not " << shape[1];
  return success();
}

format::TernaryLayout TernaryAttr::getFormat() const {
  assert(getLayout() && "select-layout has not run");
  format::TernaryLayout layout;
  layout.order = getLayout().getOrder() == CodeOrder::Words
                     ? format::CodeOrder::Words
                     : format::CodeOrder::Nibbles;
  layout.scaleType =
      getScale().isF16() ? format::ScaleType::F16 : format::ScaleType::F32;
  layout.granularity = static_cast<format::Granularity>(getSharing());
  layout.groupSize = getGroupSize();
  layout.interleave = getLayout().getInterleave();
  return layout;
}
static_assert(static_cast<int>(ScaleSharing::PerGroup) ==
                      static_cast<int>(format::Granularity::PerGroup) &&
                  static_cast<int>(ScaleSharing::PerChannel) ==
                      static_cast<int>(format::Granularity::PerChannel),
              "the two enumerations are the same");

TernaryAttr TernaryAttr::withLayout(LayoutAttr layout) const {
  return get(getContext(), getGrouping(), getSharing(), getGroupSize(),
             getScale(), layout);
}

LogicalResult
RopeScalingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        FloatAttr factor, FloatAttr lowFreqFactor,
                        FloatAttr highFreqFactor, int64_t originalContext) {
  auto positive = [](FloatAttr attr) {
    double value = attr.getValueAsDouble();
    return std::isfinite(value) && value > 0;
  };
  if (!positive(factor) || !positive(lowFreqFactor) ||
      !positive(highFreqFactor) || originalContext <= 0)
    return emitError() << "rope scaling parameters must be positive";
  if (highFreqFactor.getValueAsDouble() <= lowFreqFactor.getValueAsDouble())
    return emitError() << "high_freq_factor must exceed low_freq_factor";
  return success();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

RankedTensorType sherry::getRowNumbersType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic},
                               IntegerType::get(context, 32));
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t layers, int64_t kvHeads,
                                  int64_t headDim, Type elementType,
                                  int64_t maxContext) {
  if (layers <= 0 || kvHeads <= 0 || headDim <= 0 || maxContext <= 0)
    return emitError() << "sizes of a kv_cache must be positive";
  if (elementType.isInteger(8)) {
    // Sums of products of a 16-bit and an 8-bit number stay within 32 bits.
    if (headDim % 16 != 0 || headDim > 256)
      return emitError() << "a kv_cache of i8 needs a head_dim that is a "
                            "multiple of 16 and at most 256, not "
                         << headDim;
  } else if (!elementType.isF32() && !elementType.isF16()) {
    return emitError() << "a kv_cache holds f32, f16 or i8, not "
                       << elementType;
  }
  return success();
}
