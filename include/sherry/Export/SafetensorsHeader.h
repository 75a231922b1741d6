//===- SafetensorsHeader.h - The header of a safetensors file ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First add tensors, which make the header; then their bytes follow the header
// in the same order, without gaps.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_EXPORT_SAFETENSORSHEADER_H
#define SHERRY_EXPORT_SAFETENSORSHEADER_H

#include "sherry/Format/TensorType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

namespace sherry {

class SafetensorsHeader {
public:
  SafetensorsHeader();

  /// `storage` is F32, F16 or BF16. Names are unique.
  void addTensor(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                 format::TensorType storage);

  /// Writes the header with its length in front.
  void write(llvm::raw_ostream &out) const;

private:
  nlohmann::ordered_json tensors;
  int64_t place = 0; ///< offset of the next tensor in the data
};

} // namespace sherry

#endif // SHERRY_EXPORT_SAFETENSORSHEADER_H
