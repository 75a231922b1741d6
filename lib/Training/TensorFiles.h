//===- TensorFiles.h - Tensors in safetensors files -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_TENSORFILES_H
#define SHERRY_LIB_TRAINING_TENSORFILES_H

#include "sherry/Import/TensorView.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace sherry::training {

/// Reads all of a tensor into a contiguous f32 tensor of its shape.
llvm::Error readTensor(const TensorView &view, at::Tensor &out);

/// Writes contiguous f32 tensors as a safetensors file whose elements are of
/// type F32 or BF16.
llvm::Error
writeTensors(llvm::StringRef path,
             llvm::ArrayRef<std::pair<std::string, at::Tensor>> tensors,
             format::TensorType storage);

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_TENSORFILES_H
