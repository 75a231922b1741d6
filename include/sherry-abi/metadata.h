//===- metadata.h - Keys of the description of a model ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ABI_METADATA_H
#define SHERRY_ABI_METADATA_H

namespace sherry::metadata {

/// kVocabSize is "vocab_size", and so on; see metadata.def.
#define SHERRY_METADATA_FIELD(id, key, type, presence)                         \
  inline constexpr const char *k##id = key;
#include "sherry-abi/metadata.def"

/// Keys of the objects in the list `steps`.
namespace step {
inline constexpr const char *kEntry = "entry";
inline constexpr const char *kOp = "op";
inline constexpr const char *kWeight = "weight";
inline constexpr const char *kShape = "shape";
inline constexpr const char *kBytes = "bytes";
inline constexpr const char *kMultiplyAdds = "multiply_adds";
} // namespace step

/// Keys of the objects in the list `matrices`.
namespace matrix {
inline constexpr const char *kWeight = "weight";
inline constexpr const char *kOffset = "offset";
inline constexpr const char *kStride = "stride";
inline constexpr const char *kCount = "count";
inline constexpr const char *kBytes = "bytes";
} // namespace matrix

} // namespace sherry::metadata

#endif // SHERRY_ABI_METADATA_H
