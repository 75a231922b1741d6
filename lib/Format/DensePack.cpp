//===- DensePack.cpp - Plain weights to packed bytes and back -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PackUtils.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include <cmath>

using namespace sherry::format;

//===----------------------------------------------------------------------===//
// [D1] Numbers
//===----------------------------------------------------------------------===//

/// Calls `use` with the functions from f32 to a stored number and back.
template <typename UseFn> static void withCodec(DenseFormat format, UseFn use) {
  // Each lambda has its own type, so that it is inlined.
  auto keep = [](float number) { return number; };
  if (format == DenseFormat::F32)
    use(keep, keep);
  else if (format == DenseFormat::F16)
    use([](float number) { return f32ToF16(number); },
        [](uint16_t bits) { return f16ToF32(bits); });
  else
    use([](float number) { return f32ToBf16(number); },
        [](uint16_t bits) { return bf16ToF32(bits); });
}

Failure sherry::format::packNumbers(DenseFormat format, int64_t firstRow,
                                    int64_t rows, int64_t cols,
                                    const float *weights, uint8_t *bytes) {
  if (Failure failure = checkFinite(weights, firstRow, rows, cols))
    return failure;
  uint32_t largest = 0;
  for (int64_t i = 0; i < rows * cols; ++i)
    largest = std::max(largest, floatBits(weights[i]) & 0x7fffffff);
  Failure failure;
  withCodec(format, [&](auto encode, auto decode) {
    if (std::isinf(decode(encode(floatFromBits(largest)))))
      failure = "a weight in rows " + std::to_string(firstRow) + " to " +
                std::to_string(firstRow + rows - 1) + " is too large for " +
                nameOf(format) +
                (format == DenseFormat::F16
                     ? "; choose another type"
                     : "; the checkpoint is damaged, export it again");
    for (int64_t tile = 0; !failure && tile * kTileRows < rows; ++tile) {
      const float *from = weights + tile * kTileRows * cols;
      int64_t present = rowsOfTile(tile, rows);
      for (int64_t col = 0; col < cols; ++col)
        for (int64_t row = 0; row < kTileRows; ++row) {
          auto stored = encode(row < present ? from[row * cols + col] : 0);
          store(bytes, 0, stored);
          bytes += sizeof(stored);
        }
    }
  });
  return failure;
}

void sherry::format::unpackNumbers(DenseFormat format, int64_t rows,
                                   int64_t cols, const uint8_t *bytes,
                                   float *weights) {
  withCodec(format, [&](auto encode, auto decode) {
    using Stored = decltype(encode(0.0f));
    for (int64_t row = 0; row < rows; ++row) {
      const uint8_t *tile =
          bytes + row / kTileRows * kTileRows * cols * sizeof(Stored);
      for (int64_t col = 0; col < cols; ++col)
        *weights++ =
            decode(load<Stored>(tile, col * kTileRows + row % kTileRows));
    }
  });
}

//===----------------------------------------------------------------------===//
// [Q1] to [Q3] blocks with scales
//===----------------------------------------------------------------------===//

namespace {

/// The bytes of one super-block of a tile.
class SuperBlock {
public:
  SuperBlock(const QuantFormat &format, int64_t inputs)
      : format(format), inputs(inputs) {}

