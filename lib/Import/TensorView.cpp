//===- TensorView.cpp - A tensor in a file --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/TensorView.h"
#include "sherry/Format/Diagnostics.h"
#include "sherry/Support/Json.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

using namespace llvm;
using namespace sherry;

int64_t TensorView::getRows() const {
  int64_t rows = 1;
  for (int64_t size : shape.drop_back(shape.empty() ? 0 : 1))
    rows *= size;
  return rows;
}

const uint8_t *TensorView::rowAt(int64_t row, int64_t rowBytes) const {
  if (headRows != 0) {
    int64_t first = row / headRows * headRows, half = headRows / 2;
    int64_t place = row - first;
    row = first + place % half * 2 + place / half;
  }
  return bytes.bytes_begin() + row * rowBytes;
}

void TensorView::copyRow(int64_t row, uint8_t *out) const {
  if (storage != format::TensorType::I2_S) {
    std::memcpy(out, rowAt(row, getRowBytes()), getRowBytes());
    return;
  }
  int64_t blockBytes = format::infoOf(storage).blockBytes;
  int64_t scaleBytes = sizeof(float), codeBytes = blockBytes - scaleBytes;
  int64_t rowBytes = getRowBytes() / blockBytes * codeBytes;
  const uint8_t *scale = bytes.bytes_begin() + getRows() * rowBytes;
  const uint8_t *from = rowAt(row, rowBytes);
  for (int64_t i = 0; i < rowBytes; i += codeBytes, out += blockBytes) {
    std::memcpy(out, from + i, codeBytes);
    std::memcpy(out + codeBytes, scale, scaleBytes);
  }
}

/// Row r is at bits 2 (r / q) of byte row r mod q, where q is a quarter of the
/// rows. Returns false if a code is not a trit.
bool TensorView::unpackTrits(int64_t row, float *out) const {
  int64_t quarter = getRows() / 4, cols = getCols(), shift = row / quarter * 2;
  const uint8_t *from = bytes.bytes_begin() + row % quarter * cols;
  bool isValid = true;
  for (int64_t i = 0; i < cols; ++i) {
    int code = from[i] >> shift & 3;
    isValid &= code != 3;
    out[i] = static_cast<float>(code - 1) * trits->scale;
  }
  return isValid;
}

/// Replaces numbers by the nearest trits, ties to even, times the scale.
static void roundToTrits(const TritRule &rule, int64_t count, float *numbers) {
  for (int64_t i = 0; i < count; ++i) {
    float ratio = std::clamp(numbers[i] * rule.inverse, -1.0f, 1.0f);
    numbers[i] = std::nearbyint(ratio) * rule.scale;
  }
}

Error TensorView::readRows(int64_t row, int64_t count, float *out) const {
  std::string where = (file + ": tensor " + quote(name)).str();
  int64_t rows = getRows(), cols = getCols();
  if (row < 0 || count < 0 || row > rows || count > rows - row)
    return makeError(where + " has " + Twine(rows) + " rows, not " +
                     Twine(count) + " from row " + Twine(row) + " on");
  if (storage == format::TensorType::Trits && !trits)
    return makeError(where + " has trits without a scale");
  bool isSpread = storage == format::TensorType::I2_S;
  std::vector<uint8_t> copy(isSpread ? getRowBytes() : 0);
  for (int64_t i = 0; i < count; ++i) {
    float *to = out + i * cols;
    if (storage == format::TensorType::Trits) {
      if (!unpackTrits(row + i, to))
        return makeError(where + " has the code 3 in row " + Twine(row + i) +
                         ", which is not a trit; the file is damaged");
      continue;
    }
    if (isSpread)
      copyRow(row + i, copy.data());
    format::readRow(storage,
                    isSpread ? copy.data() : rowAt(row + i, getRowBytes()),
                    cols, to);
    if (factor != 1)
      std::transform(to, to + cols, to, [&](float x) { return x * factor; });
  }
  if (format::Failure failure = format::checkFinite(out, row, count, cols))
    return makeError(where + ": " + *failure);
  if (trits && trits->inverse != 0)
    roundToTrits(*trits, count * cols, out);
  return Error::success();
}

void TensorView::copyRows(int64_t row, int64_t count, uint8_t *out) const {
  for (int64_t i = 0; i < count; ++i, out += getRowBytes())
    copyRow(row + i, out);
}
