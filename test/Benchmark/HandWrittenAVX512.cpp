//===- HandWrittenAVX512.cpp - In AVX-512 intrinsics ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "HandWritten.h"

#include <immintrin.h>

using namespace sherry;

/// Quantizes 128 numbers, each four of which go to `stride` bytes after the
/// last.
static void quantize512(const float *input, int8_t *values, int64_t stride,
                        float &scale, int32_t &sum) {
  __m512 largest = _mm512_setzero_ps();
  for (int64_t i = 0; i < kGroupSize; i += 16)
    largest = _mm512_max_ps(largest, _mm512_abs_ps(_mm512_loadu_ps(input + i)));
  const float magnitude = _mm512_reduce_max_ps(largest);
  const __m512 inverse = _mm512_set1_ps(magnitude == 0 ? 0 : 127 / magnitude);
  scale = scaleOf(magnitude);
  __m512i total = _mm512_setzero_si512();
  for (int64_t i = 0; i < kGroupSize; i += 16) {
    const __m512i number =
        _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(input + i), inverse));
    total = _mm512_add_epi32(total, number);
    alignas(16) int32_t fours[4];
    _mm_store_si128(reinterpret_cast<__m128i *>(fours),
                    _mm512_cvtepi32_epi8(number));
    for (int64_t j = 0; j < 4; ++j)
      __builtin_memcpy(values + (i / 4 + j) * stride, &fours[j], 4);
  }
  sum = _mm512_reduce_add_epi32(total);
}

//===----------------------------------------------------------------------===//
// One token
//===----------------------------------------------------------------------===//

void HandWritten::multiplyWords(const uint8_t *weights, const float *input,
                                float *output) {
  auto *quantized = at<int8_t>(values);
  const int64_t groups = cols / kGroupSize;
  for (int64_t g = 0; g < groups; ++g) {
    int32_t sum;
    quantize512(input + g * kGroupSize, quantized + g * kGroupSize, 4,
                scales[g], sum);
  }
  auto *table = at<int16_t>(tables);
  for (int64_t group = 0; group < cols / 4; ++group) {
    __m512i sum = _mm512_setzero_si512();
    for (int64_t i = 0; i < 4; ++i)
      sum = _mm512_add_epi16(
          sum, _mm512_mullo_epi16(_mm512_load_si512(trits.lanes[i]),
                                  _mm512_set1_epi16(quantized[4 * group + i])));
    _mm512_store_si512(table + 32 * group, sum);
  }
  for (int64_t row = 0; row < rows; row += 32 * kTiles) {
    __m512 low[kTiles], high[kTiles];
    for (int64_t t = 0; t < kTiles; ++t)
      low[t] = high[t] = _mm512_setzero_ps();
    for (int64_t g = 0; g < groups; ++g) {
      __m512i total[kTiles];
      for (auto &sum : total)
        sum = _mm512_setzero_si512();
      for (int64_t step = 0; step < kStepsPerGroup; ++step) {
        const int16_t *entry = table + 32 * (g * 32 + step * 16);
        for (int64_t t = 0; t < kTiles; ++t) {
          __m512i last = _mm512_setzero_si512(), sum = total[t];
          for (int64_t word = 0; word < 5; ++word) {
            const __m512i codes = _mm512_loadu_si512(weights);
            _mm_prefetch(reinterpret_cast<const char *>(weights + kPrefetch),
                         _MM_HINT_T0);
            weights += 64;
            const int16_t *at = entry + 96 * word;
            sum = _mm512_add_epi16(
                sum, _mm512_permutexvar_epi16(codes, _mm512_load_si512(at)));
            sum = _mm512_add_epi16(
                sum, _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, 5),
                                              _mm512_load_si512(at + 32)));
            sum = _mm512_add_epi16(
                sum, _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, 10),
                                              _mm512_load_si512(at + 64)));
            last = _mm512_or_si512(_mm512_slli_epi16(last, 1),
                                   _mm512_srli_epi16(codes, 15));
          }
          total[t] = _mm512_add_epi16(
              sum, _mm512_permutexvar_epi16(
                       last, _mm512_load_si512(entry + 32 * 15)));
        }
      }
      const __m512 scale = _mm512_set1_ps(scales[g]);
      for (int64_t t = 0; t < kTiles; ++t) {
        auto scaled = [&](__m256i words) {
          return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(words)),
                               scale);
        };
        auto weightScale = [&](int64_t half) {
          return _mm512_cvtph_ps(_mm256_loadu_si256(
              reinterpret_cast<const __m256i *>(weights + 32 * half)));
        };
        low[t] = _mm512_fmadd_ps(scaled(_mm512_castsi512_si256(total[t])),
                                 weightScale(0), low[t]);
        high[t] =
            _mm512_fmadd_ps(scaled(_mm512_extracti64x4_epi64(total[t], 1)),
                            weightScale(1), high[t]);
        weights += kScaleBytes;
      }
    }
    for (int64_t t = 0; t < kTiles; ++t) {
      _mm512_storeu_ps(output + row + 32 * t, low[t]);
      _mm512_storeu_ps(output + row + 32 * t + 16, high[t]);
    }
  }
}

//===----------------------------------------------------------------------===//
// Several tokens
//===----------------------------------------------------------------------===//

