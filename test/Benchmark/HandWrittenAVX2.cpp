//===- HandWrittenAVX2.cpp - In AVX2 intrinsics ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "HandWritten.h"

#include <immintrin.h>

using namespace sherry;

static void quantize256(const float *input, int8_t *values, float &scale) {
  const __m256 noSign = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  __m256 largest = _mm256_setzero_ps();
  for (int64_t i = 0; i < kGroupSize; i += 8)
    largest = _mm256_max_ps(largest,
                            _mm256_and_ps(noSign, _mm256_loadu_ps(input + i)));
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, largest);
  float magnitude = 0;
  for (float lane : lanes)
    magnitude = lane > magnitude ? lane : magnitude;
  const __m256 inverse = _mm256_set1_ps(magnitude == 0 ? 0 : 127 / magnitude);
  scale = scaleOf(magnitude);
  for (int64_t i = 0; i < kGroupSize; i += 32) {
    __m256i numbers[4];
    for (int64_t j = 0; j < 4; ++j)
      numbers[j] = _mm256_cvtps_epi32(
          _mm256_mul_ps(_mm256_loadu_ps(input + i + 8 * j), inverse));
    const __m256i bytes =
        _mm256_packs_epi16(_mm256_packs_epi32(numbers[0], numbers[1]),
                           _mm256_packs_epi32(numbers[2], numbers[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(values + i),
                        _mm256_permutevar8x32_epi32(bytes, order));
  }
}

void HandWritten::multiplyNibbles(const uint8_t *weights, const float *input,
                                  float *output) {
  auto *quantized = at<int8_t>(values);
  const int64_t groups = cols / kGroupSize;
  for (int64_t g = 0; g < groups; ++g)
    quantize256(input + g * kGroupSize, quantized + g * kGroupSize, scales[g]);
  // Per group 16 low bytes and 16 high bytes of the sums of codes 0..15.
  auto *table = at<uint8_t>(tables);
  for (int64_t group = 0; group < cols / 4; ++group) {
    __m256i sum = _mm256_setzero_si256();
    for (int64_t i = 0; i < 4; ++i)
      sum = _mm256_add_epi16(
          sum, _mm256_mullo_epi16(
                   _mm256_load_si256(
                       reinterpret_cast<const __m256i *>(trits.lanes[i])),
                   _mm256_set1_epi16(quantized[4 * group + i])));
    const __m256i low = _mm256_and_si256(sum, _mm256_set1_epi16(255));
    const __m256i high = _mm256_srli_epi16(sum, 8);
    _mm256_store_si256(
        reinterpret_cast<__m256i *>(table + 32 * group),
        _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xd8));
  }
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i one = _mm256_set1_epi16(1);
  for (int64_t row = 0; row < rows; row += 32 * kTiles) {
    for (int64_t i = 0; i < 32 * kTiles; ++i)
      output[row + i] = 0;
    for (int64_t g = 0; g < groups; ++g) {
      __m256i total[kTiles][2];
      for (auto &tile : total)
        tile[0] = tile[1] = _mm256_setzero_si256();
      for (int64_t step = 0; step < kStepsPerGroup; ++step)
        for (int64_t t = 0; t < kTiles; ++t) {
          const uint8_t *entry = table + 32 * (g * 32 + step * 16);
          __m256i signs[2], last[2], sum[2];
          for (int64_t half = 0; half < 2; ++half) {
            const __m256i word =
                _mm256_loadu_si256(reinterpret_cast<const __m256i *>(
                    weights + kStepBytes - 64 + 32 * half));
            signs[half] = _mm256_or_si256(word, one);
            last[half] = _mm256_or_si256(_mm256_slli_epi16(word, 15), one);
            sum[half] = total[t][half];
          }
          for (int64_t line = 0; line < 5; ++line)
            _mm_prefetch(
                reinterpret_cast<const char *>(weights + kPrefetch + 64 * line),
                _MM_HINT_T0);
          for (int64_t group = 0; group < 16; ++group) {
            const __m256i pair = _mm256_loadu_si256(
                reinterpret_cast<const __m256i *>(weights + group / 2 * 32));
            const __m256i codes = _mm256_and_si256(
                group % 2 ? _mm256_srli_epi16(pair, 4) : pair, nibble);
            auto lookUp = [&](int64_t half) {
              const __m128i bytes =
                  _mm_load_si128(reinterpret_cast<const __m128i *>(
                      entry + 32 * group + 16 * half));
              return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes),
                                         codes);
            };
            const __m256i low = lookUp(0), high = lookUp(1);
            const __m256i found[] = {_mm256_unpacklo_epi8(low, high),
                                     _mm256_unpackhi_epi8(low, high)};
            for (int64_t half = 0; half < 2; ++half) {
              const __m256i sign = group == 15 ? last[half] : signs[half];
              sum[half] = _mm256_add_epi16(
                  sum[half], _mm256_sign_epi16(found[half], sign));
              signs[half] = _mm256_add_epi16(signs[half], signs[half]);
            }
          }
          for (int64_t half = 0; half < 2; ++half)
            total[t][half] = sum[half];
          weights += kStepBytes;
        }
      const __m256 scale = _mm256_set1_ps(scales[g]);
      for (int64_t t = 0; t < kTiles; ++t) {
        for (int64_t part = 0; part < 4; ++part) {
          const __m256i half = total[t][part / 2];
          const __m128i words = part % 2 ? _mm256_extracti128_si256(half, 1)
                                         : _mm256_castsi256_si128(half);
          const __m256 product = _mm256_mul_ps(
              _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(words)), scale);
          const __m256 weight = _mm256_cvtph_ps(_mm_loadu_si128(
              reinterpret_cast<const __m128i *>(weights + 16 * part)));
          float *place = output + row + 32 * t + 8 * part;
          _mm256_storeu_ps(
              place, _mm256_fmadd_ps(product, weight, _mm256_loadu_ps(place)));
        }
        weights += kScaleBytes;
      }
    }
  }
}
