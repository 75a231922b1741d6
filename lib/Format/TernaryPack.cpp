//===- TernaryPack.cpp - Ternary weights to packed bytes and back ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PackUtils.h"
#include "sherry/Format/Codec.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <array>

using namespace sherry::format;

/// The codes of a step of one tile; rows and groups that are absent are 0.
using StepCodes = std::array<std::array<uint8_t, kStepGroups>, kTileRows>;

//===----------------------------------------------------------------------===//
// [T6] Words
//===----------------------------------------------------------------------===//

static void packWords(const StepCodes &codes, int64_t words, uint8_t *bytes) {
  for (int64_t word = 0; word < words; ++word)
    for (int64_t row = 0; row < kTileRows; ++row) {
      const auto &c = codes[row];
      // The sixteenth code is 0 unless the step is full.
      uint32_t top = c[15] >> (4 - word) & 1;
      store<uint16_t>(bytes, word * kTileRows + row,
                      c[3 * word] | c[3 * word + 1] << 5 |
                          c[3 * word + 2] << 10 | top << 15);
    }
}

static void unpackWords(const uint8_t *bytes, int64_t words, StepCodes &codes) {
  for (int64_t word = 0; word < words; ++word)
    for (int64_t row = 0; row < kTileRows; ++row) {
      auto value = load<uint16_t>(bytes, word * kTileRows + row);
      for (int64_t i = 0; i < 3; ++i)
        codes[row][3 * word + i] = value >> (5 * i) & 31;
      codes[row][15] |= value >> 15 << (4 - word);
    }
}

//===----------------------------------------------------------------------===//
// [T7] Nibbles
//===----------------------------------------------------------------------===//

/// The row of byte b: 0..7, 16..23, 8..15, 24..31. The middle two quarters
/// change places.
static int64_t nibbleRow(int64_t byte) {
  return byte < 8 || byte >= 24 ? byte : byte < 16 ? byte + 8 : byte - 8;
}

static void packNibbles(const StepCodes &codes, int64_t vectors,
                        uint8_t *bytes) {
  for (int64_t vector = 0; vector < vectors; ++vector)
    for (int64_t byte = 0; byte < kTileRows; ++byte) {
      const uint8_t *pair = &codes[nibbleRow(byte)][2 * vector];
      *bytes++ = (pair[0] & 15) | (pair[1] & 15) << 4;
    }
  for (int64_t row = 0; row < kTileRows; ++row) {
    uint32_t signs = 0;
    for (uint8_t code : codes[row])
      signs = signs << 1 | (code & kSignBit ? 1 : 0);
    store<uint16_t>(bytes, row, signs);
  }
}

static void unpackNibbles(const uint8_t *bytes, int64_t vectors,
                          StepCodes &codes) {
  const uint8_t *signs = bytes + vectors * kTileRows;
  for (int64_t byte = 0; byte < kTileRows; ++byte) {
    int64_t row = nibbleRow(byte);
    auto sign = load<uint16_t>(signs, row);
    for (int64_t group = 0; group < 2 * vectors; ++group) {
      uint8_t pair = bytes[group / 2 * kTileRows + byte];
      codes[row][group] = (pair >> (group % 2 * 4) & 15) |
                          (sign >> (15 - group) & 1 ? kSignBit : 0);
    }
  }
}

//===----------------------------------------------------------------------===//
// [T5] The order of the bytes
//===----------------------------------------------------------------------===//

/// Calls step(tile, first group, groups, offset) for each step and
/// scales(tile, scale group, offset) for each vector of scales, in the order of
/// the bytes; `offset` is where they start.
template <typename StepFn, typename ScalesFn>
static void forEachStep(const TernaryLayout &layout, int64_t rows, int64_t cols,
                        StepFn step, ScalesFn scales) {
  // So the steps of a scale group are the same with and without its chunks.
  constexpr int64_t stepInputs = kStepGroups * kGroupInputs;
  static_assert(kMaxChunkInputs % stepInputs == 0);

  int64_t tiles = ceilDiv(rows, kTileRows), offset = 0;
  int64_t size = layout.scaleGroupInputs(cols);
  for (int64_t first = 0; first < tiles; first += layout.interleave) {
    int64_t last = std::min(first + layout.interleave, tiles);
    for (int64_t begin = 0; begin < cols; begin += size) {
      int64_t end = std::min(begin + size, cols);
      for (int64_t at = begin; at < end; at += stepInputs) {
        int64_t groups = std::min(stepInputs, end - at) / kGroupInputs;
        for (int64_t tile = first; tile < last; ++tile) {
          step(tile, at / kGroupInputs, groups, offset);
          offset += layout.stepBytes(groups);
        }
      }
      for (int64_t tile = first; tile < last; ++tile) {
        scales(tile, begin / size, offset);
        offset += layout.scaleBytes();
      }
    }
  }
}

/// 16-bit words of a step, or vectors of nibbles.
static int64_t stepVectors(CodeOrder order, int64_t groups) {
  if (order == CodeOrder::Words)
    return std::min<int64_t>(ceilDiv(groups, 3), 5);
  return ceilDiv(groups, 2);
}