  /// Stores the numbers of one row.
  void pack(const StoredBlock &numbers, int64_t row, uint8_t *bytes) const;
  void unpack(int64_t row, const uint8_t *bytes, float *weights) const;

private:
  int64_t blocks() const { return ceilDiv(inputs, format.blockInputs); }
  int64_t blockGroups() const { return format.blockInputs / kDotInputs; }
  int64_t groups() const { return inputs / kDotInputs; }
  int64_t blockPlace(int64_t block) const {
    return format.blocksAt() + block * format.blockBytes(format.blockInputs);
  }
  int64_t factorPlace(int64_t block, int64_t row) const {
    int64_t length =
        std::min(format.blockInputs, inputs - block * format.blockInputs);
    return blockPlace(block) + format.scalesAt(length) + row;
  }
  /// Offsets, in the first row, of the low bits and (unless these are all bits)
  /// of the upper bits of a four of inputs, a byte per input.
  struct Place {
    int64_t low, upper;
    int lowShift, upperShift;
  };
  Place placeOf(int64_t group) const;
  unsigned lowMask() const { return 0xff >> (8 - 8 / format.planeGroups()); }
  /// Four integers in their stored form, as the bytes of a word.
  uint32_t addBias(const int8_t *integers) const;
  int64_t loadInteger(const uint8_t *bytes, const Place &place) const;

  const QuantFormat &format;
  int64_t inputs;
};

} // namespace

SuperBlock::Place SuperBlock::placeOf(int64_t group) const {
  int64_t shared = format.planeGroups(), inBlock = group % blockGroups();
  int64_t begin = blockPlace(group / blockGroups());
  return {begin + format.lowPlanesAt() + inBlock / shared * format.kPlaneBytes,
          begin, static_cast<int>(inBlock % shared * (8 / shared)),
          static_cast<int>(inBlock * 2)};
}

/// A 1 in each of four bytes.
static constexpr uint32_t kEachByte = 0x01010101;

uint32_t SuperBlock::addBias(const int8_t *integers) const {
  constexpr uint32_t top = 0x80 * kEachByte;
  uint32_t word;
  std::memcpy(&word, integers, sizeof(word));
  uint32_t bias = static_cast<uint32_t>(format.bias()) * kEachByte;
  // No carry goes from one byte to the next.
  return ((word & ~top) + (bias & ~top)) ^ ((word ^ bias) & top);
}

int64_t SuperBlock::loadInteger(const uint8_t *bytes,
                                const Place &place) const {
  unsigned stored = bytes[place.low] >> place.lowShift & lowMask();
  if (format.bits == 6)
    stored |= (bytes[place.upper] >> place.upperShift & 3) << 4;
  return static_cast<int64_t>(stored) - format.bias();
}

void SuperBlock::pack(const StoredBlock &numbers, int64_t row,
                      uint8_t *bytes) const {
  store(bytes + format.dAt(inputs), row, f32ToF16(numbers.d));
  for (int64_t block = 0; format.hasFactors() && block < blocks(); ++block)
    bytes[factorPlace(block, row)] =
        static_cast<uint8_t>(numbers.factors[block]);
  const int8_t *from = numbers.integers;
  // The number of fours that share a plane is a power of two.
  int64_t last = format.planeGroups() - 1, bits = 8 / (last + 1);
  for (int64_t block = 0; block < blocks(); ++block) {
    int64_t count = std::min(blockGroups(), groups() - block * blockGroups());
    uint8_t *upperPlane = bytes + blockPlace(block) + row * kDotInputs;
    uint8_t *plane = upperPlane + format.lowPlanesAt();
    uint32_t lower = 0, upper = 0;
    for (int64_t group = 0; group < count; ++group, from += kDotInputs) {
      uint32_t word = addBias(from);
      lower |= (word & lowMask() * kEachByte) << ((group & last) * bits);
      if (format.bits == 6)
        upper |= (word >> 4 & 3 * kEachByte) << (2 * group);
      if ((group & last) != last && group + 1 < count)
        continue;
      store(plane, 0, lower);
      plane += QuantFormat::kPlaneBytes;
      lower = 0;
    }
    if (format.bits == 6)
      store(upperPlane, 0, upper);
  }
}

void SuperBlock::unpack(int64_t row, const uint8_t *bytes,
                        float *weights) const {
  float d = f16ToF32(load<uint16_t>(bytes + format.dAt(inputs), row));
  for (int64_t i = 0; i < inputs; ++i) {
    float scale = d;
    if (format.hasFactors())
      scale *=
          static_cast<int8_t>(bytes[factorPlace(i / format.blockInputs, row)]);
    const uint8_t *lane = bytes + row * kDotInputs + i % kDotInputs;
    weights[i] =
        scale * static_cast<float>(loadInteger(lane, placeOf(i / kDotInputs)));
  }
}

