//===- TensorFiles.cpp - Tensors in safetensors files ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TensorFiles.h"
#include "sherry/Export/SafetensorsHeader.h"
#include "sherry/Support/OutputFile.h"

#include <ATen/ATen.h>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;

Error sherry::training::readTensor(const TensorView &view, at::Tensor &out) {
  return view.readRows(0, view.getRows(), out.data_ptr<float>());
}

Error sherry::training::writeTensors(
    StringRef path, ArrayRef<std::pair<std::string, at::Tensor>> tensors,
    format::TensorType storage) {
  return writeFileAtomically(path, [&](raw_pwrite_stream &out) {
    SafetensorsHeader header;
    for (const auto &[name, tensor] : tensors)
      header.addTensor(name, ArrayRef(tensor.sizes().data(), tensor.dim()),
                       storage);
    header.write(out);
    std::vector<uint8_t> row;
    for (const auto &[name, tensor] : tensors) {
      int64_t cols = tensor.size(-1);
      row.resize(format::infoOf(storage).rowBytes(cols));
      const float *numbers = tensor.data_ptr<float>();
      for (int64_t i = 0; i < tensor.numel() / cols; ++i) {
        format::writeRow(storage, numbers + i * cols, cols, row.data());
        out.write(reinterpret_cast<const char *>(row.data()), row.size());
      }
    }
    return Error::success();
  });
}
