//===- Checkpoint.h - The weights in a Hugging Face folder ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of model.safetensors, or of the shards that
// model.safetensors.index.json names, as one set.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_CHECKPOINT_H
#define SHERRY_IMPORT_CHECKPOINT_H

#include "sherry/Import/Safetensors.h"

#include <deque>

namespace sherry {

class Checkpoint {
public:
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory);

  bool hasTensor(llvm::StringRef name) const;

  /// The tensor, which counts as used from now on. Fails if it does not exist,
  /// has another shape, or is of a type that weights are not read from. The
  /// view lives as long as the checkpoint.
  llvm::Expected<TensorView> getTensor(llvm::StringRef name,
                                       llvm::ArrayRef<int64_t> shape);

  /// Tensors that nobody asked for, in alphabetical order.
  llvm::SmallVector<llvm::StringRef> getUnusedTensors() const;

private:
  struct Entry {
    const SafetensorsFile *file;
    bool used = false;
  };

  explicit Checkpoint(llvm::StringRef directory) : directory(directory) {}

  llvm::Error openFiles();
  llvm::Error openSingleFile(llvm::StringRef path);
  llvm::Error openShards(llvm::StringRef indexPath);

  std::string directory;
  /// Entries point into it; its elements stay where they are when it grows or
  /// moves.
  std::deque<SafetensorsFile> files;
  std::map<std::string, Entry, std::less<>> tensors;
};

} // namespace sherry

#endif // SHERRY_IMPORT_CHECKPOINT_H
