//===- Logits.h - Loops over logits for x86-64 ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_X86_LOGITS_H
#define SHERRY_RUNTIME_X86_LOGITS_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <emmintrin.h>

namespace sherry::runtime {

/// The largest of `n` logits, -infinity if there is none. `areNumbers` is
/// whether no logit is NaN. With one comparison at a time, a large vocabulary
/// takes ten times longer.
inline float findLargest(const float *logits, uint32_t n, bool &areNumbers) {
  const __m128 least = _mm_set1_ps(-HUGE_VALF);
  // Several maxima, because each waits for its last result.
  __m128 m0 = least, m1 = least, m2 = least, m3 = least;
  __m128 wrong = _mm_setzero_ps();
  uint32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m128 v0 = _mm_loadu_ps(logits + i),
                 v1 = _mm_loadu_ps(logits + i + 4);
    const __m128 v2 = _mm_loadu_ps(logits + i + 8),
                 v3 = _mm_loadu_ps(logits + i + 12);
    wrong = _mm_or_ps(
        wrong, _mm_or_ps(_mm_cmpunord_ps(v0, v1), _mm_cmpunord_ps(v2, v3)));
    m0 = _mm_max_ps(m0, v0);
    m1 = _mm_max_ps(m1, v1);
    m2 = _mm_max_ps(m2, v2);
    m3 = _mm_max_ps(m3, v3);
  }
  areNumbers = _mm_movemask_ps(wrong) == 0;
  float lanes[4];
  _mm_storeu_ps(lanes, _mm_max_ps(_mm_max_ps(m0, m1), _mm_max_ps(m2, m3)));
  float largest =
      std::max(std::max(lanes[0], lanes[1]), std::max(lanes[2], lanes[3]));
  for (; i < n; ++i) {
    areNumbers &= !std::isnan(logits[i]);
    largest = std::max(largest, logits[i]);
  }
  return largest;
}

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_X86_LOGITS_H
