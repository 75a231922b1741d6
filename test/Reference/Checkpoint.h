//===- Checkpoint.h - Tensors in, logits out --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files that the reference reads and writes. Errors are exceptions that
// name the file or the tensor.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_REFERENCE_CHECKPOINT_H
#define SHERRY_TEST_REFERENCE_CHECKPOINT_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

using nlohmann::json;
using Vector = std::vector<float>;

[[noreturn]] void fail(const std::string &message);

json readJson(const std::string &path);

/// The tensors of a folder's safetensors files.
class Checkpoint {
public:
  explicit Checkpoint(const std::string &folder);

  /// The numbers of a tensor of type F32, F16 or BF16.
  Vector read(const std::string &name, const json &shape) const;

  /// The trits of a BitNet model, four quarters of the rows in its bytes.
  Vector readTrits(const std::string &name, int64_t rows, int64_t cols) const;

private:
  using Widths = std::map<std::string, uint64_t>; ///< of numbers, by dtype
  std::vector<char> readBytes(const std::string &name, const json &shape,
                              const Widths &widths, std::string &type) const;
  struct Tensor {
    std::string path;
    uint64_t dataStart;
    json header;
  };
  void addFile(const std::string &path);

  std::map<std::string, Tensor> tensors;
};

/// Writes f32 [rows][cols] as .npy, version 1.0.
void writeNpy(const std::string &path, const std::vector<Vector> &rows);

#endif // SHERRY_TEST_REFERENCE_CHECKPOINT_H
