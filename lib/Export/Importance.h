//===- Importance.h - How much each input matters ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_EXPORT_IMPORTANCE_H
#define SHERRY_LIB_EXPORT_IMPORTANCE_H

#include "sherry/Import/Gguf.h"

namespace sherry {

/// The sums of squared activations that llama-imatrix writes as GGUF.
class ImportanceFile {
public:
  static llvm::Expected<ImportanceFile> open(llvm::StringRef path);

  /// Importances of the `cols` inputs of a weight, named as in GGUF files:
  /// positive numbers whose mean is about 1. Empty if the file has none. Fails
  /// if there is another number of them or if one is not finite.
  llvm::Expected<std::vector<float>> get(llvm::StringRef name,
                                         int64_t cols) const;

private:
  std::unique_ptr<GgufFile> file;
};

} // namespace sherry

#endif // SHERRY_LIB_EXPORT_IMPORTANCE_H
