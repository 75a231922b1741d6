//===- Gguf.h - Reader of the GGUF format -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A GGUF file of version 2 or 3 (ggml's docs/gguf.md): a list of named values,
// a list of tensors, and their bytes. Files come from strangers, so everything
// is checked when the file is opened.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_GGUF_H
#define SHERRY_IMPORT_GGUF_H

#include "sherry/Import/TensorView.h"

#include "llvm/Support/MemoryBuffer.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sherry {

/// Types of values, with their numbers in files.
enum class GgufType : uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  String,
  Array,
  U64,
  I64,
  F64
};

/// A value, or an array of values of one type.
class GgufValue {
public:
  // Return nothing if the value has another type or does not fit.
  std::optional<int64_t> getInteger() const;
  std::optional<double> getNumber() const;
  std::optional<bool> getBool() const;
  std::optional<llvm::StringRef> getString() const;

  GgufType getType() const { return type; } ///< of the elements of an array
  llvm::StringRef getBytes() const { return bytes; } ///< of numbers
  bool isArray() const { return array; }
  uint64_t size() const { return count; } ///< of an array
  /// Element `place` < size() of an array.
  std::optional<int64_t> getInteger(uint64_t place) const;
  std::optional<double> getNumber(uint64_t place) const;
  std::optional<llvm::StringRef> getString(uint64_t place) const;

private:
  friend class GgufReader;
  GgufType type;
  bool array = false;
  uint64_t count = 1;
  llvm::StringRef bytes;
  std::vector<llvm::StringRef> strings;
};

/// How the scales of STQ1_0 are stored; files do not say.
enum class StqScale { Auto, F16, I16 };

/// The number of a type in files that are written.
uint32_t getGgufTypeId(format::TensorType storage);

/// A file that is mapped into memory.
class GgufFile : public TensorFile {
public:
  static llvm::Expected<std::unique_ptr<GgufFile>> open(llvm::StringRef path);
  /// Messages name the file by the identifier of the buffer.
  static llvm::Expected<std::unique_ptr<GgufFile>>
  parse(std::unique_ptr<llvm::MemoryBuffer> buffer);

  /// The value of this key, or null.
  const GgufValue *find(llvm::StringRef key) const;
  const std::map<std::string, GgufValue, std::less<>> &getValues() const {
    return values;
  }

  llvm::StringRef getPath() const override {
    return buffer->getBufferIdentifier();
  }
  llvm::SmallVector<llvm::StringRef> getTensorNames() const override;
  bool hasTensor(llvm::StringRef name) const override;
  llvm::Expected<TensorView> getTensor(llvm::StringRef name) const override;

private:
  friend class GgufReader;
  friend struct GgufModel;
  struct Tensor {
    uint32_t typeId;
    llvm::SmallVector<int64_t, 2> shape; ///< the last dimension is contiguous
    uint64_t offset;                     ///< in the data
    std::optional<format::TensorType> storage;
    llvm::StringRef bytes;
  };

  explicit GgufFile(std::unique_ptr<llvm::MemoryBuffer> buffer)
      : buffer(std::move(buffer)) {}
  llvm::Error placeTensors(llvm::StringRef data, uint64_t alignment);

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  StqScale scale = StqScale::F16; ///< never Auto
  std::map<std::string, GgufValue, std::less<>> values;
  std::map<std::string, Tensor, std::less<>> tensors;
};

/// A model in one file, or in the files NAME-00001-of-0000N.gguf and so on. The
/// first file has the values.
struct GgufModel {
  std::vector<std::unique_ptr<GgufFile>> files;
  StqScale stqScale = StqScale::F16; ///< of all files: F16 or I16

  /// With StqScale::Auto, the scales of all files together decide.
  static llvm::Expected<GgufModel> open(llvm::StringRef path, StqScale scale);
  const GgufFile &first() const { return *files.front(); }

private:
  llvm::Error openParts(llvm::StringRef path);
  bool hasIntegerScales() const;
};

} // namespace sherry

#endif // SHERRY_IMPORT_GGUF_H
