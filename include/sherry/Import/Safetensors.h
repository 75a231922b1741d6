//===- Safetensors.h - Reader of the safetensors format ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A safetensors file has the length of a JSON header (8 bytes), the header,
// which gives each tensor's type, shape and bytes, and the bytes. Files come
// from strangers, so everything is checked when the file is opened.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_SAFETENSORS_H
#define SHERRY_IMPORT_SAFETENSORS_H

#include "sherry/Import/TensorView.h"

#include "llvm/Support/MemoryBuffer.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sherry {

/// A file that is mapped into memory.
class SafetensorsFile : public TensorFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);
  /// Messages name the file by the identifier of the buffer.
  static llvm::Expected<SafetensorsFile>
  parse(std::unique_ptr<llvm::MemoryBuffer> buffer);

  llvm::StringRef getPath() const override {
    return buffer->getBufferIdentifier();
  }
  llvm::SmallVector<llvm::StringRef> getTensorNames() const override;
  bool hasTensor(llvm::StringRef name) const override;
  llvm::Expected<TensorView> getTensor(llvm::StringRef name) const override;

private:
  struct Tensor {
    std::optional<format::TensorType> storage; ///< not set: not for weights
    std::string dtypeName;
    llvm::SmallVector<int64_t, 2> shape;
    llvm::StringRef bytes;
  };

  explicit SafetensorsFile(std::unique_ptr<llvm::MemoryBuffer> buffer)
      : buffer(std::move(buffer)) {}

  llvm::Error parseHeader();
  llvm::Error checkOverlaps() const;

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  std::map<std::string, Tensor, std::less<>> tensors;
};

} // namespace sherry

#endif // SHERRY_IMPORT_SAFETENSORS_H
