//===- Codec.h - The 5-bit code of four weights -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule [C1] of docs/BlockFormat.md. Whatever needs a table of codes computes it
// from these two functions.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_CODEC_H
#define SHERRY_FORMAT_CODEC_H

#include <array>
#include <cstdint>

namespace sherry::format {

/// Four trits with exactly one zero: 4 places for it, 2^3 signs.
inline constexpr int kNumCodes = 32;
/// [C1] Flipping this bit of a code negates the group.
inline constexpr uint8_t kSignBit = 16;

/// [C1] The code of four trits out of {-1, 0, 1}, exactly one of which is 0.
constexpr uint8_t encodeGroup(const int8_t trits[4]) {
  int zeroLane = 0;
  while (trits[zeroLane] != 0)
    ++zeroLane;
  int8_t first = trits[zeroLane == 0 ? 1 : 0];
  int8_t second = trits[zeroLane <= 1 ? 2 : 1];
  int8_t third = trits[zeroLane <= 2 ? 3 : 2];
  return (first < 0 ? kSignBit : 0) | 4 * zeroLane | 2 * (third != first) |
         (second != first);
}

/// [C1] The trits of a code below kNumCodes.
constexpr std::array<int8_t, 4> decodeGroup(uint8_t code) {
  int zeroLane = code >> 2 & 3;
  int8_t first = code & kSignBit ? -1 : 1;
  int8_t second = code & 1 ? -first : first;
  int8_t third = code & 2 ? -first : first;
  switch (zeroLane) {
  case 0:
    return {0, first, second, third};
  case 1:
    return {first, 0, second, third};
  case 2:
    return {first, second, 0, third};
  default:
    return {first, second, third, 0};
  }
}

} // namespace sherry::format

#endif // SHERRY_FORMAT_CODEC_H
