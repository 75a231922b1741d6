//===- Layout.h - Geometry of the packed bytes ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The geometry of the packed weight formats. The packers write the bytes; the
// lowering makes the code that reads them. docs/BlockFormat.md is the normative
// text; labels such as [T3] refer to it.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_LAYOUT_H
#define SHERRY_FORMAT_LAYOUT_H

#include "sherry/Format/Codebook.h"

#include <cstdint>

namespace sherry::format {

/// Inputs of a dot product of bytes. Planes of plain weights, panels of trits
/// and quantized activations are stored in fours.
inline constexpr int64_t kDotInputs = 4;
/// [T1] Inputs that make 16 strided groups of four: group i has the inputs i,
/// i + 16, i + 32 and i + 48.
inline constexpr int64_t kStridedInputs = 64;
inline constexpr int64_t kGroupStride = kStridedInputs / kDotInputs;
/// [T2] Outputs of a tile. A matrix is padded to whole tiles with outputs of
/// code 0 and scale 0, which contribute exact zeros.
inline constexpr int64_t kTileRows = 32;
/// [T3] Groups of a full step: 320 bytes per tile, or 384 with signs apart.
inline constexpr int64_t kStepGroups = 16;
/// [T4] Most inputs of a chunk, which is summed in integers: 256 * 127 < 2^15.
inline constexpr int64_t kMaxChunkInputs = 256;

enum class Granularity { PerTensor, PerChannel, PerGroup };
enum class ScaleType { F16, F32 };
constexpr int64_t sizeOf(ScaleType type) {
  return type == ScaleType::F16 ? 2 : 4;
}

/// The order in which the codes of a step, 16 groups and 32 outputs, are
/// stored.
///  Words    16-bit words per output, each with three codes and one bit of a
///           further code: for a 32-entry table lookup (AVX-512 vpermw).
///  Nibbles  codes without their signs as 4-bit fields, and a word of sign bits
///           per output: for a 16-entry byte lookup (AVX2 vpshufb).
enum class CodeOrder { Words, Nibbles };

constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

/// The distance, in columns, of rows of activations or logits in memory. It is
/// a multiple of a tile, so that kernels may write whole tiles, and not a
/// multiple of 2 KiB, so that a cache can hold the same columns of many rows.
constexpr int64_t rowStride(int64_t cols, int64_t bytesPerColumn) {
  int64_t stride = roundUp(cols, kTileRows);
  return stride * bytesPerColumn % 2048 == 0 ? stride + kTileRows : stride;
}

inline constexpr int64_t kMaxInterleave = 16;

/// [T6] Words of an output in a step of `groups` groups, 1 <= groups <= 16. A
/// word has three codes and one more bit. One or two further codes are in a
/// byte, and in these bits of the words. A full step has no byte; these bits
/// make its sixteenth code.
constexpr int64_t stepWords(int64_t groups) {
  int64_t words = groups / 3;
  return groups % 3 == 2 && words < 2 ? words + 1 : words;
}
constexpr bool hasStepByte(int64_t groups) {
  return groups < kStepGroups && groups > 3 * stepWords(groups);
}
/// Number of words whose top bits make the last group's code, highest bit
/// first.
constexpr int64_t stepTopBits(int64_t groups) {
  if (groups == kStepGroups)
    return stepWords(groups);
  return hasStepByte(groups) && groups % 3 == 2 ? 2 : 0;
}

/// [T7] The output of byte b of a vector of nibbles: 0..7, 16..23, 8..15,
/// 24..31. The map exchanges the middle two quarters, so it is its own inverse.
constexpr int64_t nibbleRow(int64_t byte) {
  return byte < 8 || byte >= 24 ? byte : byte < 16 ? byte + 8 : byte - 8;
}

/// [T7] Whether the nibble of the last group of a step is stored with the
/// signs. Other nibbles are in vectors of two groups each.
constexpr bool isNibbleBesideSigns(int64_t groups) {
  return groups % 2 == 1 && groups <= 12;
}
constexpr int64_t stepNibbles(int64_t groups) {
  return isNibbleBesideSigns(groups) ? groups / 2 : ceilDiv(groups, 2);
}

/// Bytes of the signs of a tile: a 16-bit word per output, with a bit for each
/// group of a step.
inline constexpr int64_t kSignBytes = 2 * kTileRows;

/// Layout of one ternary matrix [rows][cols]; cols is a multiple of 4. Rows are
/// outputs, columns inputs.
///
/// [T5] The bytes are a sequence of super-tiles of `interleave` tiles (the last
/// has the remaining tiles). A super-tile holds, for each scale group in order:
/// for each chunk of the scale group, for each step of the chunk, for each
/// tile: the step's bytes; then for each tile: 32 scales, row by row.
struct TernaryLayout {
  CodeOrder order = CodeOrder::Words;
  ScaleType scaleType = ScaleType::F16;
  Granularity granularity = Granularity::PerGroup;
  int64_t groupSize = 128; ///< inputs per scale; meaningful if PerGroup
  int64_t interleave = 4;  ///< tiles per super-tile, at most kMaxInterleave
  const Codebook *codebook = &k3of4;

