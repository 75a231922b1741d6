//===- PackUtils.h - Helpers of the packers ---------------------*- C++ -*-===//
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
/// little-endian, as are all CPUs that Sherry compiles for.
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

/// The trits of a block of a ternary type.
void readTrits(TensorType storage, const uint8_t *bytes, int8_t *out);

/// [Q4] The super-block of `inputs` inputs that is closest to the weights. Its
/// d may be infinite.
StoredBlock quantizeBlock(const QuantFormat &format, const float *weights,
                          int64_t inputs);

} // namespace sherry::format

#endif // SHERRY_LIB_FORMAT_PACKUTILS_H
