//===- WeightsWriter.cpp - Stream packed weights --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Driver/WeightsWriter.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Format/Pack.h"
#include "sherry/Format/Quantizer.h"

#include "llvm/Support/Parallel.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <mutex>

using namespace mlir;
using namespace sherry;
using llvm::Error;

//===----------------------------------------------------------------------===//
// WeightSource
//===----------------------------------------------------------------------===//

Error WeightSource::check(StringRef tensor, ArrayRef<int64_t> shape) {
  if (!checkpoint)
    return Error::success();
  llvm::Expected<TensorView> view = checkpoint->getTensor(tensor, shape);
  if (!view)
    return view.takeError();
  tensors.try_emplace(tensor, *view);
  return Error::success();
}

std::optional<format::Storage>
WeightSource::getStorage(StringRef tensor) const {
  auto it = tensors.find(tensor);
  if (it == tensors.end())
    return std::nullopt;
  return it->second.getStorage();
}

void WeightSource::copyRows(StringRef tensor, int64_t row, int64_t count,
                            uint8_t *out) const {
  tensors.find(tensor)->second.copyRows(row, count, out);
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
static uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static void fillRandom(uint64_t seed, StringRef tensor, ArrayRef<int64_t> shape,
                       int64_t row, int64_t count, float *out) {
  if (shape.size() == 1) {
    std::fill_n(out, shape[0] * count, 1.0f);
    return;
  }
  int64_t cols = shape[1];
  uint64_t name = llvm::xxh3_64bits(tensor);
  float amplitude = std::sqrt(3.0f / static_cast<float>(cols));
  for (int64_t i = 0; i < count; ++i) {
    uint64_t state = seed ^ name ^ (row + i) * 0xd1342543de82ef95;
    nextRandom(state);
    for (int64_t j = 0; j < cols; ++j)
      *out++ = static_cast<float>(static_cast<int32_t>(nextRandom(state))) *
               (amplitude * 0x1p-31f);
  }
}

Error WeightSource::readRows(StringRef tensor, ArrayRef<int64_t> shape,
                             int64_t row, int64_t count, float *out) const {
  if (!checkpoint) {
    fillRandom(seed, tensor, shape, row, count, out);
    return Error::success();
  }
  return tensors.find(tensor)->second.readRows(row, count, out);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

namespace {

/// One of the tensors of a weight: the sources for one layer, one below the
/// other.
class Matrix {
public:
  struct Part {
    std::string tensor;
    int64_t rows;
  };

  Matrix(WeightOp weight, int64_t layer, const WeightSource &source)
      : source(source) {
    RankedTensorType type = weight.getTensorType();
    isVector = type.getRank() == 1;
    rows = isVector ? 1 : type.getDimSize(0);
    cols = type.getShape().back();
    for (auto [name, count] :
         llvm::zip_equal(weight.getSources().getAsValueRange<StringAttr>(),
                         weight.getRows())) {
      auto [before, after] = name.split("{}");
      std::string tensor = name.str();
      if (before.size() != name.size())
        tensor = (before + Twine(layer) + after).str();
      parts.push_back({std::move(tensor), count});
    }
  }

  int64_t getRows() const { return rows; }
  ArrayRef<Part> getParts() const { return parts; }
  int64_t getCols() const { return cols; }
  std::string describe() const {
    std::string result;
    for (const Part &part : parts)
      result += (result.empty() ? "tensor " : ", ") + part.tensor;
    return result;
  }

  Error check(WeightSource &writable) const {
    for (const Part &part : parts)
      if (Error error = writable.check(part.tensor, shapeOf(part)))
        return error;
    return Error::success();
  }

  /// Calls `use` for each part of the rows [row, row + count): with the first
  /// of its rows in the tensor, how many there are, and how many come before.
  Error
  forParts(int64_t row, int64_t count,
           llvm::function_ref<Error(const Part &, int64_t, int64_t, int64_t)>
               use) const {
    int64_t begin = 0;
    for (const Part &part : parts) {
      int64_t first = std::max(row, begin);
      int64_t last = std::min(row + count, begin + part.rows);
      if (first < last)
        if (Error error = use(part, first - begin, last - first, first - row))
          return error;
      begin += part.rows;
    }
    return Error::success();
  }

  Error read(int64_t row, int64_t count, float *out) const {
    if (isVector)
      return source.readRows(parts.front().tensor, {cols}, 0, 1, out);
    return forParts(
        row, count,
        [&](const Part &part, int64_t first, int64_t rows, int64_t before) {
          return readPart(part, first, rows, out + before * cols);
        });
  }
  Error readPart(const Part &part, int64_t row, int64_t count,
                 float *out) const {
    return source.readRows(part.tensor, shapeOf(part), row, count, out);
  }
  std::optional<format::Storage> storageOf(const Part &part) const {
    return source.getStorage(part.tensor);
  }
  /// Rows of a part as they are stored.
  std::vector<uint8_t> copyPart(const Part &part, int64_t row,
                                int64_t count) const {
    const format::StorageInfo &info = format::infoOf(*storageOf(part));
    std::vector<uint8_t> bytes(count * info.rowBytes(cols));
    source.copyRows(part.tensor, row, count, bytes.data());
    return bytes;
  }

private:
  SmallVector<int64_t, 2> shapeOf(const Part &part) const {
    if (isVector)
      return {cols};
    return {part.rows, cols};
  }

  const WeightSource &source;
  SmallVector<Part> parts;
  bool isVector;
  int64_t rows, cols;
};

/// Packs the rows of matrices of one weight, a piece of `unit` rows at a time.
class Packer {
public:
  explicit Packer(WeightOp weight) : weight(weight) {
    if (TernaryAttr ternary = weight.getTernary()) {
      layout = ternary.getFormat();
      unit = layout->interleave * format::kTileRows;
    }
  }

  int64_t unitRows() const { return unit; }

  /// Bytes of `rows` rows, at most a unit, from the start of a unit on.
  int64_t bytes(int64_t rows, int64_t cols) const {
    if (layout)
      return layout->bytes(rows, cols);
    if (weight.getTensorType().getRank() == 1)
      return cols * 4;
    return format::bytesOf(denseFormat(), rows, cols);
  }

  /// Looks at a whole matrix before it is packed, where that is needed.
  Error prepare(const Matrix &matrix) {
    if (!layout)
      return Error::success();
    quantizer.emplace(*layout, matrix.getCols());
    if (!quantizer->needsFirstPass())
      return Error::success();
    std::vector<float> rows(unit * matrix.getCols());
    for (int64_t row = 0; row < matrix.getRows(); row += unit) {
      int64_t count = std::min(unit, matrix.getRows() - row);
      if (Error error = matrix.read(row, count, rows.data()))
        return error;
      if (auto failure = quantizer->accumulateRows(row, count, rows.data()))
        return explain(matrix, *failure);
    }
    return Error::success();
  }

  Error pack(const Matrix &matrix, int64_t row, uint8_t *out) const {
    int64_t cols = matrix.getCols();
    int64_t count = std::min(unit, matrix.getRows() - row);
    if (layout)
      return packTernary(matrix, row, count, out);
    if (blockFormat() && hasStoredBlocks(matrix))
      return packStored(matrix, row, count, out);
    std::vector<float> rows(count * cols);
    if (Error error = matrix.read(row, count, rows.data()))
      return error;
    format::Failure failure;
    if (weight.getTensorType().getRank() == 1) {
      std::memcpy(out, rows.data(), rows.size() * sizeof(float));
    } else if (blockFormat()) {
      failure = format::packBlocks(*blockFormat(), row, count, cols,
                                   rows.data(), out);
    } else {
      failure = format::packNumbers(denseFormat(), row, count, cols,
                                    rows.data(), out);
    }
    return failure ? explain(matrix, *failure) : Error::success();
  }

private:
  /// The trits and scales that the file has, if it has such, else the closest.
  Error packTernary(const Matrix &matrix, int64_t row, int64_t count,
                    uint8_t *out) const {
    int64_t cols = matrix.getCols(), rowCodes = cols / format::kGroupInputs;
    int64_t rowScales = quantizer->scaleGroups();
    std::vector<uint8_t> codes(count * rowCodes);
    std::vector<float> scales(count * rowScales);
    auto packPart = [&](const Matrix::Part &part, int64_t first, int64_t rows,
                        int64_t before) -> Error {
      uint8_t *partCodes = codes.data() + before * rowCodes;
      float *partScales = scales.data() + before * rowScales;
      auto storage = matrix.storageOf(part);
      if (storage && format::isTernary(*storage)) {
        std::vector<uint8_t> bytes = matrix.copyPart(part, first, rows);
        bool isStrided = weight.getTernary().getGrouping() == Grouping::Strided;
        if (!format::readTernaryRows(*storage, isStrided, rows, cols,
                                     bytes.data(), partCodes, partScales))
          return explain(matrix, "a group has not exactly one zero");
        if (!llvm::all_of(llvm::ArrayRef(partScales, rows * rowScales),
                          [](float scale) { return std::isfinite(scale); }))
          return explain(matrix, "a scale is not finite; the file is damaged");
        return Error::success();
      }
      std::vector<float> numbers(rows * cols);
      if (Error error = matrix.readPart(part, first, rows, numbers.data()))
        return error;
      format::Failure failure = quantizer->quantizeRows(
          row + before, rows, numbers.data(), partCodes, partScales);
      return failure ? explain(matrix, *failure) : Error::success();
    };
    if (Error error = matrix.forParts(row, count, packPart))
      return error;
    format::packTernary(*layout, count, cols, codes.data(), scales.data(), out);
    return Error::success();
  }

  /// Whether the file has the numbers of the format, in every part: a tile may
  /// have rows of several.
  bool hasStoredBlocks(const Matrix &matrix) const {
    return llvm::all_of(matrix.getParts(), [&](const Matrix::Part &part) {
      auto storage = matrix.storageOf(part);
      return storage && format::canPackStored(*blockFormat(), *storage);
    });
  }

  Error packStored(const Matrix &matrix, int64_t row, int64_t count,
                   uint8_t *out) const {
    std::vector<std::vector<uint8_t>> parts;
    std::vector<format::StoredRow> stored;
    auto copyPart = [&](const Matrix::Part &part, int64_t first, int64_t rows,
                        int64_t) {
      format::Storage storage = *matrix.storageOf(part);
      int64_t rowBytes = format::infoOf(storage).rowBytes(matrix.getCols());
      parts.push_back(matrix.copyPart(part, first, rows));
      for (int64_t i = 0; i < rows; ++i)
        stored.push_back({storage, parts.back().data() + i * rowBytes});
      return Error::success();
    };
    if (Error error = matrix.forParts(row, count, copyPart))
      return error;
    format::Failure failure = format::packStoredBlocks(
        *blockFormat(), row, count, matrix.getCols(), stored.data(), out);
    return failure ? explain(matrix, *failure) : Error::success();
  }

  static Error explain(const Matrix &matrix, const std::string &failure) {
    return llvm::createStringError(matrix.describe() + ": " + failure);
  }
  /// Of a weight that is not ternary.
  format::DenseFormat denseFormat() const {
    return *getDenseFormat(weight.getTensorType().getElementType());
  }
  const format::BlockFormat *blockFormat() const {
    return format::blocksOf(denseFormat());
  }

  mutable WeightOp weight;
  std::optional<format::TernaryLayout> layout;
  int64_t unit = format::kTileRows;
  std::optional<format::Quantizer> quantizer;
};

} // namespace

/// Packs pieces of a matrix in parallel and writes them in order.
static Error writeMatrix(const Matrix &matrix, Packer &packer,
                         llvm::raw_ostream &out,
                         llvm::function_ref<void(uint64_t)> progress,
                         uint64_t &written) {
  if (Error error = packer.prepare(matrix))
    return error;
  constexpr int64_t kBatch = 16;
  int64_t unit = packer.unitRows(), rows = matrix.getRows();
  int64_t unitBytes = packer.bytes(std::min(unit, rows), matrix.getCols());
  std::vector<uint8_t> buffer(kBatch * unitBytes);
  for (int64_t row = 0; row < rows; row += kBatch * unit) {
    int64_t last = std::min(rows, row + kBatch * unit);
    std::mutex mutex;
    Error error = Error::success();
    llvm::parallelFor(0, format::ceilDiv(last - row, unit), [&](size_t i) {
      Error mine =
          packer.pack(matrix, row + i * unit, buffer.data() + i * unitBytes);
      if (mine) {
        std::lock_guard<std::mutex> lock(mutex);
        error = llvm::joinErrors(std::move(error), std::move(mine));
      }
    });
    if (error)
      return error;
    // All units but the last of the matrix are whole.
    int64_t whole = (last - row) / unit;
    int64_t bytes = whole * unitBytes;
    if (int64_t rest = (last - row) % unit)
      bytes += packer.bytes(rest, matrix.getCols());
    out.write(reinterpret_cast<const char *>(buffer.data()), bytes);
    written += bytes;
    progress(written);
  }
  return Error::success();
}

Error sherry::checkWeights(ModuleOp module, WeightSource &source) {
  for (auto weight : module.getOps<WeightOp>())
    for (int64_t layer = 0, count = weight.getCount(); layer < count; ++layer)
      if (Error error = Matrix(weight, layer, source).check(source))
        return error;
  return Error::success();
}

Error sherry::writeWeights(ModuleOp module, const WeightSource &source,
                           llvm::raw_ostream &out,
                           llvm::function_ref<void(uint64_t)> progress) {
  uint64_t written = 0;
  for (auto weight : module.getOps<WeightOp>()) {
    Packer packer(weight);
    for (int64_t layer = 0, count = weight.getCount(); layer < count; ++layer) {
      uint64_t place = *weight.getOffset() + layer * *weight.getStride();
      assert(place >= written && "weights are placed in order");
      out.write_zeros(place - written);
      written = place;
      if (Error error = writeMatrix(Matrix(weight, layer, source), packer, out,
                                    progress, written))
        return error;
    }
  }
  auto size =
      SherryDialect::WeightsSizeAttrHelper(module.getContext()).getAttr(module);
  out.write_zeros(size.getInt() - written);
  return Error::success();
}
