//===- TensorType.h - How model files store numbers -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element types of tensors in safetensors and GGUF files. Block types hold
// a fixed number of consecutive numbers of a row in a fixed number of bytes;
// their layouts are those of ggml and its descendants. docs/BlockFormat.md
// describes them under [G1] to [G4].
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_FORMAT_TENSORTYPE_H
#define SHERRY_FORMAT_TENSORTYPE_H

#include <cstdint>

namespace sherry::format {

enum class TensorType {
  F32,
  F16,
  BF16,
  Q8_0,
  Q5_0,
  Q4_0,
  IQ4_NL,
  Q5_1,
  Q4_1,
  Q4_K,
  Q5_K,
  Q6_K,
  TQ1_0,
  TQ2_0,
  Q2_0,
  PQ2_0, ///< also the old Q2_0: 128 numbers per block
  PTQ1_0,
  I2_S,       ///< in memory, each block has the tensor's f32 scale
  STQ1_0,     ///< scale in f16
  STQ1_0_I16, ///< scale in 1/32768
  Trits       ///< of BitNet folders: four rows per byte, scale elsewhere
};

struct TensorTypeInfo {
  const char *name;
  int64_t blockInputs; ///< numbers per block; 1: no blocks
  int64_t blockBytes;

  /// Bytes of a row, whose length is a multiple of blockInputs.
  constexpr int64_t rowBytes(int64_t cols) const {
    return cols / blockInputs * blockBytes;
  }
};
const TensorTypeInfo &infoOf(TensorType storage);

/// Whether the numbers are trits times a scale per block. Q2_0 and PQ2_0 can
/// also hold +2; code that needs trits refuses it.
constexpr bool isTernary(TensorType storage) {
  switch (storage) {
  case TensorType::TQ1_0:
  case TensorType::TQ2_0:
  case TensorType::Q2_0:
  case TensorType::PQ2_0:
  case TensorType::PTQ1_0:
  case TensorType::I2_S:
  case TensorType::STQ1_0:
  case TensorType::STQ1_0_I16:
    return true;
  default:
    return false;
  }
}
/// Whether scales of a ternary type need f32.
constexpr bool hasWideScale(TensorType storage) {
  return storage == TensorType::I2_S || storage == TensorType::STQ1_0_I16;
}
/// Whether groups of four inputs are 16 apart [T1].
constexpr bool isStrided(TensorType storage) {
  return storage == TensorType::STQ1_0 || storage == TensorType::STQ1_0_I16;
}

/// Whether numbers are d * q + m with a minimum m of their own.
constexpr bool hasMinimum(TensorType storage) {
  return storage == TensorType::Q4_1 || storage == TensorType::Q5_1 ||
         storage == TensorType::Q4_K || storage == TensorType::Q5_K;
}
/// Whether writeRow or writeTernaryBlock can write the type.
constexpr bool canWrite(TensorType storage) {
  if (isTernary(storage))
    return storage == TensorType::TQ1_0 || storage == TensorType::TQ2_0 ||
           storage == TensorType::Q2_0 || storage == TensorType::STQ1_0;
  return !hasMinimum(storage) && storage != TensorType::Q5_0 &&
         storage != TensorType::IQ4_NL && storage != TensorType::Trits;
}

/// Most numbers in a block.
inline constexpr int64_t kMaxStoredInputs = 256;

/// [G2] A block of a type whose numbers are d * integer, or d * factor *
/// integer with a factor for every 16 numbers (Q6_K).
struct StoredBlock {
  float d;
  int8_t factors[16];
  int8_t integers[kMaxStoredInputs];
};
/// Reads a block of Q8_0, Q5_0, Q4_0, IQ4_NL, Q6_K or a ternary type.
void readBlock(TensorType storage, const uint8_t *bytes, StoredBlock &block);

/// The scale of a block of a ternary type.
float readScale(TensorType storage, const uint8_t *bytes);

/// Writes the `cols` numbers of a row, a multiple of blockInputs. Products are
/// rounded to f32 in the order of the definition, as in ggml.
void readRow(TensorType storage, const uint8_t *bytes, int64_t cols,
             float *out);

/// Writes `cols` numbers, a multiple of blockInputs, as a row of F32, F16,
/// BF16, Q8_0, Q4_0 or Q6_K: rounded to nearest, with the scales of [Q4].
void writeRow(TensorType storage, const float *numbers, int64_t cols,
              uint8_t *bytes);

/// Writes a block of TQ1_0, TQ2_0, Q2_0 or STQ1_0 from its trits and the bits
/// of its scale. Groups of STQ1_0 must have exactly one zero.
void writeTernaryBlock(TensorType storage, const int8_t *trits, uint16_t scale,
                       uint8_t *bytes);

} // namespace sherry::format

#endif // SHERRY_FORMAT_TENSORTYPE_H