  /// Inputs per scale group of a row of `cols` inputs. The last scale group of
  /// a row is shorter if this does not divide cols. PerTensor is stored like
  /// PerChannel, with the same scale in every row.
  constexpr int64_t scaleGroupInputs(int64_t cols) const {
    return granularity == Granularity::PerGroup && groupSize < cols ? groupSize
                                                                    : cols;
  }
  constexpr int64_t scaleBytes() const { return kTileRows * sizeOf(scaleType); }
  /// Scales of a row.
  constexpr int64_t rowScales(int64_t cols) const {
    return ceilDiv(cols, scaleGroupInputs(cols));
  }
  /// [T4] Groups of a scale group, chunk or step of `inputs` inputs. The last
  /// group of a chunk may have fewer inputs.
  constexpr int64_t groups(int64_t inputs) const {
    return inputs / kMaxChunkInputs *
               ceilDiv(kMaxChunkInputs, codebook->inputs) +
           ceilDiv(inputs % kMaxChunkInputs, codebook->inputs);
  }
  /// Groups of a row.
  constexpr int64_t rowGroups(int64_t cols) const {
    int64_t g = scaleGroupInputs(cols);
    return cols / g * groups(g) + groups(cols % g);
  }
  /// Inputs of a full step.
  constexpr int64_t stepInputs() const {
    return kStepGroups * codebook->inputs;
  }
  /// Bytes of one tile's step of `groups` groups, 1 <= groups <= 16. A step
  /// of fewer than 16 groups ends a chunk.
  constexpr int64_t stepBytes(int64_t groups) const {
    int64_t apart = codebook->hasSignApart() ? kSignBytes : 0;
    if (order == CodeOrder::Words)
      return (2 * stepWords(groups) + (hasStepByte(groups) ? 1 : 0)) *
                 kTileRows +
             apart;
    return stepNibbles(groups) * kTileRows + kSignBytes + apart;
  }
  /// Lookup tables of a group. Tables for nibbles have 16 entries each.
  constexpr int64_t groupTables() const {
    return order == CodeOrder::Nibbles && codebook->hasSignApart() ? 2 : 1;
  }
  /// Bytes of one tile's chunk of `inputs` inputs, without scales.
  constexpr int64_t chunkBytes(int64_t inputs) const {
    int64_t count = groups(inputs), rest = count % kStepGroups;
    return count / kStepGroups * stepBytes(kStepGroups) +
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

/// A plain format with a scale per block of consecutive inputs of a row [Q1].
/// Names and numbers are those of GGUF; the order of the bytes is not.
struct QuantFormat {
  const char *name;
  int64_t bits;        ///< bits of an integer: 8, 6 or 4
  int64_t blockInputs; ///< inputs that share a scale
  /// Inputs of a super-block, which share a number d. If the super-block is one
  /// block, d is its scale; else each block multiplies d by an 8-bit factor.
  int64_t superInputs;

  constexpr bool hasFactors() const { return superInputs > blockInputs; }
  static constexpr int64_t kScaleBytes = sizeOf(ScaleType::F16); ///< of one d
  /// The number that is added to an integer to store it.
  constexpr int64_t bias() const { return int64_t{1} << (bits - 1); }
  /// Whether there are as many positive integers as negative integers; else
  /// there is one more negative integer.
  constexpr bool isSymmetric() const { return bits == 8; }
  constexpr int64_t smallest() const { return bits == 8 ? -127 : -bias(); }
  constexpr int64_t largest() const { return bias() - 1; }

  /// [Q2] Integers are stored in planes of 128 bytes, one byte for each of 32
  /// rows and of four inputs. A plane holds the upper two bits of up to four
  /// fours of a block (6 bits only), the low four bits of two fours, or all
  /// bits of one four.
  static constexpr int64_t kPlaneBytes = kTileRows * kDotInputs;
  constexpr bool hasUpperPlanes() const { return bits == 6; }
  /// Fours whose low bits share a plane.
  constexpr int64_t planeGroups() const { return bits == 8 ? 1 : 2; }
  /// Bytes of the planes with the low or all bits of a block of `inputs`
  /// inputs.
  constexpr int64_t lowBytes(int64_t inputs) const {
    return ceilDiv(inputs / kDotInputs, planeGroups()) * kPlaneBytes;
  }
  /// [Q3] A matrix [rows][cols] has, for each tile of 32 rows, for each
  /// super-block (the last, and its last block, may be shorter; both are
  /// multiples of 4): 32 numbers d if blocks have factors; then, for each
  /// block, its upper plane if it has one, its low planes, and row by row its
  /// factors or, if it is the super-block, its numbers d. Kernels read the
  /// bytes in this order, which prefetchers of a CPU follow. Offsets in a block
  /// of `inputs` inputs: low planes, and factors or d.
  constexpr int64_t lowPlanesAt() const {
    return hasUpperPlanes() ? kPlaneBytes : 0;
  }
  constexpr int64_t scalesAt(int64_t inputs) const {
    return lowPlanesAt() + lowBytes(inputs);
  }
  constexpr int64_t blockBytes(int64_t inputs) const {
    return scalesAt(inputs) + kTileRows * (hasFactors() ? 1 : kScaleBytes);
  }
  /// Offsets in a super-block: its first block, and d.
  constexpr int64_t blocksAt() const {
    return hasFactors() ? kTileRows * kScaleBytes : 0;
  }
  constexpr int64_t dAt(int64_t inputs) const {
    return hasFactors() ? 0 : scalesAt(inputs);
  }
  /// Bytes of a tile of a super-block.
  constexpr int64_t superBytes(int64_t inputs) const {
    int64_t rest = inputs % blockInputs;
    return blocksAt() + inputs / blockInputs * blockBytes(blockInputs) +
           (rest ? blockBytes(rest) : 0);
  }
  constexpr int64_t tileBytes(int64_t cols) const {
    int64_t rest = cols % superInputs;
    return cols / superInputs * superBytes(superInputs) +
           (rest ? superBytes(rest) : 0);
  }
  constexpr int64_t bytes(int64_t rows, int64_t cols) const {
    return ceilDiv(rows, kTileRows) * tileBytes(cols);
  }
};

inline constexpr QuantFormat kQ8_0{"q8_0", 8, 32, 32};
inline constexpr QuantFormat kQ6_K{"q6_K", 6, 16, 256};
inline constexpr QuantFormat kQ4_0{"q4_0", 4, 32, 32};

static_assert(TernaryLayout{}.stepBytes(16) == 320, "5 bits per group");
static_assert(TernaryLayout{CodeOrder::Nibbles}.stepBytes(16) == 320,
              "5 bits per group");
static_assert(kQ8_0.bytes(32, 256) == int64_t{32} * 8 * 34,
              "8.5 bits per weight");
static_assert(kQ6_K.bytes(32, 256) == int64_t{32} * 210,
              "6.5625 bits per weight");
static_assert(kQ4_0.bytes(32, 256) == int64_t{32} * 8 * 18,
              "4.5 bits per weight");
static_assert(kQ8_0.bias() > 1 && kQ6_K.bias() > 1 && kQ4_0.bias() > 1,
              "1 is the bias of trits");

} // namespace sherry::format

#endif // SHERRY_FORMAT_LAYOUT_H
