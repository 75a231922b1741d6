//===- TensorView.h - A tensor in a file ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_TENSORVIEW_H
#define SHERRY_IMPORT_TENSORVIEW_H

#include "sherry/Format/TensorType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace sherry {

/// [G5] What makes trits times a scale of the numbers of a BitNet checkpoint.
struct TritRule {
  float scale;
  /// Numbers are rounded to trits after a product with it; 0: the file has
  /// trits, four rows in a byte.
  float inverse;
};

/// A tensor whose elements can be read. Refers to the file that it lies in,
/// which must live longer. Rows are whole blocks of the storage type.
class TensorView {
public:
  TensorView(llvm::StringRef file, llvm::StringRef name,
             format::TensorType storage, llvm::ArrayRef<int64_t> shape,
             llvm::StringRef bytes)
      : file(file), name(name), storage(storage), shape(shape), bytes(bytes) {}

  llvm::StringRef getFile() const { return file; }
  llvm::StringRef getName() const { return name; }
  /// How numbers are stored; Trits if they are to become that, and F32 if they
  /// are products.
  format::TensorType getTensorType() const {
    if (trits)
      return format::TensorType::Trits;
    bool isProduct = factor != 1 && format::infoOf(storage).blockInputs == 1;
    return isProduct ? format::TensorType::F32 : storage;
  }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::StringRef getBytes() const { return bytes; }

  /// Elements of the last dimension; 1 if there is none.
  int64_t getCols() const { return shape.empty() ? 1 : shape.back(); }
  /// Product of the other dimensions: a vector is one row.
  int64_t getRows() const;

  /// Declares that the rows of every head of `rows` rows, an even number, lie
  /// as two interleaved halves in the file (0, rows / 2, 1, ...), as GGUF files
  /// of LLaMA have the matrices of queries and keys. They are read in order.
  void setInterleavedHeads(int64_t rows) { headRows = rows; }

  /// The numbers are read as trits times a scale from now on.
  void setTrits(const TritRule &rule) { trits = rule; }
  /// Nothing if they are no trits, or have scales in the tensor.
  std::optional<float> getTritScale() const {
    return trits ? std::optional(trits->scale) : std::nullopt;
  }

  /// A number counts times `value` from now on.
  void setFactor(float value) { factor = value; }
  float getFactor() const { return factor; }

  /// Writes rows [row, row + count) as f32[count][getCols()] to `out`. Fails on
  /// rows that do not exist and on NaN and infinity.
  llvm::Error readRows(int64_t row, int64_t count, float *out) const;

  /// Copies the bytes of rows that exist to `out`; those of I2_S with the scale
  /// of the tensor behind each block. They are without the factor. Not for
  /// Trits.
  void copyRows(int64_t row, int64_t count, uint8_t *out) const;
  int64_t getRowBytes() const {
    return format::infoOf(storage).rowBytes(getCols());
  }

private:
  void copyRow(int64_t row, uint8_t *out) const;
  /// In the file.
  const uint8_t *rowAt(int64_t row, int64_t rowBytes) const;
  bool unpackTrits(int64_t row, float *out) const;

  llvm::StringRef file, name;
  format::TensorType storage;
  llvm::ArrayRef<int64_t> shape;
  llvm::StringRef bytes;
  int64_t headRows = 0;
  float factor = 1;
  std::optional<TritRule> trits;
};

/// A file of tensors.
class TensorFile {
public:
  virtual ~TensorFile() = default;

  virtual llvm::StringRef getPath() const = 0;
  /// In alphabetical order.
  virtual llvm::SmallVector<llvm::StringRef> getTensorNames() const = 0;
  virtual bool hasTensor(llvm::StringRef name) const = 0;
  /// Fails if there is none of this name or no weight is read from its type.
  virtual llvm::Expected<TensorView> getTensor(llvm::StringRef name) const = 0;
};

} // namespace sherry

#endif // SHERRY_IMPORT_TENSORVIEW_H
