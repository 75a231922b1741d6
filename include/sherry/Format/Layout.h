//===- Layout.h - Where each weight lies in the packed bytes ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The geometry of the packed weight formats, used by the packers (which write
// the bytes) and by the lowering (which makes the code that reads them). The
// normative text is docs/BlockFormat.md; labels such as [T3] refer to it.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_LAYOUT_H
#define SHERRY_FORMAT_LAYOUT_H

#include <cstdint>

namespace sherry::format {

/// [T1] Four weights along the input axis make one group, one 5-bit code.
inline constexpr int64_t kGroupInputs = 4;
/// [T2] Rows (output channels) of a tile. Row counts are padded to whole tiles
/// with rows of code 0 and scale 0, which contribute exact zeros.
inline constexpr int64_t kTileRows = 32;
/// [T3] Groups of a full step: 16 groups, 64 inputs, 320 bytes per tile.
inline constexpr int64_t kStepGroups = 16;
/// [T4] Most inputs of a chunk, the unit that is summed in integers: 64 groups
/// of at most 3 * 127 each stay below 2^15.
inline constexpr int64_t kMaxChunkInputs = 256;
/// [Q1] Inputs of a q8_0 block.
inline constexpr int64_t kQ8BlockInputs = 32;

enum class Granularity { PerTensor, PerChannel, PerGroup };
enum class ScaleType { F16, F32 };

/// How the 16 codes of a step and 32 rows become bytes.
///  Words    five 16-bit words per row, three codes each and one bit of the
///           sixteenth: made for a 32-entry table lookup (AVX-512 vpermw).
///  Nibbles  sign-less codes as 4-bit fields and a word of sign bits per row:
///           made for a 16-entry byte lookup (AVX2 vpshufb).
enum class CodeOrder { Words, Nibbles };

constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

/// Layout of one ternary matrix [rows][cols]; cols is a multiple of 4.
///
/// [T5] The bytes are a sequence of super-tiles of `interleave` tiles (the last
/// one has the tiles that are left). A super-tile holds, for each scale group
/// in order: for each chunk of the scale group, for each step of the chunk, for
/// each tile: the step's bytes; then for each tile: 32 scales, row by row.
struct TernaryLayout {
  CodeOrder order = CodeOrder::Words;
  ScaleType scaleType = ScaleType::F16;
  Granularity granularity = Granularity::PerGroup;
  int64_t groupSize = 128; ///< inputs per scale; meaningful if PerGroup
  int64_t interleave = 4;  ///< tiles per super-tile

  /// Inputs per scale group of a row of `cols` inputs. The last scale group of
  /// a row is shorter if this does not divide cols. PerTensor is stored like
  /// PerChannel, with the same scale in every row.
  constexpr int64_t scaleGroupInputs(int64_t cols) const {
    return granularity == Granularity::PerGroup && groupSize < cols ? groupSize
                                                                    : cols;
  }
  constexpr int64_t scaleBytes() const {
    return kTileRows * (scaleType == ScaleType::F16 ? 2 : 4);
  }
  /// Bytes of one tile's step of `groups` groups, 1 <= groups <= 16. A step
  /// of fewer than 16 groups ends a chunk.
  constexpr int64_t stepBytes(int64_t groups) const {
    if (order == CodeOrder::Words)
      return (groups == kStepGroups ? 5 : ceilDiv(groups, 3)) * 2 * kTileRows;
    return ceilDiv(groups, 2) * kTileRows + 2 * kTileRows;
  }
  /// Bytes of one tile's chunk of `inputs` inputs, without scales.
  constexpr int64_t chunkBytes(int64_t inputs) const {
    int64_t groups = inputs / kGroupInputs, rest = groups % kStepGroups;
    return groups / kStepGroups * stepBytes(kStepGroups) +
           (rest ? stepBytes(rest) : 0);
  }
  /// Bytes of one tile's scale group of `inputs` inputs, scales included.
  constexpr int64_t scaleGroupBytes(int64_t inputs) const {
    int64_t rest = inputs % kMaxChunkInputs;
    return inputs / kMaxChunkInputs * chunkBytes(kMaxChunkInputs) +
           (rest ? chunkBytes(rest) : 0) + scaleBytes();
  }
  /// Bytes of one tile of a matrix with `cols` inputs.
  constexpr int64_t tileBytes(int64_t cols) const {
    int64_t g = scaleGroupInputs(cols), rest = cols % g;
    return cols / g * scaleGroupBytes(g) + (rest ? scaleGroupBytes(rest) : 0);
  }
  constexpr int64_t bytes(int64_t rows, int64_t cols) const {
    return ceilDiv(rows, kTileRows) * tileBytes(cols);
  }
};

/// [D1] bf16 matrix [rows][cols]: for each tile of 32 rows, for each input: 32
/// bf16, row by row. Rows that pad the last tile are zero.
constexpr int64_t bf16Bytes(int64_t rows, int64_t cols) {
  return roundUp(rows, kTileRows) * cols * 2;
}

/// [Q2] q8_0 matrix [rows][cols]: for each tile of 32 rows, for each block of
/// 32 inputs (the last may be shorter, a multiple of 4): for each group of 4
/// inputs, for each row: 4 bytes, the weight plus 128; then 32 f16 scales, row
/// by row. Padding rows hold weight 0 (byte 128) and scale 0.
constexpr int64_t q8BlockBytes(int64_t inputs) {
  return kTileRows * inputs + kTileRows * 2;
}
constexpr int64_t q8TileBytes(int64_t cols) {
  return kTileRows * cols + ceilDiv(cols, kQ8BlockInputs) * kTileRows * 2;
}
constexpr int64_t q8Bytes(int64_t rows, int64_t cols) {
  return ceilDiv(rows, kTileRows) * q8TileBytes(cols);
}

static_assert(TernaryLayout{}.stepBytes(16) == 320, "5 bits per group");
static_assert(TernaryLayout{CodeOrder::Nibbles}.stepBytes(16) == 320,
              "5 bits per group");

} // namespace sherry::format

#endif // SHERRY_FORMAT_LAYOUT_H
