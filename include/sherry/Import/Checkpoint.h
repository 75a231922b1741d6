//===- Checkpoint.h - The weights of a model --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a Hugging Face folder (model.safetensors, or the shards that
// model.safetensors.index.json names) or of GGUF files, as one set, with the
// names of Hugging Face folders.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_CHECKPOINT_H
#define SHERRY_IMPORT_CHECKPOINT_H

#include "sherry/Import/Gguf.h"
#include "sherry/Import/ModelConfig.h"

namespace sherry {

class Checkpoint {
public:
  /// Opens the files of a folder.
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory);
  /// Takes the files of a GGUF model, whose configuration is `config`.
  static llvm::Expected<Checkpoint> create(GgufModel model,
                                           const ModelConfig &config);

  /// Makes trits of the weights of a BitNet model, as its `config` says. Fails
  /// if the weights or their scales contradict `config`.
  llvm::Error readAsBitNet(const ModelConfig &config);

  bool hasTensor(llvm::StringRef name) const;

  /// Returns the tensor and marks it as used. Fails if it does not exist, has
  /// another shape, or has a type that weights are not read from. The view
  /// lives as long as the checkpoint.
  llvm::Expected<TensorView> getTensor(llvm::StringRef name,
                                       llvm::ArrayRef<int64_t> shape);

  /// The type of a tensor; nothing if the tensor does not exist, or if weights
  /// are not read from its type.
  std::optional<format::TensorType> getTensorType(llvm::StringRef name) const;

  /// Tensors that getTensor() has not returned, in alphabetical order.
  llvm::SmallVector<llvm::StringRef> getUnusedTensors() const;

  /// Tensors that the index lists and the files do not have. getTensor() fails
  /// for them.
  llvm::SmallVector<llvm::StringRef> getLackingTensors() const;

  /// Fails if an unused or lacking tensor is a bias, a scale or a norm, because
  /// the model would have other results without it. Ignores layers from
  /// `numLayers` on.
  llvm::Error checkUnusedTensors(int64_t numLayers) const;

private:
  struct Entry {
    const TensorFile *file;
    std::string nameInFile;
    int64_t headRows = 0; ///< see TensorView::setInterleavedHeads; 0: none
    bool used = false;
    float factor = 1; ///< see TensorView::setFactor
    std::optional<TritRule> trits;
    llvm::SmallVector<int64_t, 2> shape; ///< in trits
  };

  explicit Checkpoint(llvm::StringRef path) : path(path) {}

  llvm::Expected<TensorView> view(llvm::StringRef name,
                                  const Entry &entry) const;
  llvm::Expected<float> readTritScale(llvm::StringRef name);
  llvm::Error readFactors(const ModelConfig &config);
  llvm::Error readTrits(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                        BitNetConfig::Form form);
  llvm::Error openFiles();
  void addPrefix();
  llvm::Error openSingleFile(llvm::StringRef filePath);
  llvm::Error openShards(llvm::StringRef indexPath);

  std::string path; ///< of the folder or of the first file
  std::vector<std::unique_ptr<TensorFile>> files;
  std::map<std::string, Entry, std::less<>> tensors;
  /// By name, the file that the index gives.
  std::map<std::string, std::string, std::less<>> lacking;
};

/// The name in Hugging Face folders of a tensor of a GGUF file; empty if
/// folders have no such tensor.
std::string translateGgufName(const Architecture &architecture,
                              llvm::StringRef name);

/// The inverse of translateGgufName(), for tensors of this architecture.
std::string makeGgufName(const Architecture &architecture,
                         llvm::StringRef name);

/// Rows of a head, if GGUF files interleave the halves of heads in this tensor,
/// else 0. `name` is the name in Hugging Face folders.
int64_t getInterleavedRows(const ModelConfig &config, llvm::StringRef name);

} // namespace sherry

#endif // SHERRY_IMPORT_CHECKPOINT_H
