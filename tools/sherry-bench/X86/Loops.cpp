//===- Loops.cpp - Loops at the limits of an x86 CPU ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Loops.h"
#include "sherry/sherry.h"

#include <algorithm>
#include <immintrin.h>
#include <string>

using namespace sherry;
using namespace sherry::bench;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Distance of the software prefetch: 4 KiB, see docs/Benchmarking.md.
static constexpr uint64_t prefetchBytes = 4096;

/// Keeps the compiler from removing an unused value.
template <typename T> static void keep(T &value) {
  asm volatile("" : "+x"(value));
}

template <bool prefetch>
__attribute__((target("avx512f"))) static void readAVX512(const char *bytes,
                                                          uint64_t size) {
  __m512i sums[8] = {};
  for (uint64_t at = 0; at < size; at += kReadBytes)
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      if (prefetch)
        _mm_prefetch(bytes + at + 64 * i + prefetchBytes, _MM_HINT_T0);
      sums[i] =
          _mm512_or_si512(sums[i], _mm512_load_si512(bytes + at + 64 * i));
    }
  for (__m512i &sum : sums)
    asm volatile("" : "+v"(sum));
}

template <bool prefetch>
__attribute__((target("avx2"))) static void readAVX2(const char *bytes,
                                                     uint64_t size) {
  __m256i sums[8] = {};
  for (uint64_t at = 0; at < size; at += kReadBytes)
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      const char *place = bytes + at + 32 * i;
      if (prefetch && i % 2 == 0)
        _mm_prefetch(place + prefetchBytes, _MM_HINT_T0);
      sums[i % 8] = _mm256_or_si256(
          sums[i % 8],
          _mm256_load_si256(reinterpret_cast<const __m256i *>(place)));
    }
  for (__m256i &sum : sums)
    keep(sum);
}

template <bool prefetch>
static void readSSE2(const char *bytes, uint64_t size) {
  __m128i sums[8] = {};
  for (uint64_t at = 0; at < size; at += kReadBytes)
#pragma GCC unroll 32
    for (int i = 0; i < 32; ++i) {
      const char *place = bytes + at + 16 * i;
      if (prefetch && i % 4 == 0)
        _mm_prefetch(place + prefetchBytes, _MM_HINT_T0);
      sums[i % 8] = _mm_or_si128(
          sums[i % 8],
          _mm_load_si128(reinterpret_cast<const __m128i *>(place)));
    }
  for (__m128i &sum : sums)
    keep(sum);
}

template <bool prefetch> static ReadLoop chooseRead() {
  if (__builtin_cpu_supports("avx512f"))
    return readAVX512<prefetch>;
  if (__builtin_cpu_supports("avx2"))
    return readAVX2<prefetch>;
  return readSSE2<prefetch>;
}

std::array<ReadLoop, 2> sherry::bench::getReadLoops() {
  return {chooseRead<false>(), chooseRead<true>()};
}

//===----------------------------------------------------------------------===//
// Multiplying
//===----------------------------------------------------------------------===//

// Twelve sums hide the latency of the instruction on every current CPU. They
// must be registers, so their loops are unrolled at every level of
// optimization.
static constexpr int numSums = 12;

__attribute__((target("avx512f,avx512vnni"))) static void
multiplyVNNI512(uint64_t rounds) {
  __m512i sums[numSums] = {}, a = _mm512_set1_epi8(2), b = _mm512_set1_epi8(3);
  for (uint64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (__m512i &sum : sums)
      asm volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}

__attribute__((target("avx2"))) static void multiplyVNNI256(uint64_t rounds) {
  __m256i sums[numSums] = {}, a = _mm256_set1_epi8(2), b = _mm256_set1_epi8(3);
  for (uint64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (__m256i &sum : sums)
      asm volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
}

__attribute__((target("avx2"))) static void multiplyAVX2(uint64_t rounds) {
  __m256i sums[numSums] = {}, a = _mm256_set1_epi8(2), b = _mm256_set1_epi8(3),
          ones = _mm256_set1_epi16(1), products;
  for (uint64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (__m256i &sum : sums)
      asm volatile("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\t"
                   "vpaddd %1, %0, %0"
                   : "+x"(sum), "=&x"(products)
                   : "x"(a), "x"(b), "x"(ones));
}

__attribute__((target("ssse3"))) static void multiplySSSE3(uint64_t rounds) {
  __m128i sums[numSums] = {}, b = _mm_set1_epi8(3), ones = _mm_set1_epi16(1),
          products = _mm_set1_epi8(2);
  for (uint64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (__m128i &sum : sums)
      asm volatile("pmaddubsw %2, %1\n\tpmaddwd %3, %1\n\tpaddd %1, %0"
                   : "+x"(sum), "+x"(products)
                   : "x"(b), "x"(ones));
}

MultiplyLoop sherry::bench::getMultiplyLoop() {
  const std::string features = sherry_cpu_features();
  auto has = [&](const std::string &name) {
    return ("," + features + ",").find("," + name + ",") != std::string::npos;
  };
  if (has("avx512vnni"))
    return {"vpdpbusd zmm", multiplyVNNI512, 64 * numSums};
  if (has("avxvnni"))
    return {"vpdpbusd ymm", multiplyVNNI256, 32 * numSums};
  if (has("avx2"))
    return {"vpmaddubsw+vpmaddwd ymm", multiplyAVX2, 32 * numSums};
  return {"pmaddubsw+pmaddwd xmm", multiplySSSE3, 16 * numSums};
}
