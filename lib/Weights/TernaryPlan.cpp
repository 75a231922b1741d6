//===- TernaryPlan.cpp - How trits of a checkpoint are packed -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TernaryPlan.h"
#include "sherry/Format/Float16.h"
#include "sherry/Format/Pack.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sherry;
using format::Granularity;
using format::TensorType;

/// Number of inputs that share a scale in all types. All inputs of a tensor of
/// I2_S share one.
static int64_t countScaleInputs(const TensorTypes &types) {
  int64_t result = format::kMaxStoredInputs;
  for (TensorType storage : types)
    if (storage != TensorType::I2_S)
      result = std::min(result, format::infoOf(storage).blockInputs);
  return result;
}

/// Whether the type of some tensor has scales that f16 may not hold.
static Expected<bool> hasWideScale(const TernaryTensors &tensors,
                                   Checkpoint &checkpoint) {
  for (const std::string &name : tensors.names) {
    auto view = checkpoint.getTensor(name, tensors.shape);
    if (!view)
      return view.takeError();
    if (view->getFactor() != 1 || format::hasWideScale(view->getTensorType()))
      return true;
  }
  return false;
}

/// Whether `check`, which gets a few rows at a time, holds for all rows.
static Expected<bool> allRows(
    const TernaryTensors &tensors, Checkpoint &checkpoint,
    function_ref<bool(const TensorView &, int64_t, const uint8_t *)> check) {
  constexpr int64_t rowsAtOnce = 64;
  std::vector<uint8_t> bytes;
  for (const std::string &name : tensors.names) {
    auto view = checkpoint.getTensor(name, tensors.shape);
    if (!view)
      return view.takeError();
    bytes.resize(rowsAtOnce * view->getRowBytes());
    for (int64_t row = 0; row < tensors.shape[0]; row += rowsAtOnce) {
      int64_t count = std::min(rowsAtOnce, tensors.shape[0] - row);
      view->copyRows(row, count, bytes.data());
      if (!check(*view, count, bytes.data()))
        return false;
    }
  }
  return true;
}

/// Whether, in every row, all blocks that begin within the same `inputs` inputs
/// have one scale.
static bool scalesAgree(const TensorView &view, int64_t inputs, int64_t rows,
                        const uint8_t *bytes) {
  TensorType storage = view.getTensorType();
  const format::TensorTypeInfo &info = format::infoOf(storage);
  float scale = 0;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < view.getCols();
         col += info.blockInputs, bytes += info.blockBytes) {
      float next = format::readScale(storage, bytes);
      if (col % inputs == 0)
        scale = next;
      if (next != scale)
        return false;
    }
  return true;
}

/// Most inputs of a row that share a scale in all tensors: files may repeat the
/// scale of a matrix, a row or a larger block.
static Expected<int64_t> chooseScaleInputs(const TernaryTensors &tensors,
                                           Checkpoint &checkpoint) {
  int64_t cols = tensors.shape[1];
  int64_t least = std::min(cols, countScaleInputs(tensors.types));
  for (int64_t most : kScaleInputs) {
    int64_t inputs = std::min(most, cols);
    if (inputs <= least)
      break;
    auto agree = allRows(
        tensors, checkpoint,
        [&](const TensorView &view, int64_t rows, const uint8_t *bytes) {
          return scalesAgree(view, inputs, rows, bytes);
        });
    if (!agree)
      return agree.takeError();
    if (*agree)
      return inputs;
  }
  return least;
}

bool sherry::fitsF16(float scale) {
  return format::f16ToF32(format::f32ToF16(scale)) == scale;
}

TernaryWeights sherry::makeDense(int64_t inputs, int64_t cols,
                                 bool scalesFitF16) {
  TernaryWeights result;
  result.layout.codebook = &format::kDense;
  result.layout.granularity =
      inputs < cols ? Granularity::PerGroup : Granularity::PerChannel;
  if (inputs < cols)
    result.layout.groupSize = inputs;
  result.layout.scaleType =
      scalesFitF16 ? format::ScaleType::F16 : format::ScaleType::F32;
  return result;
}

/// Whether f16 holds the scales.
static Expected<bool> areScalesF16(const TernaryTensors &tensors,
                                   Checkpoint &checkpoint) {
  auto isWide = hasWideScale(tensors, checkpoint);
  if (!isWide)
    return isWide.takeError();
  if (!*isWide)
    return true;
  auto check = [&](const TensorView &view, int64_t rows, const uint8_t *bytes) {
    TensorType storage = view.getTensorType();
    const format::TensorTypeInfo &info = format::infoOf(storage);
    int64_t blocks = rows * view.getCols() / info.blockInputs;
    for (int64_t i = 0; i < blocks; ++i, bytes += info.blockBytes)
      if (!fitsF16(format::readScale(storage, bytes) * view.getFactor()))
        return false;
    return true;
  };
  return allRows(tensors, checkpoint, check);
}

/// Whether the weights have the pattern of a codebook.
static Expected<bool> hasPattern(const TernaryTensors &tensors,
                                 const TernaryWeights &type,
                                 Checkpoint &checkpoint) {
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  int64_t cols = tensors.shape[1];
  return allRows(
      tensors, checkpoint,
      [&](const TensorView &view, int64_t rows, const uint8_t *bytes) {
        codes.resize(rows * type.layout.rowGroups(cols));
        scales.resize(rows * type.layout.rowScales(cols));
        return !format::readTernaryRows(
            type.layout, view.getTensorType(), type.isStrided,
            /*firstRow=*/0, rows, cols, bytes, codes.data(), scales.data());
      });
}

Expected<TernaryWeights> sherry::chooseDense(const TernaryTensors &tensors,
                                             Checkpoint &checkpoint) {
  auto inputs = chooseScaleInputs(tensors, checkpoint);
  if (!inputs)
    return inputs.takeError();
  auto isF16 = areScalesF16(tensors, checkpoint);
  if (!isF16)
    return isF16.takeError();
  return makeDense(*inputs, tensors.shape[1], *isF16);
}

Expected<TernaryWeights> sherry::chooseTernary(const TernaryTensors &tensors,
                                               Checkpoint &checkpoint) {
  auto dense = chooseDense(tensors, checkpoint);
  if (!dense)
    return dense.takeError();
  TernaryWeights result = *dense;
  result.layout.codebook = &format::k3of4;
  const TensorTypes &types = tensors.types;
  for (bool isStrided : {false, true}) {
    result.isStrided = isStrided;
    // Groups of these types have the pattern by construction.
    if (isStrided && all_of(types, format::isStrided))
      return result;
    if (any_of(types, format::isStrided) && !isStrided)
      continue;
    auto matches = hasPattern(tensors, result, checkpoint);
    if (!matches)
      return matches.takeError();
    if (*matches)
      return result;
  }
  return *dense;
}
