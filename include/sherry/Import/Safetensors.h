//===- Safetensors.h - Reader of the safetensors format ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A safetensors file is the length of a JSON header (8 bytes), the header,
// which names each tensor's type, shape and bytes, and the bytes. Files come
// from strangers: everything is checked when the file is opened.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_SAFETENSORS_H
#define SHERRY_IMPORT_SAFETENSORS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>
#include <memory>
#include <string>

namespace sherry {

/// Element types; those that no weight is read from are Other.
enum class DType { BF16, F16, F32, Other };

/// A tensor whose elements can be read. Refers to the file that it lies in,
/// which must live longer.
class TensorView {
public:
  TensorView(llvm::StringRef file, llvm::StringRef name, DType dtype,
             llvm::ArrayRef<int64_t> shape, llvm::StringRef bytes)
      : file(file), name(name), dtype(dtype), shape(shape), bytes(bytes) {}

  llvm::StringRef getFile() const { return file; }
  llvm::StringRef getName() const { return name; }
  DType getDType() const { return dtype; } ///< not Other
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::StringRef getBytes() const { return bytes; }

  /// Elements of the last dimension; 1 if there is none.
  int64_t getCols() const { return shape.empty() ? 1 : shape.back(); }
  /// Product of the other dimensions: a vector is one row.
  int64_t getRows() const;

  /// Writes rows [row, row + count) as f32[count][getCols()] to `out`. Fails on
  /// rows that do not exist and on NaN and infinity.
  llvm::Error readRows(int64_t row, int64_t count, float *out) const;

private:
  llvm::StringRef file, name;
  DType dtype;
  llvm::ArrayRef<int64_t> shape;
  llvm::StringRef bytes;
};

/// A file that is mapped into memory.
class SafetensorsFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);
  /// The identifier of the buffer is the file's name in messages.
  static llvm::Expected<SafetensorsFile>
  parse(std::unique_ptr<llvm::MemoryBuffer> buffer);

  llvm::StringRef getPath() const { return buffer->getBufferIdentifier(); }

  /// In alphabetical order.
  llvm::SmallVector<llvm::StringRef> getTensorNames() const;
  bool hasTensor(llvm::StringRef name) const;
  /// Fails if there is none of this name or its element type is Other.
  llvm::Expected<TensorView> getTensor(llvm::StringRef name) const;

private:
  struct Tensor {
    DType dtype;
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
