//===- TensorType.cpp - How model files store numbers ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/TensorType.h"
#include "PackUtils.h"
#include "sherry/Format/Float16.h"

#include <cassert>

using namespace sherry::format;

static constexpr TensorTypeInfo kInfos[] = {
    {"F32", 1, 4},       {"F16", 1, 2},       {"BF16", 1, 2},
    {"Q8_0", 32, 34},    {"Q5_0", 32, 22},    {"Q4_0", 32, 18},
    {"IQ4_NL", 32, 18},  {"Q5_1", 32, 24},    {"Q4_1", 32, 20},
    {"Q4_K", 256, 144},  {"Q5_K", 256, 176},  {"Q6_K", 256, 210},
    {"TQ1_0", 256, 54},  {"TQ2_0", 256, 66},  {"Q2_0", 64, 18},
    {"PQ2_0", 128, 34},  {"PTQ1_0", 128, 28}, {"I2_S", 128, 36},
    {"STQ1_0", 256, 42}, {"STQ1_0", 256, 42}, {"U8", 4, 1}};

const TensorTypeInfo &sherry::format::infoOf(TensorType storage) {
  return kInfos[static_cast<int>(storage)];
}

//===----------------------------------------------------------------------===//
// [G2] Integers with a scale
//===----------------------------------------------------------------------===//

/// 32 numbers of four bits; a byte has two numbers that are 16 apart.
static void readNibbles(const uint8_t *bytes, uint8_t *numbers) {
  for (int i = 0; i < 16; ++i) {
    numbers[i] = bytes[i] & 15;
    numbers[16 + i] = bytes[i] >> 4;
  }
}

/// 32 numbers of five bits: first all fifth bits, then the other bits.
static void readFiveBits(const uint8_t *bytes, uint8_t *numbers) {
  auto fifth = load<uint32_t>(bytes, 0);
  readNibbles(bytes + 4, numbers);
  for (int i = 0; i < 32; ++i)
    numbers[i] |= (fifth >> i & 1) << 4;
}

/// The values of the numbers of IQ4_NL.
static constexpr int8_t kLevelsOfIQ4NL[] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Blocks of 32 numbers with a scale in front.
static void readBlockOf32(TensorType storage, const uint8_t *bytes,
                          StoredBlock &block) {
  block.d = loadF16(bytes);
  bytes += 2;
  if (storage == TensorType::Q8_0) {
    std::memcpy(block.integers, bytes, 32);
    return;
  }
  uint8_t numbers[32];
  if (storage == TensorType::Q5_0)
    readFiveBits(bytes, numbers);
  else
    readNibbles(bytes, numbers);
  int bias = storage == TensorType::Q5_0 ? 16 : 8;
  for (int i = 0; i < 32; ++i)
    block.integers[i] = storage == TensorType::IQ4_NL
                            ? kLevelsOfIQ4NL[numbers[i]]
                            : static_cast<int8_t>(numbers[i] - bias);
}

static void readQ6K(const uint8_t *bytes, StoredBlock &block) {
  // From a copy, many bytes can be read at a time.
  uint8_t bits[192];
  std::memcpy(bits, bytes, sizeof(bits));
  int8_t integers[256];
  const uint8_t *low = bits, *high = bits + 128;
  for (int i = 0; i < 16; ++i)
    block.factors[i] = static_cast<int8_t>(bytes[192 + i]);
  block.d = loadF16(bytes + 208);
  // 128 numbers at a time, in four parts of 32.
  for (int at = 0; at < 256; at += 128, low += 64, high += 32)
    for (int run = 0; run < 4; ++run)
      for (int i = 0; i < 32; ++i) {
        int value = (low[i + run % 2 * 32] >> (run / 2 * 4) & 15) |
                    (high[i] >> (2 * run) & 3) << 4;
        integers[at + 32 * run + i] = static_cast<int8_t>(value - 32);
      }
  std::memcpy(block.integers, integers, sizeof(integers));
}

void sherry::format::readBlock(TensorType storage, const uint8_t *bytes,
                               StoredBlock &block) {
  switch (storage) {
  case TensorType::Q8_0:
  case TensorType::Q5_0:
  case TensorType::Q4_0:
  case TensorType::IQ4_NL:
    return readBlockOf32(storage, bytes, block);
  case TensorType::Q6_K:
    return readQ6K(bytes, block);
  default:
    assert(isTernary(storage) && "no type of integers with a scale");
    readTrits(storage, bytes, block.integers);
    block.d = readScale(storage, bytes);
  }
}

//===----------------------------------------------------------------------===//
// [G3] Integers with a scale and a minimum
//===----------------------------------------------------------------------===//

/// Scale and minimum of 32 numbers: eight pairs of 6 bits in 12 bytes.
static void unpackScaleAndMinimum(const uint8_t *packed, int index, int &scale,
                                  int &min) {
  if (index < 4) {
    scale = packed[index] & 63;
    min = packed[index + 4] & 63;
    return;
  }
  scale = (packed[index + 4] & 15) | (packed[index - 4] >> 6) << 4;
  min = packed[index + 4] >> 4 | (packed[index] >> 6) << 4;
}

