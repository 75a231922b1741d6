//===- HandWritten.h - Ternary products in intrinsics -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler competes with: the same steps on the same bytes
// (docs/BlockFormat.md) for one kind of matrix, 8-bit activations and one
// thread, written for one instruction set. Results are equal bit for bit.
//
// The matrix has groups of 128 inputs per scale in f16, four interleaved tiles,
// rows and columns in multiples of 128.
//
//===----------------------------------------------------------------------===//
#ifndef TEST_BENCHMARK_HANDWRITTEN_H
#define TEST_BENCHMARK_HANDWRITTEN_H

#include <cstdint>
#include <cstring>
#include <vector>

namespace sherry {

/// Of the matrix.
inline constexpr int64_t kGroupSize = 128;
inline constexpr int64_t kTiles = 4;
inline constexpr int64_t kStepsPerGroup = 2;
inline constexpr int64_t kStepBytes = 320;
inline constexpr int64_t kScaleBytes = 64;
/// Of a super-tile's scale group.
inline constexpr int64_t kPieceBytes =
    kTiles * (kStepsPerGroup * kStepBytes + kScaleBytes);
inline constexpr int64_t kPrefetch = 8192; ///< bytes ahead

/// Of a block of activations, in 22 binary digits.
inline float scaleOf(float magnitude) {
  float scale = magnitude / 127;
  uint32_t bits;
  memcpy(&bits, &scale, sizeof bits);
  bits &= ~uint32_t(3);
  memcpy(&scale, &bits, sizeof bits);
  return scale;
}

struct HandWritten {
  HandWritten(int64_t rows, int64_t cols, int64_t maxTokens);

  /// One token, words, AVX-512 BW. `input` is [cols], `output` [rows].
  void multiplyWords(const uint8_t *weights, const float *input, float *output);
  /// One token, nibbles, AVX2.
  void multiplyNibbles(const uint8_t *weights, const float *input,
                       float *output);
  /// Tokens in a multiple of 8, words, AVX-512 VNNI. `input` is
  /// [tokens][inputStride], `output` [tokens][outputStride].
  void multiplyManyWords(const uint8_t *weights, const float *input,
                         int64_t inputStride, int64_t tokens, float *output,
                         int64_t outputStride);

private:
  /// The trits of each code.
  struct Trits {
    Trits();
    alignas(64) int16_t lanes[4][32]; ///< by input
    alignas(64) uint32_t bytes[32];   ///< the four trits plus 1
  };
  struct Block;
  void multiplyBlock(const Block &block);
  void decodeStep(const uint8_t *codes, uint8_t *panel);

  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  template <typename T> static T *at(std::vector<Line> &lines) {
    return reinterpret_cast<T *>(lines.data());
  }

  Trits trits;
  int64_t rows, cols;
  std::vector<Line> values; ///< quantized activations
  std::vector<Line> tables;
  std::vector<Line> panel;
  std::vector<Line> totals;
  // Of the blocks of activations, [cols / 128][tokens]. The sum of a product
  // starts with the bits of 3 * 2^22 and minus the sum of the activations; in
  // the end the offset, -3 * 2^22 times the scale, takes that number away.
  std::vector<float> scales, offsets;
  std::vector<int32_t> starts;
};

} // namespace sherry

#endif // TEST_BENCHMARK_HANDWRITTEN_H
