//===- TensorType.cpp - How model files store numbers ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/TensorType.h"
#include "PackUtils.h"
#include "sherry/Format/Codec.h"
#include "sherry/Format/Float16.h"

#include <cassert>

using namespace sherry::format;

static constexpr TensorTypeInfo kInfos[] = {
    {"F32", 1, 4},      {"F16", 1, 2},      {"BF16", 1, 2},
    {"Q8_0", 32, 34},   {"Q5_0", 32, 22},   {"Q4_0", 32, 18},
    {"IQ4_NL", 32, 18}, {"Q5_1", 32, 24},   {"Q4_1", 32, 20},
    {"Q4_K", 256, 144}, {"Q5_K", 256, 176}, {"Q6_K", 256, 210},
    {"TQ1_0", 256, 54}, {"TQ2_0", 256, 66}, {"STQ1_0", 256, 42},
    {"STQ1_0", 256, 42}};

const TensorTypeInfo &sherry::format::infoOf(TensorType storage) {
  return kInfos[static_cast<int>(storage)];
}

static float loadF16(const uint8_t *bytes) {
  return f16ToF32(load<uint16_t>(bytes, 0));
}

//===----------------------------------------------------------------------===//
// [G2] Integers with a scale
//===----------------------------------------------------------------------===//

/// 32 numbers of four bits, two to a byte: those that lie 16 apart.
static void readNibbles(const uint8_t *bytes, uint8_t *numbers) {
  for (int i = 0; i < 16; ++i) {
    numbers[i] = bytes[i] & 15;
    numbers[16 + i] = bytes[i] >> 4;
  }
}

/// 32 numbers of five bits: the fifth ones, then the others.
static void readFiveBits(const uint8_t *bytes, uint8_t *numbers) {
  auto fifth = load<uint32_t>(bytes, 0);
  readNibbles(bytes + 4, numbers);
  for (int i = 0; i < 32; ++i)
    numbers[i] |= (fifth >> i & 1) << 4;
}

/// What the numbers of IQ4_NL stand for.
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
  // Apart from the file's, bytes can be read many at a time.
  uint8_t bits[192];
  std::memcpy(bits, bytes, sizeof(bits));
  int8_t integers[256];
  const uint8_t *low = bits, *high = bits + 128;
  for (int i = 0; i < 16; ++i)
    block.factors[i] = static_cast<int8_t>(bytes[192 + i]);
  block.d = loadF16(bytes + 208);
  // 128 numbers at a time, in four runs of 32.
  for (int at = 0; at < 256; at += 128, low += 64, high += 32)
    for (int run = 0; run < 4; ++run)
      for (int i = 0; i < 32; ++i) {
        int value = (low[i + run % 2 * 32] >> (run / 2 * 4) & 15) |
                    (high[i] >> (2 * run) & 3) << 4;
        integers[at + 32 * run + i] = static_cast<int8_t>(value - 32);
      }
  std::memcpy(block.integers, integers, sizeof(integers));
}

/// Five trits are a number below 243 in base 3, scaled up to a byte.
static void readTQ1(const uint8_t *bytes, StoredBlock &block) {
  static constexpr uint8_t powers[] = {1, 3, 9, 27, 81};
  int8_t *out = block.integers;
  auto readRun = [&](const uint8_t *from, int count, int digits) {
    for (int digit = 0; digit < digits; ++digit)
      for (int i = 0; i < count; ++i) {
        auto shifted = static_cast<uint8_t>(from[i] * powers[digit]);
        *out++ = static_cast<int8_t>((shifted * 3 >> 8) - 1);
      }
  };
  readRun(bytes, 32, 5);
  readRun(bytes + 32, 16, 5);
  readRun(bytes + 48, 4, 4);
  block.d = loadF16(bytes + 52);
}

static void readTQ2(const uint8_t *bytes, StoredBlock &block) {
  int8_t *out = block.integers;
  for (int at = 0; at < 64; at += 32)
    for (int shift = 0; shift < 8; shift += 2)
      for (int i = 0; i < 32; ++i)
        *out++ = static_cast<int8_t>((bytes[at + i] >> shift & 3) - 1);
  block.d = loadF16(bytes + 64);
}

static void readSTQ1(const uint8_t *bytes, StoredBlock &block) {
  for (int group = 0; group < 64; ++group) {
    int nibble = bytes[group / 2] >> (group % 2 * 4) & 15;
    bool isNegative = bytes[32 + group / 8] >> (group % 8) & 1;
    auto trits =
        decodeGroup(static_cast<uint8_t>(nibble | (isNegative ? kSignBit : 0)));
    int first = group / 16 * 64 + group % 16;
    for (int p = 0; p < 4; ++p)
      block.integers[first + 16 * p] = trits[p];
  }
}

float sherry::format::readScale(TensorType storage, const uint8_t *bytes) {
  if (storage == TensorType::STQ1_0)
    return loadF16(bytes + 40);
  return static_cast<float>(load<int16_t>(bytes + 40, 0)) * 0x1p-15f;
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
  case TensorType::TQ1_0:
    return readTQ1(bytes, block);
  case TensorType::TQ2_0:
    return readTQ2(bytes, block);
  case TensorType::STQ1_0:
  case TensorType::STQ1_0_I16:
    readSTQ1(bytes, block);
    block.d = readScale(storage, bytes);
    return;
  default:
    assert(false && "no type of integers with a scale");
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
      if (storage == TensorType::Q6_K)
        scale *= static_cast<float>(block.factors[i / 16]);
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

/// The inverse of readTQ1().
static void writeTQ1(const int8_t *trits, uint8_t *bytes) {
  auto writeRun = [&](uint8_t *to, int count, int digits) {
    for (int i = 0; i < count; ++i) {
      int number = 0;
      for (int digit = 0; digit < 5; ++digit)
        number =
            3 * number + (digit < digits ? trits[digit * count + i] + 1 : 0);
      to[i] = static_cast<uint8_t>((number * 256 + 242) / 243);
    }
    trits += digits * count;
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

static void writeSTQ1(const int8_t *trits, uint8_t *bytes) {
  for (int group = 0; group < 64; ++group) {
    const int8_t *first = trits + group / 16 * 64 + group % 16;
    const int8_t lanes[] = {first[0], first[16], first[32], first[48]};
    int code = encodeGroup(lanes);
    bytes[group / 2] |= (code & 15) << (group % 2 * 4);
    bytes[32 + group / 8] |= (code & kSignBit ? 1 : 0) << (group % 8);
  }
}

void sherry::format::writeTernaryBlock(TensorType storage, const int8_t *trits,
                                       uint16_t scale, uint8_t *bytes) {
  int64_t scalePlace = infoOf(storage).blockBytes - 2;
  std::memset(bytes, 0, scalePlace);
  store(bytes + scalePlace, 0, scale);
  if (storage == TensorType::TQ1_0)
    return writeTQ1(trits, bytes);
  if (storage == TensorType::TQ2_0)
    return writeTQ2(trits, bytes);
  writeSTQ1(trits, bytes);
}
