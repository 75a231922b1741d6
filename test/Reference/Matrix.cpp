//===- Matrix.cpp - Weights and their products ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Matrix.h"

#include <algorithm>
#include <cmath>

/// Rounds to `bits` significant bits, ties to even, no finer than
/// 2^minExponent.
static float roundTo(float value, int bits, int minExponent) {
  int exponent;
  std::frexp(value, &exponent);
  int unit = std::max(exponent - bits, minExponent);
  return std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
}
float roundToF16(float value) { return roundTo(value, 11, -24); }
static float roundToBf16(float value) { return roundTo(value, 8, -133); }

Matrix readMatrix(const Checkpoint &checkpoint, const std::string &name,
                  int64_t rows, int64_t cols) {
  return {rows, cols, checkpoint.read(name, {rows, cols})};
}

Matrix readBitNet(const Checkpoint &checkpoint, const std::string &name,
                  int64_t rows, int64_t cols, const json &quantization) {
  Matrix matrix{rows, cols, {}};
  bool isAuto = quantization.value("linear_class", "") == "autobitlinear";
  float scale;
  if (isAuto && quantization.value("quantization_mode", "") == "online") {
    matrix.numbers = checkpoint.read(name, {rows, cols});
    double sum = 0;
    for (float number : matrix.numbers)
      sum += std::fabs(number);
    auto mean = static_cast<float>(sum / matrix.numbers.size());
    float inverse = 1 / std::max(mean, 1e-5f);
    for (float &number : matrix.numbers)
      number = std::clamp(std::nearbyint(number * inverse), -1.0f, 1.0f);
    scale = 1 / inverse;
  } else {
    matrix.numbers = checkpoint.readTrits(name, rows, cols);
    scale = checkpoint.read(name + "_scale", {1}).at(0);
    if (!isAuto)
      scale = 1 / scale;
  }
  matrix.region = matrix.block = 256;
  matrix.isTernary = true;
  matrix.scales.assign(rows * matrix.regionsPerRow(), scale);
  return matrix;
}

static float largestOf(const float *first, const float *last) {
  float largest = 0;
  for (; first < last; ++first)
    if (std::fabs(*first) > std::fabs(largest))
      largest = *first;
  return largest;
}

static float divide(float value, float by, float low, float high) {
  return by == 0 ? 0 : std::nearbyint(std::clamp(value / by, low, high));
}

Matrix toDense(Matrix matrix, const std::string &type) {
  if (type == "f32")
    return matrix;
  if (type == "bf16" || type == "f16") {
    for (float &number : matrix.numbers)
      number = type == "f16" ? roundToF16(number) : roundToBf16(number);
    return matrix;
  }
  matrix.region = matrix.block = type == "q6_K" ? 16 : 32;
  for (int64_t row = 0; row < matrix.rows; ++row) {
    float *first = &matrix.numbers[row * matrix.cols];
    float *last = first + matrix.cols;
    auto endOf = [&](float *begin, int64_t length) {
      return begin + std::min<int64_t>(length, last - begin);
    };
    std::vector<float> scales;
    for (float *w = first; w < last; w = endOf(w, matrix.region)) {
      float largest = largestOf(w, endOf(w, matrix.region));
      scales.push_back(type == "q8_0"   ? std::fabs(largest) / 127
                       : type == "q6_K" ? largest / -32
                                        : largest / -8);
    }
    for (size_t begin = 0; begin < scales.size(); begin += 16) {
      float *from = &scales[begin];
      float *to = from + std::min<size_t>(16, scales.size() - begin);
      float d = roundToF16(largestOf(from, to) / -128);
      for (float *scale = from; scale < to; ++scale)
        *scale = type == "q6_K" ? d * divide(*scale, d, -128, 127)
                                : roundToF16(*scale);
    }
    float high = type == "q8_0" ? 127 : type == "q6_K" ? 31 : 7;
    float low = type == "q8_0" ? -127 : -high - 1;
    for (float *w = first; w < last; ++w)
      *w = divide(*w, scales[(w - first) / matrix.region], low, high);
    matrix.scales.insert(matrix.scales.end(), scales.begin(), scales.end());
  }
  return matrix;
}

Matrix takeTritsApart(Matrix matrix, int64_t region) {
  matrix.region = matrix.block = region;
  matrix.isTernary = true;
  for (int64_t row = 0; row < matrix.rows; ++row)
    for (int64_t col = 0; col < matrix.cols; col += matrix.region) {
      float *first = &matrix.numbers[row * matrix.cols + col];
      float *last = first + std::min(matrix.region, matrix.cols - col);
      float scale = std::fabs(largestOf(first, last));
      matrix.scales.push_back(scale);
      for (float *number = first; number < last; ++number)
        *number = scale == 0 ? 0 : *number / scale;
    }
  return matrix;
}

