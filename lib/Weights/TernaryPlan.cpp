//===- TernaryPlan.cpp - How trits of a checkpoint are packed -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TernaryPlan.h"
#include "sherry/Format/Pack.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sherry;
using format::Granularity;
using format::TensorType;

/// Most inputs that share a scale where rows have several.
static constexpr int64_t kMaxScaleInputs = format::kMaxStoredInputs;

/// Inputs that share a scale in all types. All of a tensor of I2_S do.
static int64_t countScaleInputs(const TensorTypes &types) {
  int64_t result = kMaxScaleInputs;
  for (TensorType storage : types)
    if (storage != TensorType::I2_S)
      result = std::min(result, format::infoOf(storage).blockInputs);
  return result;
}

static bool hasWideScale(const TensorTypes &types) {
  return any_of(types, format::hasWideScale);
}

bool sherry::canPackTogether(const TensorTypes &types) {
  return !hasWideScale(types) || countScaleInputs(types) == kMaxScaleInputs;
}

/// Whether `check`, which gets a few rows at a time, holds for all of them.
static Expected<bool>
allRows(const TernaryTensors &tensors, Checkpoint &checkpoint,
        function_ref<bool(TensorType, int64_t, const uint8_t *)> check) {
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
      if (!check(view->getTensorType(), count, bytes.data()))
        return false;
    }
  }
  return true;
}

/// Whether blocks of a row have the scales of their neighbours, two and two.
static bool pairsAgree(TensorType storage, int64_t cols, int64_t rows,
                       const uint8_t *bytes) {
  const format::TensorTypeInfo &info = format::infoOf(storage);
  for (int64_t row = 0; row < rows; ++row, bytes += info.rowBytes(cols))
    for (int64_t col = info.blockInputs; col < cols;
         col += 2 * info.blockInputs) {
      const uint8_t *block = bytes + info.rowBytes(col);
      if (format::readScale(storage, block) !=
          format::readScale(storage, block - info.blockBytes))
        return false;
    }
  return true;
}

/// Q2_0 of models that were trained with a scale for 128 inputs has each twice.
static Expected<int64_t> chooseScaleInputs(const TernaryTensors &tensors,
                                           Checkpoint &checkpoint) {
  int64_t inputs = countScaleInputs(tensors.types);
  if (inputs != format::infoOf(TensorType::Q2_0).blockInputs)
    return inputs;
  auto agree =
      allRows(tensors, checkpoint,
              [&](TensorType storage, int64_t rows, const uint8_t *bytes) {
                return storage != TensorType::Q2_0 ||
                       pairsAgree(storage, tensors.shape[1], rows, bytes);
              });
  if (!agree)
    return agree.takeError();
  return *agree ? 2 * inputs : inputs;
}

/// Whether the weights have the pattern of a codebook.
static Expected<bool> hasPattern(const TernaryTensors &tensors,
                                 const TernaryWeights &type,
                                 Checkpoint &checkpoint) {
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  int64_t cols = tensors.shape[1];
  return allRows(tensors, checkpoint,
                 [&](TensorType storage, int64_t rows, const uint8_t *bytes) {
                   codes.resize(rows * type.layout.rowGroups(cols));
                   scales.resize(rows * type.layout.rowScales(cols));
                   return !format::readTernaryRows(
                       type.layout, storage, type.isStrided, /*firstRow=*/0,
                       rows, cols, bytes, codes.data(), scales.data());
                 });
}

Expected<TernaryWeights> sherry::chooseDense(const TernaryTensors &tensors,
                                             Checkpoint &checkpoint) {
  const TensorTypes &types = tensors.types;
  auto inputs = chooseScaleInputs(tensors, checkpoint);
  if (!inputs)
    return inputs.takeError();
  TernaryWeights result;
  result.layout.codebook = &format::kDense;
  bool isOfTensor = types.size() == 1 && types.contains(TensorType::I2_S);
  result.layout.granularity =
      isOfTensor ? Granularity::PerChannel : Granularity::PerGroup;
  result.layout.groupSize = *inputs;
  result.layout.scaleType =
      hasWideScale(types) ? format::ScaleType::F32 : format::ScaleType::F16;
  return result;
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
    // Their groups have it by construction.
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