void sherry::format::packTernary(const TernaryLayout &layout, int64_t rows,
                                 int64_t cols, const uint8_t *codes,
                                 const float *scales, uint8_t *bytes) {
  int64_t rowGroups = cols / kGroupInputs;
  int64_t rowScales = ceilDiv(cols, layout.scaleGroupInputs(cols));
  forEachStep(
      layout, rows, cols,
      [&](int64_t tile, int64_t group, int64_t groups, int64_t offset) {
        StepCodes step{};
        const uint8_t *from = codes + tile * kTileRows * rowGroups + group;
        for (int64_t row = 0, n = rowsOfTile(tile, rows); row < n; ++row)
          std::memcpy(step[row].data(), from + row * rowGroups, groups);
        int64_t vectors = stepVectors(layout.order, groups);
        if (layout.order == CodeOrder::Words)
          packWords(step, vectors, bytes + offset);
        else
          packNibbles(step, vectors, bytes + offset);
      },
      [&](int64_t tile, int64_t scaleGroup, int64_t offset) {
        int64_t present = rowsOfTile(tile, rows);
        for (int64_t row = 0; row < kTileRows; ++row) {
          // [T2]
          float scale = 0;
          if (row < present)
            scale = scales[(tile * kTileRows + row) * rowScales + scaleGroup];
          if (layout.scaleType == ScaleType::F16)
            store(bytes + offset, row, f32ToF16(scale));
          else
            store(bytes + offset, row, scale);
        }
      });
}

void sherry::format::unpackTernary(const TernaryLayout &layout, int64_t rows,
                                   int64_t cols, const uint8_t *bytes,
                                   uint8_t *codes, float *scales) {
  int64_t rowGroups = cols / kGroupInputs;
  int64_t rowScales = ceilDiv(cols, layout.scaleGroupInputs(cols));
  forEachStep(
      layout, rows, cols,
      [&](int64_t tile, int64_t group, int64_t groups, int64_t offset) {
        StepCodes step{};
        int64_t vectors = stepVectors(layout.order, groups);
        if (layout.order == CodeOrder::Words)
          unpackWords(bytes + offset, vectors, step);
        else
          unpackNibbles(bytes + offset, vectors, step);
        uint8_t *to = codes + tile * kTileRows * rowGroups + group;
        for (int64_t row = 0, n = rowsOfTile(tile, rows); row < n; ++row)
          std::memcpy(to + row * rowGroups, step[row].data(), groups);
      },
      [&](int64_t tile, int64_t scaleGroup, int64_t offset) {
        for (int64_t row = 0, n = rowsOfTile(tile, rows); row < n; ++row)
          scales[(tile * kTileRows + row) * rowScales + scaleGroup] =
              layout.scaleType == ScaleType::F16
                  ? f16ToF32(load<uint16_t>(bytes + offset, row))
                  : load<float>(bytes + offset, row);
      });
}

/// The codes of a block of STQ1_0, which has them as they are.
static void copyCodes(const uint8_t *stored, uint8_t *codes) {
  for (int pair = 0; pair < 32; ++pair) {
    int signs = stored[32 + pair / 4] >> (pair % 4 * 2);
    codes[2 * pair] =
        static_cast<uint8_t>((stored[pair] & 15) | (signs & 1) * kSignBit);
    codes[2 * pair + 1] =
        static_cast<uint8_t>(stored[pair] >> 4 | (signs >> 1 & 1) * kSignBit);
  }
}

/// The codes of groups of a run of 64 trits. Returns false if one has not
/// exactly one zero, or is none because of a +2.
static bool encodeRun(const int8_t *trits, bool strided, uint8_t *codes) {
  int64_t first = strided ? 1 : kGroupInputs, next = strided ? kGroupStride : 1;
  for (int64_t group = 0; group < kGroupStride; ++group) {
    int8_t lanes[kGroupInputs];
    int zeros = 0;
    for (int64_t p = 0; p < kGroupInputs; ++p) {
      lanes[p] = trits[group * first + p * next];
      zeros += lanes[p] == 0;
      if (lanes[p] > 1)
        return false;
    }
    if (zeros != 1)
      return false;
    codes[group] = encodeGroup(lanes);
  }
  return true;
}

bool sherry::format::readTernaryRows(TensorType storage, bool strided,
                                     int64_t scaleInputs, int64_t rows,
                                     int64_t cols, const uint8_t *stored,
                                     uint8_t *codes, float *scales) {
  const TensorTypeInfo &info = infoOf(storage);
  int64_t rowScales = ceilDiv(cols, scaleInputs);
  // The scale of a block goes to all places that it has a part of.
  auto placeScale = [&](int64_t at, float scale) {
    int64_t row = at / cols, col = at % cols;
    for (int64_t i = col; i < col + info.blockInputs;
         i += std::min(scaleInputs, info.blockInputs)) {
      float &place = scales[row * rowScales + i / scaleInputs];
      if (i % scaleInputs == 0)
        place = scale;
      else if (place != scale)
        return false;
    }
    return true;
  };
  for (int64_t at = 0; at < rows * cols;
       at += info.blockInputs, stored += info.blockBytes) {
    if (!placeScale(at, readScale(storage, stored)))
      return false;
    if (strided && isStrided(storage)) {
      copyCodes(stored, codes);
      codes += info.blockInputs / kGroupInputs;
      continue;
    }
    int8_t trits[kMaxStoredInputs];
    readTrits(storage, stored, trits);
    for (int64_t run = 0; run < info.blockInputs; run += kStridedInputs) {
      if (!encodeRun(trits + run, strided, codes))
        return false;
      codes += kGroupStride;
    }
  }
  return true;
}