/// Packs a matrix; read(row, column, inputs) makes its super-blocks, or fails.
template <typename ReadFn>
static Failure packSuperBlocks(const QuantFormat &format, int64_t rows,
                               int64_t cols, uint8_t *bytes, ReadFn read) {
  std::memset(bytes, 0, format.bytes(rows, cols));
  for (int64_t tile = 0; tile * kTileRows < rows; ++tile) {
    int64_t present = rowsOfTile(tile, rows);
    for (int64_t col = 0; col < cols; col += format.superInputs) {
      int64_t inputs = std::min(format.superInputs, cols - col);
      SuperBlock super(format, inputs);
      for (int64_t row = 0; row < present; ++row) {
        StoredBlock block;
        if (Failure failure = read(tile * kTileRows + row, col, inputs, block))
          return failure;
        super.pack(block, row, bytes);
      }
      // [T2]
      for (int64_t row = present; row < kTileRows; ++row)
        super.pack(StoredBlock{}, row, bytes);
      bytes += format.superBytes(inputs);
    }
  }
  return {};
}

Failure sherry::format::packBlocks(const QuantFormat &format, int64_t firstRow,
                                   int64_t rows, int64_t cols,
                                   const float *weights, uint8_t *bytes) {
  if (Failure failure = checkFinite(weights, firstRow, rows, cols))
    return failure;
  return packSuperBlocks(
      format, rows, cols, bytes,
      [&](int64_t row, int64_t col, int64_t inputs,
          StoredBlock &block) -> Failure {
        block = quantizeBlock(format, weights + row * cols + col, inputs);
        if (std::isinf(block.d))
          return {"row " + std::to_string(firstRow + row) + ", column " +
                      std::to_string(col) +
                      ": weights from here on are too large for " + format.name,
                  FailureKind::BlockRange};
        return {};
      });
}

bool sherry::format::canPackStored(const QuantFormat &format,
                                   TensorType storage) {
  switch (storage) {
  case TensorType::Q8_0:
  case TensorType::Q5_0:
  case TensorType::IQ4_NL:
    return format.bits == 8;
  case TensorType::Q6_K:
    return format.bits == 6;
  case TensorType::Q4_0:
    return format.bits == 4;
  default:
    return false;
  }
}

Failure sherry::format::packStoredBlocks(const QuantFormat &format,
                                         int64_t firstRow, int64_t rows,
                                         int64_t cols, const StoredRow *stored,
                                         uint8_t *bytes) {
  return packSuperBlocks(
      format, rows, cols, bytes,
      [&](int64_t row, int64_t col, int64_t inputs,
          StoredBlock &block) -> Failure {
        // These types have the same blocks as the format.
        const StoredRow &from = stored[row];
        readBlock(from.storage, from.bytes + infoOf(from.storage).rowBytes(col),
                  block);
        if (!std::isfinite(block.d))
          return Failure("row " + std::to_string(firstRow + row) + ", column " +
                         std::to_string(col) +
                         ": the scale of the block is not finite; the file is "
                         "damaged");
        return {};
      });
}

void sherry::format::unpackBlocks(const QuantFormat &format, int64_t rows,
                                  int64_t cols, const uint8_t *bytes,
                                  float *weights) {
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t *at = bytes + row / kTileRows * format.tileBytes(cols);
    for (int64_t col = 0; col < cols; col += format.superInputs) {
      int64_t inputs = std::min(format.superInputs, cols - col);
      SuperBlock(format, inputs).unpack(row % kTileRows, at, weights);
      weights += inputs;
      at += format.superBytes(inputs);
    }
  }
}
