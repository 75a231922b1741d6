//===- TernaryPack.cpp - Ternary weights to packed bytes and back ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PackUtils.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <array>
#include <vector>

using namespace sherry::format;

/// The codes of a step of one tile; absent rows and groups are 0. A sign that
/// is stored separately is bit 5.
using StepCodes = std::array<std::array<uint8_t, kStepGroups>, kTileRows>;

//===----------------------------------------------------------------------===//
// [T6] Words
//===----------------------------------------------------------------------===//

static void packWords(const StepCodes &codes, int64_t groups, uint8_t *bytes) {
  int64_t words = stepWords(groups);
  for (int64_t row = 0; row < kTileRows; ++row) {
    // Absent groups are 0.
    std::array<uint8_t, kStepGroups + 2> c{};
    std::transform(codes[row].begin(), codes[row].end(), c.begin(),
                   [](uint8_t code) { return code & 31; });
    for (int64_t word = 0; word < words; ++word) {
      uint32_t top =
          word < stepTopBits(groups) ? c[groups - 1] >> (4 - word) & 1 : 0;
      store<uint16_t>(bytes, word * kTileRows + row,
                      c[3 * word] | c[3 * word + 1] << 5 |
                          c[3 * word + 2] << 10 | top << 15);
    }
    if (hasStepByte(groups))
      bytes[2 * words * kTileRows + row] =
          static_cast<uint8_t>(c[3 * words] | c[3 * words + 1] << 5);
  }
}

static void unpackWords(const uint8_t *bytes, int64_t groups,
                        StepCodes &codes) {
  int64_t words = stepWords(groups);
  for (int64_t row = 0; row < kTileRows; ++row) {
    uint8_t upper = 0;
    for (int64_t word = 0; word < words; ++word) {
      auto value = load<uint16_t>(bytes, word * kTileRows + row);
      for (int64_t i = 0; i < 3 && 3 * word + i < groups; ++i)
        codes[row][3 * word + i] = value >> (5 * i) & 31;
      if (word < stepTopBits(groups))
        upper |= value >> 15 << (4 - word);
    }
    if (hasStepByte(groups)) {
      uint8_t byte = bytes[2 * words * kTileRows + row];
      codes[row][3 * words] = byte & 31;
      upper |= byte >> 5;
    }
    if (stepTopBits(groups) != 0)
      codes[row][groups - 1] = upper;
  }
}

//===----------------------------------------------------------------------===//
// [T7] Nibbles
//===----------------------------------------------------------------------===//

static void packNibbles(const StepCodes &codes, int64_t groups,
                        uint8_t *bytes) {
  for (int64_t vector = 0; vector < stepNibbles(groups); ++vector)
    for (int64_t byte = 0; byte < kTileRows; ++byte) {
      const uint8_t *pair = &codes[nibbleRow(byte)][2 * vector];
      *bytes++ = (pair[0] & 15) | (pair[1] & 15) << 4;
    }
  for (int64_t row = 0; row < kTileRows; ++row) {
    uint32_t signs = 0;
    for (uint8_t code : codes[row])
      signs = signs << 1 | (code >> 4 & 1);
    if (isNibbleBesideSigns(groups))
      signs |= codes[row][groups - 1] & 15;
    store<uint16_t>(bytes, row, signs);
  }
}

static void unpackNibbles(const uint8_t *bytes, int64_t groups,
                          StepCodes &codes) {
  const uint8_t *signs = bytes + stepNibbles(groups) * kTileRows;
  for (int64_t byte = 0; byte < kTileRows; ++byte) {
    int64_t row = nibbleRow(byte);
    auto sign = load<uint16_t>(signs, row);
    for (int64_t group = 0; group < groups; ++group) {
      bool isBeside = isNibbleBesideSigns(groups) && group == groups - 1;
      int nibble =
          isBeside
              ? sign & 15
              : bytes[group / 2 * kTileRows + byte] >> (group % 2 * 4) & 15;
      codes[row][group] = nibble | (sign >> (15 - group) & 1) << 4;
    }
  }
}

