//===- GgufWriter.h - Writer of the GGUF format -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First add values and tensors, which make the header; then stream the bytes of
// the tensors in the same order. Files have version 3.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_EXPORT_GGUFWRITER_H
#define SHERRY_EXPORT_GGUFWRITER_H

#include "sherry/Import/Gguf.h"

#include "llvm/Support/raw_ostream.h"

#include <set>

namespace sherry {

class GgufWriter {
public:
  // A key is written once; the value that is added first counts.
  void addInteger(llvm::StringRef key, uint32_t value);
  void addNumber(llvm::StringRef key, float value);
  void addBool(llvm::StringRef key, bool value);
  void addString(llvm::StringRef key, llvm::StringRef value);
  void addStrings(llvm::StringRef key, llvm::ArrayRef<std::string> values);
  void addNumbers(llvm::StringRef key, llvm::ArrayRef<float> values);
  void addIntegers(llvm::StringRef key, llvm::ArrayRef<int32_t> values);
  /// Copies a value of another file.
  void addValue(llvm::StringRef key, const GgufValue &value);

  /// `shape` has the contiguous dimension last.
  void addTensor(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                 format::TensorType storage);

  /// Writes everything that comes before the bytes of the tensors, which
  /// follow in the order of addTensor(), each padded by padTensor().
  void writeHeader(llvm::raw_ostream &out) const;
  static void padTensor(llvm::raw_ostream &out, uint64_t bytes);

private:
  /// Whether the key is new; if so, writes it and the type of its value.
  bool begin(llvm::StringRef key, GgufType type, bool array = false,
             uint64_t count = 0);

  std::string values, tensors;
  uint64_t numTensors = 0, dataSize = 0;
  std::set<std::string, std::less<>> keys;
};

} // namespace sherry

#endif // SHERRY_EXPORT_GGUFWRITER_H
