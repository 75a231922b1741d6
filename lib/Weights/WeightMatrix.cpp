//===- WeightMatrix.cpp - A matrix of a weight and its slices -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightMatrix.h"

using namespace sherry;
using llvm::Error;

WeightMatrix::WeightMatrix(std::vector<WeightSlice> parts, int64_t cols)
    : slices(std::move(parts)), cols(cols) {
  for (const WeightSlice &slice : slices)
    rows += slice.rows;
}

WeightMatrix WeightMatrix::makeVector(WeightSlice slice) {
  int64_t size = slice.rows;
  WeightMatrix result({std::move(slice)}, size);
  result.rows = 1;
  result.vector = true;
  return result;
}

WeightMatrix WeightMatrix::whole() const {
  std::vector<WeightSlice> all = slices;
  for (WeightSlice &slice : all) {
    slice.first = 0;
    slice.rows = slice.total;
  }
  return vector ? makeVector(std::move(all.front()))
                : WeightMatrix(std::move(all), cols);
}

std::string WeightMatrix::describe() const {
  std::string result;
  for (const WeightSlice &slice : slices)
    result += (result.empty() ? "tensor " : ", ") + slice.tensor;
  return result;
}

llvm::SmallVector<int64_t, 2>
WeightMatrix::shapeOf(const WeightSlice &slice) const {
  if (vector)
    return {slice.total};
  return {slice.total, cols};
}

Error WeightMatrix::check(WeightSource &source) const {
  for (const WeightSlice &slice : slices)
    if (Error error = source.check(slice.tensor, shapeOf(slice)))
      return error;
  return Error::success();
}

Error WeightMatrix::forSlices(
    int64_t row, int64_t count,
    llvm::function_ref<Error(const WeightSlice &, int64_t, int64_t, int64_t)>
        use) const {
  int64_t begin = 0;
  for (const WeightSlice &slice : slices) {
    int64_t first = std::max(row, begin);
    int64_t last = std::min(row + count, begin + slice.rows);
    if (first < last)
      if (Error error = use(slice, slice.first + first - begin, last - first,
                            first - row))
        return error;
    begin += slice.rows;
  }
  return Error::success();
}

Error WeightMatrix::readSlice(const WeightSource &source,
                              const WeightSlice &slice, int64_t row,
                              int64_t count, float *out) const {
  return source.readRows(slice.tensor, shapeOf(slice), row, count, out);
}

Error WeightMatrix::read(const WeightSource &source, int64_t row, int64_t count,
                         float *out) const {
  if (vector)
    return readVector(source, out);
  return forSlices(row, count,
                   [&](const WeightSlice &slice, int64_t first, int64_t rows,
                       int64_t before) {
                     return readSlice(source, slice, first, rows,
                                      out + before * cols);
                   });
}

Error WeightMatrix::readVector(const WeightSource &source, float *out) const {
  const WeightSlice &slice = slices.front();
  std::vector<float> numbers(slice.total);
  if (Error error =
          source.readRows(slice.tensor, shapeOf(slice), 0, 1, numbers.data()))
    return error;
  std::copy_n(numbers.begin() + slice.first, cols, out);
  return Error::success();
}

std::vector<uint8_t> WeightMatrix::copySlice(const WeightSource &source,
                                             const WeightSlice &slice,
                                             int64_t row, int64_t count) const {
  const auto &info = format::infoOf(*source.getTensorType(slice.tensor));
  std::vector<uint8_t> bytes(count * info.rowBytes(cols));
  source.copyRows(slice.tensor, row, count, bytes.data());
  return bytes;
}