//===----------------------------------------------------------------------===//
// [T6], [T7] Separate signs
//===----------------------------------------------------------------------===//

static void packSigns(const StepCodes &codes, uint8_t *bytes) {
  for (int64_t row = 0; row < kTileRows; ++row) {
    uint32_t signs = 0;
    for (uint8_t code : codes[row])
      signs = signs << 1 | (code >> 5 & 1);
    store<uint16_t>(bytes, row, signs);
  }
}

static void unpackSigns(const uint8_t *bytes, int64_t groups,
                        StepCodes &codes) {
  for (int64_t row = 0; row < kTileRows; ++row) {
    auto signs = load<uint16_t>(bytes, row);
    for (int64_t group = 0; group < groups; ++group)
      codes[row][group] |= (signs >> (15 - group) & 1) << 5;
  }
}

//===----------------------------------------------------------------------===//
// [T5] The order of the bytes
//===----------------------------------------------------------------------===//

/// Calls step(tile, first group, groups, offset) for each step and
/// scales(tile, scale group, offset) for each vector of scales, in the order of
/// the bytes; `offset` is the offset of their first byte.
template <typename StepFn, typename ScalesFn>
static void forEachStep(const TernaryLayout &layout, int64_t rows, int64_t cols,
                        StepFn step, ScalesFn scales) {
  int64_t tiles = ceilDiv(rows, kTileRows), offset = 0;
  int64_t size = layout.scaleGroupInputs(cols);
  for (int64_t first = 0; first < tiles; first += layout.interleave) {
    int64_t last = std::min(first + layout.interleave, tiles);
    int64_t group = 0;
    auto forChunk = [&](int64_t inputs) {
      int64_t end = group + layout.groups(inputs);
      for (; group < end; group = std::min(group + kStepGroups, end)) {
        int64_t groups = std::min(kStepGroups, end - group);
        for (int64_t tile = first; tile < last; ++tile) {
          step(tile, group, groups, offset);
          offset += layout.stepBytes(groups);
        }
      }
    };
    for (int64_t begin = 0; begin < cols; begin += size) {
      int64_t end = std::min(begin + size, cols);
      for (int64_t at = begin; at < end; at += kMaxChunkInputs)
        forChunk(std::min(kMaxChunkInputs, end - at));
      for (int64_t tile = first; tile < last; ++tile) {
        scales(tile, begin / size, offset);
        offset += layout.scaleBytes();
      }
    }
  }
}