/// A block of Q4_K or Q5_K.
static void readBlockWithMinimum(bool hasFifthBit, const uint8_t *bytes,
                                 float *out) {
  float d = loadF16(bytes), dMin = loadF16(bytes + 2);
  const uint8_t *fifth = bytes + 16;
  const uint8_t *low = bytes + (hasFifthBit ? 48 : 16);
  for (int run = 0; run < 8; ++run) {
    int scale, min;
    unpackScaleAndMinimum(bytes + 4, run, scale, min);
    float factor = d * static_cast<float>(scale);
    float offset = dMin * static_cast<float>(min);
    for (int i = 0; i < 32; ++i) {
      int bits = low[run / 2 * 32 + i] >> (run % 2 * 4) & 15;
      if (hasFifthBit && (fifth[i] >> run & 1))
        bits += 16;
      *out++ = factor * static_cast<float>(bits) - offset;
    }
  }
}

/// A block of Q4_1 or Q5_1: scale and minimum, which is added.
static void readBlockAboveMinimum(bool hasFifthBit, const uint8_t *bytes,
                                  float *out) {
  float d = loadF16(bytes), min = loadF16(bytes + 2);
  uint8_t numbers[32];
  if (hasFifthBit)
    readFiveBits(bytes + 4, numbers);
  else
    readNibbles(bytes + 4, numbers);
  for (int i = 0; i < 32; ++i)
    out[i] = static_cast<float>(numbers[i]) * d + min;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

static void readNumbers(TensorType storage, const uint8_t *bytes, int64_t cols,
                        float *out) {
  if (storage == TensorType::F32)
    std::memcpy(out, bytes, cols * sizeof(float));
  else if (storage == TensorType::F16)
    for (int64_t i = 0; i < cols; ++i)
      out[i] = f16ToF32(load<uint16_t>(bytes, i));
  else
    for (int64_t i = 0; i < cols; ++i)
      out[i] = bf16ToF32(load<uint16_t>(bytes, i));
}

void sherry::format::readRow(TensorType storage, const uint8_t *bytes,
                             int64_t cols, float *out) {
  const TensorTypeInfo &info = infoOf(storage);
  if (info.blockInputs == 1)
    return readNumbers(storage, bytes, cols, out);
  for (int64_t at = 0; at < cols; at += info.blockInputs,
               bytes += info.blockBytes, out += info.blockInputs) {
    if (storage == TensorType::Q4_K || storage == TensorType::Q5_K) {
      readBlockWithMinimum(storage == TensorType::Q5_K, bytes, out);
      continue;
    }
    if (storage == TensorType::Q4_1 || storage == TensorType::Q5_1) {
      readBlockAboveMinimum(storage == TensorType::Q5_1, bytes, out);
      continue;
    }
    StoredBlock block;
    readBlock(storage, bytes, block);
    for (int64_t i = 0; i < info.blockInputs; ++i) {
      float scale = block.d;
      int64_t part = i / 16;
      if (storage == TensorType::Q6_K)
        scale *= static_cast<float>(block.factors[part]);
      out[i] = scale * static_cast<float>(block.integers[i]);
    }
  }
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static void writeQ6K(const StoredBlock &block, uint8_t *bytes) {
  std::memset(bytes, 0, 192);
  for (int i = 0; i < 256; ++i) {
    int bits = block.integers[i] + 32;
    int half = i / 128, run = i % 128 / 32, place = i % 32;
    bytes[64 * half + place + run % 2 * 32] |= (bits & 15) << (run / 2 * 4);
    bytes[128 + 32 * half + place] |= bits >> 4 << (2 * run);
  }
  for (int i = 0; i < 16; ++i)
    bytes[192 + i] = static_cast<uint8_t>(block.factors[i]);
  store(bytes + 208, 0, f32ToF16(block.d));
}

static void writeBlock(TensorType storage, const float *numbers,
                       uint8_t *bytes) {
  if (storage == TensorType::Q6_K)
    return writeQ6K(quantizeBlock(kQ6_K, numbers, 256), bytes);
  bool isQ8 = storage == TensorType::Q8_0;
  StoredBlock block = quantizeBlock(isQ8 ? kQ8_0 : kQ4_0, numbers, 32);
  store(bytes, 0, f32ToF16(block.d));
  if (isQ8) {
    std::memcpy(bytes + 2, block.integers, 32);
    return;
  }
  for (int i = 0; i < 16; ++i)
    bytes[2 + i] = static_cast<uint8_t>((block.integers[i] + 8) |
                                        (block.integers[16 + i] + 8) << 4);
}

void sherry::format::writeRow(TensorType storage, const float *numbers,
                              int64_t cols, uint8_t *bytes) {
  const TensorTypeInfo &info = infoOf(storage);
  for (int64_t i = 0; i < cols; i += info.blockInputs, bytes += info.blockBytes)
    switch (storage) {
    case TensorType::F32:
      store(bytes, 0, numbers[i]);
      break;
    case TensorType::F16:
      store(bytes, 0, f32ToF16(numbers[i]));
      break;
    case TensorType::BF16:
      store(bytes, 0, f32ToBf16(numbers[i]));
      break;
    case TensorType::Q8_0:
    case TensorType::Q4_0:
    case TensorType::Q6_K:
      writeBlock(storage, numbers + i, bytes);
      break;
    default:
      assert(false && "a type that is only read");
    }
}
