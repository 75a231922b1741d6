//===- HandWritten.cpp - What all instruction sets need -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "HandWritten.h"
#include "sherry/Format/Codebook.h"

using namespace sherry;

HandWritten::Trits::Trits() {
  for (int code = 0; code < 32; ++code) {
    const auto trits = format::k3of4.decode(static_cast<uint8_t>(code));
    bytes[code] = 0;
    for (int i = 0; i < 4; ++i) {
      lanes[i][code] = trits[i];
      bytes[code] |= static_cast<uint32_t>(trits[i] + 1) << (8 * i);
    }
  }
}

HandWritten::HandWritten(int64_t rows, int64_t cols, int64_t maxTokens)
    : rows(rows), cols(cols), values(maxTokens * cols / 64 + 1),
      tables(cols / 4), panel(2 * kGroupSize / 4), totals(maxTokens * 2),
      scales(maxTokens * cols / kGroupSize), offsets(scales.size()),
      starts(scales.size()) {}