void sherry::format::packTernary(const TernaryLayout &layout, int64_t rows,
                                 int64_t cols, const uint8_t *codes,
                                 const float *scales, uint8_t *bytes) {
  int64_t rowGroups = layout.rowGroups(cols);
  int64_t rowScales = layout.rowScales(cols);
  forEachStep(
      layout, rows, cols,
      [&](int64_t tile, int64_t group, int64_t groups, int64_t offset) {
        StepCodes step{};
        const uint8_t *from = codes + tile * kTileRows * rowGroups + group;
        for (int64_t row = 0, n = rowsOfTile(tile, rows); row < n; ++row)
          std::memcpy(step[row].data(), from + row * rowGroups, groups);
        if (layout.order == CodeOrder::Words)
          packWords(step, groups, bytes + offset);
        else
          packNibbles(step, groups, bytes + offset);
        if (layout.codebook->hasSignApart())
          packSigns(step,
                    bytes + offset + layout.stepBytes(groups) - kSignBytes);
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
  int64_t rowGroups = layout.rowGroups(cols);
  int64_t rowScales = layout.rowScales(cols);
  forEachStep(
      layout, rows, cols,
      [&](int64_t tile, int64_t group, int64_t groups, int64_t offset) {
        StepCodes step{};
        if (layout.order == CodeOrder::Words)
          unpackWords(bytes + offset, groups, step);
        else
          unpackNibbles(bytes + offset, groups, step);
        if (layout.codebook->hasSignApart())
          unpackSigns(bytes + offset + layout.stepBytes(groups) - kSignBytes,
                      groups, step);
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

bool sherry::format::encodeRow(const TernaryLayout &layout, bool strided,
                               int64_t cols, const int8_t *trits,
                               uint8_t *codes) {
  bool hasCodes = true;
  forGroups(layout, strided, cols,
            [&](int64_t first, int64_t distance, int64_t count) {
              Trits group{};
              for (int64_t i = 0; i < count; ++i)
                group[i] = trits[first + i * distance];
              *codes = layout.codebook->encode(group.data(), count);
              hasCodes &= *codes++ != kNoCode;
            });
  return hasCodes;
}

void sherry::format::decodeRow(const TernaryLayout &layout, bool strided,
                               int64_t cols, const uint8_t *codes,
                               int8_t *trits) {
  forGroups(layout, strided, cols,
            [&](int64_t first, int64_t distance, int64_t count) {
              Trits group = layout.codebook->decode(*codes++);
              for (int64_t i = 0; i < count; ++i)
                trits[first + i * distance] = group[i];
            });
}

/// Copies the codes of a block of STQ1_0, which stores the codes themselves.
static void copyCodes(const uint8_t *stored, uint8_t *codes) {
  for (int64_t pair = 0; pair < 32; ++pair) {
    int signs = stored[32 + pair / 4] >> (pair % 4 * 2);
    codes[2 * pair] =
        static_cast<uint8_t>((stored[pair] & 15) | (signs & 1) << 4);
    codes[2 * pair + 1] =
        static_cast<uint8_t>(stored[pair] >> 4 | (signs >> 1 & 1) << 4);
  }
}

/// Reads the scales of a row of blocks, one per `scaleInputs` inputs. Returns
/// false if blocks that must share a scale have several.
static bool readScales(TensorType storage, int64_t scaleInputs, int64_t cols,
                       const uint8_t *stored, float *scales) {
  const TensorTypeInfo &info = infoOf(storage);
  for (int64_t at = 0; at < cols;
       at += info.blockInputs, stored += info.blockBytes) {
    float scale = readScale(storage, stored);
    // The scale of all scale groups that contain a part of the block.
    for (int64_t i = at; i < at + info.blockInputs;
         i += std::min(scaleInputs, info.blockInputs)) {
      float &place = scales[i / scaleInputs];
      if (i % scaleInputs == 0)
        place = scale;
      else if (place != scale)
        return false;
    }
  }
  return true;
}

Failure sherry::format::readTernaryRows(const TernaryLayout &layout,
                                        TensorType storage, bool strided,
                                        int64_t firstRow, int64_t rows,
                                        int64_t cols, const uint8_t *stored,
                                        uint8_t *codes, float *scales) {
  const TensorTypeInfo &info = infoOf(storage);
  bool hasCodes = strided && isStrided(storage) && layout.codebook == &k3of4;
  std::vector<int8_t> trits(cols);
  for (int64_t row = firstRow; row < firstRow + rows; ++row) {
    auto fail = [&](const std::string &what) {
      return Failure("row " + std::to_string(row) + ": " + what);
    };
    if (!readScales(storage, layout.scaleGroupInputs(cols), cols, stored,
                    scales))
      return fail("weights that must share a scale have several");
    for (int64_t at = 0; at < cols;
         at += info.blockInputs, stored += info.blockBytes) {
      if (hasCodes)
        copyCodes(stored, codes + at / layout.codebook->inputs);
      else
        readTrits(storage, stored, &trits[at]);
    }
    // Types of two bits may hold +2.
    auto two = std::find(trits.begin(), trits.end(), 2);
    if (two != trits.end())
      return fail(
          "column " + std::to_string(two - trits.begin()) +
          ": the weight is 2 times its scale, which is not a trit; convert "
          "the tensor to another type");
    if (!hasCodes && !encodeRow(layout, strided, cols, trits.data(), codes))
      return fail("a group of weights is not " +
                  std::string(layout.codebook->name));
    codes += layout.rowGroups(cols);
    scales += layout.rowScales(cols);
  }
  return {};
}
