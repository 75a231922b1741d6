//===- SherryKernelOps.cpp - Verifiers of the kernel ops ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"

using namespace mlir;
using namespace sherry;

/// Checks that `bytes` are the packed codes of `groups` groups.
static LogicalResult verifyCodes(Operation *op, VectorType bytes,
                                 CodeOrder order, CodebookAttr codebook,
                                 int64_t groups) {
  if (groups < 1 || groups > format::kStepGroups)
    return op->emitOpError("takes 1 to ")
           << format::kStepGroups << " groups, not " << groups;
  format::TernaryLayout layout;
  layout.order = fromCodeOrder(order);
  layout.codebook = &codebook.getCodebook();
  int64_t needed = layout.stepBytes(groups);
  if (bytes.getDimSize(0) != needed)
    return op->emitOpError("codes of ")
           << groups << " groups in the order " << stringifyCodeOrder(order)
           << " are " << needed << " bytes, not " << bytes.getDimSize(0);
  return success();
}

LogicalResult UnpackCodesOp::verify() {
  if (getType().getDimSize(1) != 2 || getType().getDimSize(2) != 64)
    return emitOpError("gives fours of inputs x 2 x 64 bytes, not ")
           << getType();
  return verifyCodes(*this, getBytes().getType(), getOrder(), getCodebook(),
                     getGroups());
}

LogicalResult LookupCodesOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location>,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  llvm::append_range(types, adaptor.getAccumulators().getTypes());
  return success();
}

LogicalResult LookupCodesOp::verify() {
  if (getAccumulators().empty())
    return emitOpError("is for one token at least");
  MemRefType tables = getTables().getType();
  if (getOrder() == CodeOrder::Words
          ? tables.getDimSize(1) != 32
          : tables.getDimSize(1) != 2 || tables.getDimSize(2) != 16)
    return emitOpError("tables have 32 words or 2 x 16 bytes");
  return verifyCodes(*this, getBytes().getType(), getOrder(), getCodebook(),
                     getGroups());
}

LogicalResult DecodeBlockOp::verify() {
  if (getInputs() < 1)
    return emitOpError("groups of '")
           << getCodebook().getName() << "' have no input " << getFirst();
  return success();
}

LogicalResult DecodeNibblesOp::verify() {
  if (getCodebook().getCodebook().hasSignApart())
    return emitOpError("codes of '")
           << getCodebook().getName() << "' have more than 5 bits";
  return success();
}

LogicalResult BuildTableOp::verify() {
  int64_t inputs = getCodebook().getCodebook().inputs;
  if (getActivations().getType().getDimSize(0) < inputs)
    return emitOpError("groups of '")
           << getCodebook().getName() << "' have " << inputs << " inputs, not "
           << getActivations().getType().getDimSize(0);
  return success();
}

LogicalResult LookupOp::verify() {
  if (getTables().getType().getDimSize(1) != 32)
    return emitOpError("tables have 32 entries");
  return success();
}

LogicalResult LookupHalvesOp::verify() {
  if (getTables().getType().getDimSize(1) != 2 ||
      getTables().getType().getDimSize(2) != 16)
    return emitOpError("tables have 2 x 16 bytes");
  return success();
}

LogicalResult MultiplyPanelOp::verify() {
  MemRefType panel = getPanel().getType(), sums = getSums().getType();
  MemRefType values = getValues().getType();
  if (!panel.hasStaticShape() || panel.getDimSize(1) != 2 ||
      panel.getDimSize(2) != 64 || !panel.getLayout().isIdentity())
    return emitOpError("a panel has groups x 2 x 64 bytes");
  if (getGroups() % kUnit != 0 || int64_t(getGroups()) > panel.getDimSize(0))
    return emitOpError("groups must be a multiple of ")
           << kUnit << " that the panel has";
  if (!sums.hasStaticShape() || sums.getDimSize(0) % kUnit != 0 ||
      sums.getDimSize(1) != format::kTileRows)
    return emitOpError("sums have a multiple of ")
           << kUnit << " rows of " << format::kTileRows;
  if (!values.hasStaticShape() || values.getDimSize(0) < sums.getDimSize(0) ||
      values.getDimSize(1) < int64_t(4 * getGroups()))
    return emitOpError("values must have a row for each of sums, and four "
                       "bytes for each group");
  if (!values.isLastDimUnitStride() || !sums.isLastDimUnitStride())
    return emitOpError("rows must be contiguous");
  return success();
}