Matrix toTernary(Matrix matrix, const TernaryOptions &options) {
  matrix.isTernary = true;
  matrix.region = options.granularity == "per_group"
                      ? std::min(options.groupSize, matrix.cols)
                      : matrix.cols;
  matrix.block = 256;
  double sum = 0, kept = 0;
  auto endRegion = [&] {
    auto scale = static_cast<float>(sum / kept);
    sum = kept = 0;
    return options.scaleType == "f16" ? roundToF16(scale) : scale;
  };
  for (int64_t row = 0; row < matrix.rows; ++row)
    for (int64_t col = 0; col < matrix.cols; col += 4) {
      float *group = &matrix.numbers[row * matrix.cols + col];
      int dropped = 0;
      for (int lane = 1; lane < 4; ++lane)
        if (std::fabs(group[lane]) < std::fabs(group[dropped]))
          dropped = lane;
      for (int lane = 0; lane < 4; ++lane) {
        if (lane != dropped) {
          sum += std::fabs(group[lane]);
          kept += 1;
        }
        group[lane] = lane == dropped ? 0 : group[lane] < 0 ? -1 : 1;
      }
      bool endsRegion =
          (col + 4) % matrix.region == 0 || col + 4 == matrix.cols;
      if (endsRegion && options.granularity != "per_tensor")
        matrix.scales.push_back(endRegion());
    }
  if (options.granularity == "per_tensor")
    matrix.scales.assign(matrix.rows, endRegion());
  return matrix;
}

Vector multiply(const Matrix &matrix, const Vector &x) {
  Vector result(matrix.rows);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    double sum = 0;
    for (int64_t col = 0; col < matrix.cols; ++col)
      sum += static_cast<double>(matrix.at(row, col)) * x[col];
    result[row] = static_cast<float>(sum);
  }
  return result;
}

Quantized quantize(const Vector &x, const Matrix &matrix) {
  Quantized result;
  result.tieDistance = 0.5f;
  for (int64_t begin = 0; begin < matrix.cols;) {
    int64_t regionEnd = (begin / matrix.region + 1) * matrix.region;
    int64_t end = std::min({begin + matrix.block, regionEnd, matrix.cols});
    float largest = 0;
    for (int64_t i = begin; i < end; ++i)
      largest = std::max(largest, std::fabs(x[i]));
    float inverse = largest > 0 ? 127 / largest : 0;
    for (int64_t i = begin; i < end; ++i) {
      float exact = x[i] * inverse, rounded = std::nearbyint(exact);
      result.numbers.push_back(static_cast<int32_t>(rounded));
      result.tieDistance =
          std::min(result.tieDistance, 0.5f - std::fabs(exact - rounded));
    }
    // Cut to 22 binary digits.
    int exponent;
    float fraction = std::frexp(largest / 127, &exponent);
    result.scales.push_back(
        std::ldexp(std::trunc(std::ldexp(fraction, 22)), exponent - 22));
    result.end.push_back(end);
    begin = end;
  }
  return result;
}

Quantized quantizeToken(const Vector &x, const Matrix &matrix) {
  Quantized result;
  result.tieDistance = 0.5f;
  float largest = 1e-5f;
  for (float number : x)
    largest = std::max(largest, std::fabs(number));
  float inverse = 127 / largest;
  for (float number : x) {
    float exact = number * inverse, rounded = std::nearbyint(exact);
    result.numbers.push_back(static_cast<int32_t>(rounded));
    result.tieDistance =
        std::min(result.tieDistance, 0.5f - std::fabs(exact - rounded));
  }
  for (int64_t end = matrix.region; end < matrix.cols + matrix.region;
       end += matrix.region) {
    result.scales.push_back(largest / 127);
    result.end.push_back(std::min(end, matrix.cols));
  }
  return result;
}

Vector multiply(const Matrix &matrix, const Quantized &x) {
  Vector result(matrix.rows);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    double sum = 0;
    int64_t col = 0;
    for (size_t block = 0; block < x.end.size(); ++block) {
      float scale =
          matrix.scales[row * matrix.regionsPerRow() + col / matrix.region];
      int64_t dot = 0;
      for (; col < x.end[block]; ++col)
        dot += static_cast<int64_t>(matrix.numbers[row * matrix.cols + col]) *
               x.numbers[col];
      sum += static_cast<double>(dot) * x.scales[block] * scale;
    }
    result[row] = static_cast<float>(sum);
  }
  return result;
}
