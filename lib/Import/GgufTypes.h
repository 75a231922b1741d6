//===- GgufTypes.h - Types of tensors in GGUF files -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_GGUFTYPES_H
#define SHERRY_LIB_IMPORT_GGUFTYPES_H

#include "sherry/Format/TensorType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace sherry {

/// A tensor with a known offset.
struct PlacedTensor {
  std::string what; ///< its file and name, for messages
  uint32_t typeId;
  llvm::ArrayRef<int64_t> shape;
  llvm::StringRef room; ///< the bytes up to the next tensor
  llvm::StringRef next; ///< its name; empty if there is none
};

/// The types of all tensors of a file; nothing for types that are not read.
/// Some numbers stand for several types; sizes decide between them. Fails if
/// sizes do not fit a type.
llvm::Expected<std::vector<std::optional<format::TensorType>>>
chooseGgufTypes(llvm::ArrayRef<PlacedTensor> tensors, uint64_t alignment);

/// Bytes of a tensor in a file; 0 if rows are not whole blocks, UINT64_MAX if
/// the number overflows.
uint64_t getGgufBytes(format::TensorType type, llvm::ArrayRef<int64_t> shape);

/// The name of a type by its number, for messages.
std::string nameGgufType(uint32_t typeId);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_GGUFTYPES_H
