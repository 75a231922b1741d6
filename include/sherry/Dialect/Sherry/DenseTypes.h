//===- DenseTypes.h - Element types of plain weights ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_DENSETYPES_H
#define SHERRY_DIALECT_SHERRY_DENSETYPES_H

#include "mlir/IR/Types.h"
#include "sherry/Format/DenseFormat.h"

#include <optional>

namespace sherry {

/// The element type of weights in `format`, which has the same name:
/// !sherry.q8_0, ..., or bf16, f16 or f32.
mlir::Type getDenseType(mlir::MLIRContext *context, format::DenseFormat format);

/// The inverse of getDenseType(); nothing for other types.
std::optional<format::DenseFormat> getDenseFormat(mlir::Type element);

} // namespace sherry

#endif // SHERRY_DIALECT_SHERRY_DENSETYPES_H
