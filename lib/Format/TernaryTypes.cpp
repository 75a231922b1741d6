//===- TernaryTypes.cpp - How model files store trits ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules [G1], [G2] and [G4] of docs/BlockFormat.md.
//
//===----------------------------------------------------------------------===//
#include "PackUtils.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Float16.h"

using namespace sherry::format;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// TQ1_0 and PTQ1_0. Five trits are a number below 243 in base 3, scaled up to
/// a byte. The first trits of a run of bytes come first, then the second ones.
static void readBase3(const uint8_t *bytes, int64_t inputs, int8_t *out) {
  static constexpr uint8_t powers[] = {1, 3, 9, 27, 81};
  auto readRun = [&](int64_t count, int digits) {
    for (int digit = 0; digit < digits; ++digit)
      for (int64_t i = 0; i < count; ++i) {
        auto shifted = static_cast<uint8_t>(bytes[i] * powers[digit]);
        *out++ = static_cast<int8_t>((shifted * 3 >> 8) - 1);
      }
    bytes += count;
  };
  readRun(inputs / 8, 5);
  readRun(inputs / 16, 5);
  readRun(inputs / 64, 4);
}

/// Q2_0 and PQ2_0: a byte has four adjacent numbers.
static void readNeighbours(const uint8_t *bytes, int64_t inputs, int8_t *out) {
  for (int64_t i = 0; i < inputs; ++i)
    out[i] = static_cast<int8_t>((bytes[i / 4] >> (i % 4 * 2) & 3) - 1);
}

/// TQ2_0: a byte has four of 128 numbers, 32 apart.
static void readTQ2(const uint8_t *bytes, int8_t *out) {
  for (int at = 0; at < 64; at += 32)
    for (int shift = 0; shift < 8; shift += 2)
      for (int i = 0; i < 32; ++i)
        *out++ = static_cast<int8_t>((bytes[at + i] >> shift & 3) - 1);
}

/// As in TQ2_0, except that the first of the four is in the upper bits.
static void readI2S(const uint8_t *bytes, int8_t *out) {
  static constexpr int8_t values[] = {-1, 0, 1, 0};
  for (int shift = 6; shift >= 0; shift -= 2)
    for (int i = 0; i < 32; ++i)
      *out++ = values[bytes[i] >> shift & 3];
}

static void readSTQ1(const uint8_t *bytes, int8_t *out) {
  for (int group = 0; group < 64; ++group) {
    int nibble = bytes[group / 2] >> (group % 2 * 4) & 15;
    int sign = bytes[32 + group / 8] >> (group % 8) & 1;
    Trits trits = k3of4.decode(static_cast<uint8_t>(nibble | sign << 4));
    int first = group / 16 * 64 + group % 16;
    for (int p = 0; p < 4; ++p)
      out[first + 16 * p] = trits[p];
  }
}

void sherry::format::readTrits(TensorType storage, const uint8_t *bytes,
                               int8_t *out) {
  int64_t inputs = infoOf(storage).blockInputs;
  switch (storage) {
  case TensorType::TQ1_0:
  case TensorType::PTQ1_0:
    return readBase3(bytes, inputs, out);
  case TensorType::Q2_0:
  case TensorType::PQ2_0:
    return readNeighbours(bytes + 2, inputs, out);
  case TensorType::TQ2_0:
    return readTQ2(bytes, out);
  case TensorType::I2_S:
    return readI2S(bytes, out);
  default:
    return readSTQ1(bytes, out);
  }
}

float sherry::format::readScale(TensorType storage, const uint8_t *bytes) {
  switch (storage) {
  case TensorType::Q2_0:
  case TensorType::PQ2_0:
    return loadF16(bytes);
  case TensorType::I2_S:
    return load<float>(bytes + 32, 0);
  case TensorType::STQ1_0_I16:
    return static_cast<float>(load<int16_t>(bytes + 40, 0)) * 0x1p-15f;
  default:
    return loadF16(bytes + infoOf(storage).blockBytes - 2);
  }
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// The inverse of readBase3() for TQ1_0.
static void writeTQ1(const int8_t *trits, uint8_t *bytes) {
  auto writeRun = [&](uint8_t *to, int count, int digits) {
    for (int i = 0; i < count; ++i) {
      int number = 0;
      for (int digit = 0; digit < 5; ++digit)
        number =
            3 * number + (digit < digits ? trits[digit * count + i] + 1 : 0);
      to[i] = static_cast<uint8_t>((number * 256 + 242) / 243);
    }
    trits += static_cast<int64_t>(digits) * count;
  };
  writeRun(bytes, 32, 5);
  writeRun(bytes + 32, 16, 5);
  writeRun(bytes + 48, 4, 4);
}

static void writeTQ2(const int8_t *trits, uint8_t *bytes) {
  for (int at = 0; at < 64; at += 32)
    for (int shift = 0; shift < 8; shift += 2)
      for (int i = 0; i < 32; ++i)
        bytes[at + i] |= (*trits++ + 1) << shift;
}

/// The inverse of readNeighbours().
static void writeNeighbours(const int8_t *trits, int64_t inputs,
                            uint8_t *bytes) {
  for (int64_t i = 0; i < inputs; ++i)
    bytes[i / 4] |= (trits[i] + 1) << (i % 4 * 2);
}

static void writeSTQ1(const int8_t *trits, uint8_t *bytes) {
  for (int64_t group = 0; group < 64; ++group) {
    const int8_t *first = trits + group / 16 * 64 + group % 16;
    const int8_t lanes[] = {first[0], first[16], first[32], first[48]};
    int code = k3of4.encode(lanes, 4);
    bytes[group / 2] |= (code & 15) << (group % 2 * 4);
    bytes[32 + group / 8] |= (code >> 4 & 1) << (group % 8);
  }
}

void sherry::format::writeTernaryBlock(TensorType storage, const int8_t *trits,
                                       uint16_t scale, uint8_t *bytes) {
  const TensorTypeInfo &info = infoOf(storage);
  std::memset(bytes, 0, info.blockBytes);
  if (storage == TensorType::Q2_0) {
    store(bytes, 0, scale);
    return writeNeighbours(trits, info.blockInputs, bytes + 2);
  }
  store(bytes + info.blockBytes - 2, 0, scale);
  if (storage == TensorType::TQ1_0)
    return writeTQ1(trits, bytes);
  if (storage == TensorType::TQ2_0)
    return writeTQ2(trits, bytes);
  writeSTQ1(trits, bytes);
}
