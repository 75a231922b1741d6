//===- WeightPacker.cpp - Packs the rows of a weight ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightPacker.h"
#include "sherry/Format/Pack.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <cstring>

using namespace sherry;
using format::DenseFormat;
using llvm::Error;

WeightPacker::WeightPacker(const WeightMatrix &matrix, const WeightType &type,
                           const WeightSource &source)
    : matrix(matrix), type(type), source(source) {
  if (const TernaryWeights *ternary = getTernary(type)) {
    rowsAtOnce = ternary->layout.interleave * format::kTileRows;
    projector.emplace(ternary->layout, matrix.getCols(), matrix.describe());
  }
}

int64_t WeightPacker::getBytes(int64_t rows) const {
  int64_t cols = matrix.getCols();
  if (const TernaryWeights *ternary = getTernary(type))
    return ternary->layout.bytes(rows, cols);
  if (matrix.isVector())
    return cols * static_cast<int64_t>(sizeof(float));
  return format::bytesOf(std::get<DenseFormat>(type), rows, cols);
}

Error WeightPacker::explain(const format::Failure &failure) const {
  return makeError(matrix.describe(), failure);
}

Error WeightPacker::prepare() {
  if (!projector)
    return Error::success();
  WeightMatrix whole = matrix.whole();
  return projector->prepare(whole.getRows(),
                            [&](int64_t row, int64_t count, float *out) {
                              return whole.read(source, row, count, out);
                            });
}

Error WeightPacker::pack(int64_t row, uint8_t *out) const {
  int64_t rows = std::min(rowsAtOnce, matrix.getRows() - row);
  return projector ? packTernary(row, rows, out) : packDense(row, rows, out);
}

//===----------------------------------------------------------------------===//
// Trits
//===----------------------------------------------------------------------===//

/// Whether codes and scales give exactly the numbers of the rows.
static bool haveNumbers(const format::TernaryLayout &layout,
                        llvm::ArrayRef<float> numbers, const uint8_t *codes,
                        const float *scales, int64_t cols) {
  int64_t size = layout.scaleGroupInputs(cols);
  std::vector<int8_t> trits(cols);
  for (; !numbers.empty(); numbers = numbers.drop_front(cols),
                           codes += layout.rowGroups(cols),
                           scales += layout.rowScales(cols)) {
    format::decodeRow(layout, /*strided=*/false, cols, codes, trits.data());
    for (int64_t i = 0; i < cols; ++i)
      if (numbers[i] != static_cast<float>(trits[i]) * scales[i / size])
        return false;
  }
  return true;
}

Error WeightPacker::packTernary(int64_t row, int64_t rows, uint8_t *out) const {
  const format::TernaryLayout &layout = getTernary(type)->layout;
  int64_t cols = matrix.getCols(), rowCodes = layout.rowGroups(cols);
  int64_t rowScales = projector->scaleGroups();
  std::vector<uint8_t> codes(rows * rowCodes);
  std::vector<float> scales(rows * rowScales);
  auto readSlice = [&](const WeightSlice &slice, int64_t first, int64_t count,
                       int64_t before) -> Error {
    uint8_t *sliceCodes = codes.data() + before * rowCodes;
    float *sliceScales = scales.data() + before * rowScales;
    auto storage = source.getTensorType(slice.tensor);
    if (storage && format::isTernary(*storage))
      return copyTrits(slice, first, count, sliceCodes, sliceScales);
    std::vector<float> numbers(count * cols);
    if (Error error =
            matrix.readSlice(source, slice, first, count, numbers.data()))
      return error;
    if (Error error = projector->project(row + before, count, numbers.data(),
                                         sliceCodes, sliceScales))
      return error;
    if (storage == format::TensorType::Trits &&
        !haveNumbers(layout, numbers, sliceCodes, sliceScales, cols))
      return explain("the weights are trits already, which these codes and "
                     "scales do not hold");
    return Error::success();
  };
  if (Error error = matrix.forSlices(row, rows, readSlice))
    return error;
  format::packTernary(layout, rows, cols, codes.data(), scales.data(), out);
  return Error::success();
}

/// Copies the trits and scales of the checkpoint.
Error WeightPacker::copyTrits(const WeightSlice &slice, int64_t first,
                              int64_t rows, uint8_t *codes,
                              float *scales) const {
  std::vector<uint8_t> bytes = matrix.copySlice(source, slice, first, rows);
  int64_t cols = matrix.getCols();
  const TernaryWeights &ternary = *getTernary(type);
  if (format::Failure failure = format::readTernaryRows(
          ternary.layout, *source.getTensorType(slice.tensor),
          ternary.isStrided, first, rows, cols, bytes.data(), codes, scales))
    return explain(failure);
  float factor = source.getFactor(slice.tensor);
  bool areFinite = true;
  for (float &scale :
       llvm::MutableArrayRef(scales, rows * projector->scaleGroups())) {
    scale *= factor;
    areFinite &= std::isfinite(scale);
  }
  if (!areFinite)
    return explain("a scale is not finite; the file is damaged");
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Numbers and blocks
//===----------------------------------------------------------------------===//

Error WeightPacker::packDense(int64_t row, int64_t rows, uint8_t *out) const {
  int64_t cols = matrix.getCols();
  auto dense = std::get<DenseFormat>(type);
  const format::QuantFormat *blocks = format::blocksOf(dense);
  if (blocks && hasStoredBlocks())
    return packStoredBlocks(row, rows, out);
  std::vector<float> numbers(rows * cols);
  if (Error error = matrix.read(source, row, rows, numbers.data()))
    return error;
  if (matrix.isVector()) {
    std::memcpy(out, numbers.data(), numbers.size() * sizeof(float));
    return Error::success();
  }
  return explain(
      blocks
          ? format::packBlocks(*blocks, row, rows, cols, numbers.data(), out)
          : format::packNumbers(dense, row, rows, cols, numbers.data(), out));
}

/// Whether every slice is stored in blocks that fit the format: a tile may have
/// rows of several slices.
bool WeightPacker::hasStoredBlocks() const {
  const auto &blocks = *format::blocksOf(std::get<DenseFormat>(type));
  return llvm::all_of(matrix.getSlices(), [&](const WeightSlice &slice) {
    auto storage = source.getTensorType(slice.tensor);
    return storage && format::canPackStored(blocks, *storage);
  });
}

Error WeightPacker::packStoredBlocks(int64_t row, int64_t rows,
                                     uint8_t *out) const {
  int64_t cols = matrix.getCols();
  std::vector<std::vector<uint8_t>> copies;
  std::vector<format::StoredRow> stored;
  auto copySlice = [&](const WeightSlice &slice, int64_t first, int64_t count,
                       int64_t) {
    format::TensorType storage = *source.getTensorType(slice.tensor);
    int64_t rowBytes = format::infoOf(storage).rowBytes(cols);
    copies.push_back(matrix.copySlice(source, slice, first, count));
    for (int64_t i = 0; i < count; ++i)
      stored.push_back({storage, copies.back().data() + i * rowBytes});
    return Error::success();
  };
  if (Error error = matrix.forSlices(row, rows, copySlice))
    return error;
  return explain(
      format::packStoredBlocks(*format::blocksOf(std::get<DenseFormat>(type)),
                               row, rows, cols, stored.data(), out));
}
