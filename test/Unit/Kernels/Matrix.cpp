//===- Matrix.cpp - Weights, activations and their scalar product ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Matrix.h"
#include "sherry/Format/Codebook.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>

using namespace sherry;
using format::Granularity;
using format::ScaleType;

/// An integer out of low..high.
static int64_t draw(std::mt19937 &random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % (high - low + 1));
}

/// A number out of [-1, 1) that uses all bits of f32.
static float drawReal(std::mt19937 &random) {
  return static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31f;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Sums of dense weights fill the 24 bits of f32, so their exact scales are 1.
static float drawExactScale(const Shape &shape, std::mt19937 &random) {
  return shape.kind == WeightKind::Ternary
             ? std::ldexp(1.0f, static_cast<int>(draw(random, -1, 1)))
             : 1;
}

static float roundToF16(float value) {
  return format::f16ToF32(format::f32ToF16(value));
}

static float roundTo(format::DenseFormat numbers, float value) {
  switch (numbers) {
  case format::DenseFormat::F32:
    return value;
  case format::DenseFormat::F16:
    return roundToF16(value);
  default:
    return format::bf16ToF32(format::f32ToBf16(value));
  }
}

static float drawScale(const Shape &shape, Operands operands,
                       std::mt19937 &random) {
  if (shape.kind == WeightKind::Numbers)
    return 1;
  if (operands == Operands::Exact)
    return drawExactScale(shape, random);
  float scale = 0.01f + std::abs(drawReal(random));
  bool isF16 = shape.kind == WeightKind::Blocks ||
               shape.layout.scaleType == ScaleType::F16;
  return isF16 ? roundToF16(scale) : scale;
}

/// The scales of a row in a format with factors: multiples of a number that
/// super-blocks share, one of them the largest that there is.
static void drawFactors(const Shape &shape, std::mt19937 &random,
                        llvm::MutableArrayRef<float> scales) {
  int64_t blocks =
      shape.quantFormat->superInputs / shape.quantFormat->blockInputs;
  while (!scales.empty()) {
    auto super = scales.take_front(blocks);
    float shared = roundToF16(drawReal(random) / 128);
    for (float &scale : super)
      scale = shared * static_cast<float>(draw(random, -127, 127));
    super[draw(random, 0, static_cast<int64_t>(super.size()) - 1)] =
        shared * -128;
    scales = scales.drop_front(super.size());
  }
}

/// The input that is number `place` in the order of groups.
static int64_t inputOf(const Shape &shape, int64_t place) {
  if (!shape.strided)
    return place;
  return place / 64 * 64 + place % 64 / 4 + place % 4 * 16;
}

/// `size` values of a row. `sign` -1 or 1: as small or large as they can be.
static void drawValues(const Shape &shape, Operands operands, int64_t sign,
                       int64_t size, float *values, std::mt19937 &random) {
  if (shape.kind == WeightKind::Ternary) {
    const format::Codebook &codebook = *shape.layout.codebook;
    bool isDense = codebook.kept == 0;
    for (int64_t i = 0; i < size; ++i)
      values[i] = static_cast<float>(sign      ? sign
                                     : isDense ? draw(random, -1, 1)
                                               : draw(random, 0, 1) * 2 - 1);
    for (int64_t i = 0; i < size && !isDense; i += codebook.inputs) {
      int64_t count = std::min(codebook.inputs, size - i);
      for (int64_t zeros = 0; zeros < count - codebook.kept;) {
        float &value = values[inputOf(shape, i + draw(random, 0, count - 1))];
        zeros += value != 0;
        value = 0;
      }
    }
    return;
  }
  bool isSymmetric = !shape.quantFormat || shape.quantFormat->bits == 8;
  int64_t high =
      shape.quantFormat ? (1 << (shape.quantFormat->bits - 1)) - 1 : 127;
  int64_t low = isSymmetric ? -high : -high - 1;
  for (int64_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(sign == 0  ? draw(random, low, high)
                                   : sign < 0 ? low
                                              : high);
    if (shape.kind == WeightKind::Numbers && operands == Operands::Arbitrary)
      values[i] = roundTo(shape.numbers, drawReal(random));
  }
  // [Q4] makes a scale of the largest value.
  if (shape.kind == WeightKind::Blocks)
    values[draw(random, 0, size - 1)] =
        static_cast<float>(sign <= 0 || !isSymmetric ? low : high);
}

Weights::Weights(const Shape &shape, Operands operands, std::mt19937 &random)
    : shape(shape), values(shape.rows * shape.cols) {
  for (int64_t row = 0; row < shape.rows; ++row) {
    int64_t sign = row == 0 ? 1 : row == 1 ? -1 : 0;
    for (const InputBlock &block : shape.blocks())
      drawValues(shape, operands, sign, block.size,
                 &values[row * shape.cols + block.begin], random);
    for (int64_t group = 0; group < shape.scaleGroups(); ++group)
      scales.push_back(drawScale(shape, operands, random));
    if (shape.kind == WeightKind::Blocks && shape.quantFormat->hasFactors() &&
        operands == Operands::Arbitrary)
      drawFactors(
          shape, random,
          llvm::MutableArrayRef<float>(scales).take_back(shape.scaleGroups()));
  }
  if (shape.kind == WeightKind::Ternary &&
      shape.layout.granularity == Granularity::PerTensor)
    std::fill(scales.begin(), scales.end(), scales.front());
}

void Weights::pack(uint8_t *bytes) const {
  int64_t rows = shape.rows, cols = shape.cols;
  if (shape.kind == WeightKind::Ternary) {
    std::vector<int8_t> trits(values.begin(), values.end());
    int64_t rowGroups = shape.layout.rowGroups(cols);
    std::vector<uint8_t> codes(rows * rowGroups);
    for (int64_t row = 0; row < rows; ++row)
      if (!format::encodeRow(shape.layout, shape.strided, cols,
                             &trits[row * cols], &codes[row * rowGroups]))
        llvm_unreachable("trits without a code");
    format::packTernary(shape.layout, rows, cols, codes.data(), scales.data(),
                        bytes);
    return;
  }
  std::vector<float> products(values);
  for (int64_t row = 0; row < rows; ++row)
    for (const InputBlock &block : shape.blocks())
      for (int64_t i = 0; i < block.size; ++i)
        products[row * cols + block.begin + i] *=
            scales[row * shape.scaleGroups() + block.scaleGroup];
  format::Failure failure =
      shape.quantFormat ? format::packBlocks(*shape.quantFormat, 0, rows, cols,
                                             products.data(), bytes)
                        : format::packNumbers(shape.numbers, 0, rows, cols,
                                              products.data(), bytes);
  EXPECT_FALSE(failure) << *failure;
}

std::vector<float> sherry::makeActivations(const Shape &shape,
                                           Operands operands, int64_t tokens,
                                           std::mt19937 &random) {
  std::vector<float> result(tokens * shape.cols);
  for (int64_t token = 0; token < tokens; ++token) {
    float rowScale = drawExactScale(shape, random);
    for (const InputBlock &block : shape.blocks()) {
      float *values = &result[token * shape.cols + block.begin];
      // A block without any magnitude has no scale to divide by.
      if (token != 0 && draw(random, 0, 7) == 0)
        continue;
      if (operands == Operands::Arbitrary) {
        for (int64_t i = 0; i < block.size; ++i)
          values[i] = token == 0 ? 3.7f : drawReal(random);
        continue;
      }
      float scale = shape.perToken ? rowScale : drawExactScale(shape, random);
      for (int64_t i = 0; i < block.size; ++i)
        values[i] = scale * static_cast<float>(
                                token == 0 ? 127 : draw(random, -127, 127));
      values[draw(random, 0, block.size - 1)] = 127 * scale;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

std::vector<float> sherry::exactProduct(const Weights &weights,
                                        llvm::ArrayRef<float> activations) {
  const Shape &shape = weights.shape;
  std::vector<float> result;
  for (int64_t row = 0; row < shape.rows; ++row) {
    // Quarters: exact scales of weights and activations are halves at least.
    int64_t sum = 0;
    for (const InputBlock &block : shape.blocks()) {
      float scale =
          weights.scales[row * shape.scaleGroups() + block.scaleGroup];
      for (int64_t i = block.begin; i < block.begin + block.size; ++i)
        sum += static_cast<int64_t>(2 * scale) *
               static_cast<int64_t>(weights.values[row * shape.cols + i]) *
               static_cast<int64_t>(2 * activations[i]);
    }
    // So that f32 sums of any order are exact; dense products are integers.
    int64_t unit = shape.kind == WeightKind::Ternary ? 1 : 4;
    EXPECT_LT(std::abs(sum), unit << 24);
    result.push_back(static_cast<float>(sum) / 4);
  }
  return result;
}

std::vector<float> sherry::quantizedProduct(const Weights &weights,
                                            llvm::ArrayRef<float> activations,
                                            bool hasFma) {
  const Shape &shape = weights.shape;
  std::vector<float> result(shape.rows);
  auto findLargest = [](llvm::ArrayRef<float> values, float least) {
    for (float x : values)
      least = std::max(least, std::abs(x));
    return least;
  };
  for (const InputBlock &block : shape.blocks()) {
    llvm::ArrayRef<float> inputs = activations.slice(block.begin, block.size);
    // As transformers' ActQuant has it: x * (127 / max(max |x|, 1e-5)).
    float largest = shape.perToken ? findLargest(activations, 1e-5F)
                                   : findLargest(inputs, 0);
    float inverse = largest == 0 ? 0 : 127 / largest;
    // 22 binary digits.
    float scale =
        format::floatFromBits(format::floatBits(largest / 127) & ~uint32_t(3));
    for (int64_t row = 0; row < shape.rows; ++row) {
      int64_t sum = 0;
      for (int64_t i = 0; i < block.size; ++i)
        sum += static_cast<int64_t>(std::nearbyint(inputs[i] * inverse)) *
               static_cast<int64_t>(
                   weights.values[row * shape.cols + block.begin + i]);
      float product = static_cast<float>(sum) * scale;
      float weightScale =
          weights.scales[row * shape.scaleGroups() + block.scaleGroup];
      if (hasFma) {
        result[row] = std::fma(product, weightScale, result[row]);
        continue;
      }
      float scaled = product * weightScale;
      result[row] += scaled;
    }
  }
  return result;
}

RealProduct sherry::realProduct(const Weights &weights,
                                llvm::ArrayRef<float> activations) {
  const Shape &shape = weights.shape;
  RealProduct result;
  for (int64_t row = 0; row < shape.rows; ++row) {
    double sum = 0, magnitude = 0;
    for (const InputBlock &block : shape.blocks())
      for (int64_t i = block.begin; i < block.begin + block.size; ++i) {
        double product =
            static_cast<double>(weights.values[row * shape.cols + i]) *
            weights.scales[row * shape.scaleGroups() + block.scaleGroup] *
            activations[i];
        sum += product;
        magnitude += std::abs(product);
      }
    result.sums.push_back(sum);
    result.magnitudes.push_back(magnitude);
  }
  return result;
}
