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

/// [G5] How the numbers of a BitNet checkpoint become trits times a scale.
struct TritRule {
  float scale;
  /// Numbers are multiplied by this and rounded to trits; 0: the file has
  /// trits, four rows per byte.
  float inverse;
};

/// A tensor whose elements can be read. Does not own its bytes: the file must
/// live longer. Rows are whole blocks of the storage type.
class TensorView {
public:
  TensorView(llvm::StringRef file, llvm::StringRef name,
             format::TensorType storage, llvm::ArrayRef<int64_t> shape,
             llvm::StringRef bytes)
      : file(file), name(name), storage(storage), shape(shape), bytes(bytes) {}

  llvm::StringRef getFile() const { return file; }
  llvm::StringRef getName() const { return name; }
  /// The type of the numbers: Trits after setTrits(), F32 for numbers (not
  /// blocks) with a factor, else the type in the file.
  format::TensorType getTensorType() const {
    if (trits)
      return format::TensorType::Trits;
    bool isProduct = factor != 1 && format::infoOf(storage).blockInputs == 1;
    return isProduct ? format::TensorType::F32 : storage;
  }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::StringRef getBytes() const { return bytes; }

  /// Elements of the last dimension; 1 for a scalar.
  int64_t getCols() const { return shape.empty() ? 1 : shape.back(); }
  /// Product of the other dimensions: a vector is one row.
  int64_t getRows() const;

  /// Declares that the file stores every head of `rows` rows (an even number)
  /// as two interleaved halves (0, rows / 2, 1, ...), as GGUF files of LLaMA
  /// store the matrices of queries and keys. Rows are then read in their order.
  void setInterleavedHeads(int64_t rows) { headRows = rows; }

  /// From now on, numbers are read as trits times a scale.
  void setTrits(const TritRule &rule) { trits = rule; }
  /// The scale of setTrits(); nothing for other tensors.
  std::optional<float> getTritScale() const {
    return trits ? std::optional(trits->scale) : std::nullopt;
  }

  /// From now on, numbers are multiplied by `value` when read.
  void setFactor(float value) { factor = value; }
  float getFactor() const { return factor; }

  /// Writes rows [row, row + count) as f32[count][getCols()] to `out`. Fails on
  /// rows that do not exist and on NaN and infinity.
  llvm::Error readRows(int64_t row, int64_t count, float *out) const;

  /// Copies the bytes of existing rows to `out`, without the factor. Each block
  /// of I2_S is followed by the scale of the tensor. Not for Trits.
  void copyRows(int64_t row, int64_t count, uint8_t *out) const;
  int64_t getRowBytes() const {
    return format::infoOf(storage).rowBytes(getCols());
  }

private:
  void copyRow(int64_t row, uint8_t *out) const;
  /// The bytes of a row in the file.
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
  /// All names, in alphabetical order.
  virtual llvm::SmallVector<llvm::StringRef> getTensorNames() const = 0;
  virtual bool hasTensor(llvm::StringRef name) const = 0;
  /// Fails if there is no tensor of this name, or if weights are not read from
  /// its type.
  virtual llvm::Expected<TensorView> getTensor(llvm::StringRef name) const = 0;
};

} // namespace sherry

#endif // SHERRY_IMPORT_TENSORVIEW_H
