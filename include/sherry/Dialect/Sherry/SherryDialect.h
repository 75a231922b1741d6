//===- SherryDialect.h - The sherry dialect in C++ --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_SHERRYDIALECT_H
#define SHERRY_DIALECT_SHERRY_SHERRYDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sherry/Format/Layout.h"
#include "sherry/Target/Schedule.h"

namespace sherry {
/// tensor<?xi32>: one number per row of activations.
mlir::RankedTensorType getRowNumbersType(mlir::MLIRContext *context);
} // namespace sherry

#include "sherry/Dialect/Sherry/SherryEnums.h.inc"

namespace sherry {
inline CodeOrder toCodeOrder(format::CodeOrder order) {
  return order == format::CodeOrder::Words ? CodeOrder::Words
                                           : CodeOrder::Nibbles;
}
inline format::CodeOrder fromCodeOrder(CodeOrder order) {
  return order == CodeOrder::Words ? format::CodeOrder::Words
                                   : format::CodeOrder::Nibbles;
}
} // namespace sherry

#define GET_ATTRDEF_CLASSES
#include "sherry/Dialect/Sherry/SherryAttrs.h.inc"

#include "sherry/Dialect/Sherry/SherryDialect.h.inc"

namespace sherry {
/// The encoding of quantized activations; null if `type` has none.
QuantizedAttr getQuantized(mlir::Type type);
} // namespace sherry

#define GET_TYPEDEF_CLASSES
#include "sherry/Dialect/Sherry/SherryTypes.h.inc"
#define GET_OP_CLASSES
#include "sherry/Dialect/Sherry/SherryOps.h.inc"

namespace sherry {
/// The values of `sherry.stage`, in the order of the pipeline.
inline constexpr llvm::StringLiteral kStageNames[] = {
    "sherry", "layout", "loops", "kernel", "llvm-mlir"};

/// The attribute `sherry.schedule` of a module, else the default schedule.
ScheduleAttr getSchedule(mlir::Operation *module);
/// The attribute `sherry.numerics` of a module, else i8 and two roundings.
NumericsAttr getNumerics(mlir::Operation *module);

/// The attribute `sherry.ranks` of a module, else 1.
int64_t getRanks(mlir::Operation *module);

/// The attribute `sherry.cache` of a module, or null.
KVCacheType getCache(mlir::Operation *module);

/// The format of weights of this element type, such as !sherry.q8_0; null if
/// the type is not a block type.
const format::QuantFormat *getQuantFormat(mlir::Type element);

/// The encoding in which a linear op with this weight takes its input. A
/// ternary weight takes blocks that are its chunks [T4], in the order of its
/// groups; a plain weight in blocks takes its own blocks [Q1]. Null for weights
/// that take f32 activations only.
QuantizedAttr getActivationEncoding(mlir::RankedTensorType weight);

/// The number of its `outputs` that a sherry.gated_linear with this weight
/// computes at a time: whole tiles and whole blocks of its result. 0 if the
/// outputs are not a multiple of a super-tile and of this number, or if the
/// blocks have several sizes.
int64_t getGatedUnit(TernaryAttr weight, int64_t outputs,
                     llvm::ArrayRef<int64_t> blocks);
} // namespace sherry

#endif // SHERRY_DIALECT_SHERRY_SHERRYDIALECT_H
