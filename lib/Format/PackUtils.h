//===- PackUtils.h - What the packers share ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_FORMAT_PACKUTILS_H
#define SHERRY_LIB_FORMAT_PACKUTILS_H

#include "sherry/Format/Float16.h"
#include "sherry/Format/Layout.h"
#include "sherry/Format/TensorType.h"

#include <algorithm>
#include <cstring>

namespace sherry::format {

/// Element `index` of an array of T at any alignment. Packed numbers are
/// little-endian, like the only CPUs that Sherry compiles for.
template <typename T> T load(const uint8_t *bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T> void store(uint8_t *bytes, int64_t index, T value) {
  std::memcpy(bytes + index * sizeof(T), &value, sizeof(T));
}

inline float loadF16(const uint8_t *bytes) {
  return f16ToF32(load<uint16_t>(bytes, 0));
}

/// [T2] Rows of a tile that are not padding.
inline int64_t rowsOfTile(int64_t tile, int64_t rows) {
  return std::min(kTileRows, rows - tile * kTileRows);
}

/// [T1] Calls body(first input, distance of inputs, inputs) for the groups of a
/// row.
template <typename Fn>
void forGroups(const TernaryLayout &layout, bool strided, int64_t cols,
               Fn body) {
  int64_t inputs = layout.codebook->inputs;
  if (strided) {
    for (int64_t at = 0; at < cols; at += kStridedInputs)
      for (int64_t group = 0; group < kGroupStride; ++group)
        body(at + group, kGroupStride, inputs);
    return;
  }
  int64_t size = layout.scaleGroupInputs(cols);
  for (int64_t begin = 0; begin < cols; begin += size) {
    int64_t end = std::min(begin + size, cols);
    for (int64_t at = begin; at < end; at += kMaxChunkInputs) {
      int64_t last = std::min(at + kMaxChunkInputs, end);
      for (int64_t i = at; i < last; i += inputs)
        body(i, int64_t{1}, std::min(inputs, last - i));
    }
  }
}

/// The trits of a block of a ternary type.
void readTrits(TensorType storage, const uint8_t *bytes, int8_t *out);

/// [Q4] The super-block of `inputs` weights that is closest to them. Its d may
/// be an infinity.
StoredBlock quantizeBlock(const QuantFormat &format, const float *weights,
                          int64_t inputs);

} // namespace sherry::format

#endif // SHERRY_LIB_FORMAT_PACKUTILS_H