/// Decodes 16 groups of a tile to [16][2][64] bytes.
void HandWritten::decodeStep(const uint8_t *codes, uint8_t *panel) {
  const __m512i first = _mm512_load_si512(trits.bytes);
  const __m512i second = _mm512_load_si512(trits.bytes + 16);
  for (int64_t half = 0; half < 2; ++half) {
    __m512i last = _mm512_setzero_si512();
    auto store = [&](int64_t group, __m512i code) {
      _mm512_store_si512(panel + 128 * group + 64 * half,
                         _mm512_permutex2var_epi32(first, code, second));
    };
    for (int64_t word = 0; word < 5; ++word) {
      const __m512i code = _mm512_cvtepu16_epi32(_mm256_loadu_si256(
          reinterpret_cast<const __m256i *>(codes + 64 * word + 32 * half)));
      store(3 * word, code);
      store(3 * word + 1, _mm512_srli_epi32(code, 5));
      store(3 * word + 2, _mm512_srli_epi32(code, 10));
      last = _mm512_or_si512(_mm512_slli_epi32(last, 1),
                             _mm512_srli_epi32(code, 15));
    }
    store(15, last);
  }
}

/// Eight tokens and 32 rows.
struct HandWritten::Block {
  const uint8_t *panel;
  const int8_t *values;
  const float *scales, *offsets;
  const int32_t *starts;
  const uint8_t *weightScales;
  float *totals; ///< [8][32]
};

void HandWritten::multiplyBlock(const Block &block) {
  __m512i sum[8][2];
#pragma GCC unroll 8
  for (int64_t token = 0; token < 8; ++token)
    sum[token][0] = sum[token][1] = _mm512_set1_epi32(block.starts[token]);
  for (int64_t group = 0; group < kGroupSize / 4; ++group) {
    const __m512i low = _mm512_load_si512(block.panel + 128 * group);
    const __m512i high = _mm512_load_si512(block.panel + 128 * group + 64);
#pragma GCC unroll 8
    for (int64_t token = 0; token < 8; ++token) {
      int32_t four;
      __builtin_memcpy(&four, block.values + 32 * group + 4 * token, 4);
      const __m512i x = _mm512_set1_epi32(four);
      sum[token][0] = _mm512_dpbusd_epi32(sum[token][0], low, x);
      sum[token][1] = _mm512_dpbusd_epi32(sum[token][1], high, x);
    }
  }
#pragma GCC unroll 8
  for (int64_t token = 0; token < 8; ++token) {
    const __m512 scale = _mm512_set1_ps(block.scales[token]);
    const __m512 offset = _mm512_set1_ps(block.offsets[token]);
#pragma GCC unroll 2
    for (int64_t half = 0; half < 2; ++half) {
      const __m512 weight = _mm512_cvtph_ps(_mm256_loadu_si256(
          reinterpret_cast<const __m256i *>(block.weightScales + 32 * half)));
      const __m512 product =
          _mm512_fmadd_ps(_mm512_castsi512_ps(sum[token][half]), scale, offset);
      float *place = block.totals + 32 * token + 16 * half;
      _mm512_store_ps(place,
                      _mm512_fmadd_ps(product, weight, _mm512_load_ps(place)));
    }
  }
}

void HandWritten::multiplyManyWords(const uint8_t *weights, const float *input,
                                    int64_t inputStride, int64_t tokens,
                                    float *output, int64_t outputStride) {
  const int64_t groups = cols / kGroupSize;
  // In blocks of eight tokens, group after group.
  auto *quantized = at<int8_t>(values);
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t at = g * tokens + token;
      int32_t sum;
      quantize512(input + token * inputStride + g * kGroupSize,
                  quantized + token / 8 * 8 * cols + g * kGroupSize * 8 +
                      token % 8 * 4,
                  32, scales[at], sum);
      offsets[at] = -(3 << 22) * scales[at];
      starts[at] = 0x4b400000 - sum;
    }
  auto *bytes = at<uint8_t>(panel);
  auto *total = at<float>(totals);
  for (int64_t row = 0; row < rows; row += 32 * kTiles) {
    for (int64_t t = 0; t < kTiles; ++t) {
      for (int64_t i = 0; i < 32 * tokens; ++i)
        total[i] = 0;
      for (int64_t g = 0; g < groups; ++g) {
        const uint8_t *piece = weights + g * kPieceBytes;
        for (int64_t step = 0; step < kStepsPerGroup; ++step) {
          const uint8_t *codes = piece + (step * kTiles + t) * kStepBytes;
          for (int64_t line = 0; line < 5; ++line)
            _mm_prefetch(reinterpret_cast<const char *>(
                             codes + groups * kPieceBytes + 64 * line),
                         _MM_HINT_T1);
          decodeStep(codes, bytes + 2048 * step);
        }
        for (int64_t token = 0; token < tokens; token += 8)
          multiplyBlock(
              {bytes, quantized + token * cols + g * kGroupSize * 8,
               &scales[g * tokens + token], &offsets[g * tokens + token],
               &starts[g * tokens + token],
               piece + kTiles * kStepsPerGroup * kStepBytes + t * kScaleBytes,
               total + 32 * token});
      }
      for (int64_t token = 0; token < tokens; ++token)
        for (int64_t half = 0; half < 2; ++half)
          _mm512_storeu_ps(output + token * outputStride + row + 32 * t +
                               16 * half,
                           _mm512_load_ps(total + 32 * token + 16 * half));
    }
    weights += groups * kPieceBytes;
  }
}
