//===- TritFormat.cpp - Numbers that are trits already --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TritFormat.h"
#include "sherry/Format/Quantizer.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sherry;

Expected<TernaryWeights> sherry::chooseBitNet(const TernaryTensors &tensors,
                                              BitNetConfig::Form form,
                                              Checkpoint *checkpoint) {
  int64_t cols = tensors.shape[1];
  if (!checkpoint) // files have bf16 to multiply with, or else inverses
    return makeDense(cols, cols, form == BitNetConfig::Form::Multiply);
  bool allFit = true;
  for (const std::string &name : tensors.names) {
    auto view = checkpoint->getTensor(name, tensors.shape);
    if (!view)
      return view.takeError();
    allFit &= fitsF16(*view->getTritScale());
  }
  return makeDense(cols, cols, allFit);
}

namespace {
/// Properties of the rows so far.
class TritGrid {
public:
  /// Whether the numbers of a row are trits times scales.
  bool addRow(ArrayRef<float> row);
  /// The type of the rows. Nothing if all numbers are 0, or if they are
  /// 3:4-sparse and `takesPattern` is false.
  std::optional<TernaryWeights> getType(int64_t cols, bool takesPattern) const;

private:
  bool addBlocks(ArrayRef<float> row, size_t inputs);

  bool holds[std::size(kScaleInputs)] = {true, true, true, true};
  bool hasPattern = true; ///< that of 3:4
  bool allFitF16 = true;  ///< the scales
  bool isZero = true;
};
} // namespace

/// Whether each block of `inputs` inputs (the last may be shorter) consists of
/// trits with one scale.
bool TritGrid::addBlocks(ArrayRef<float> row, size_t inputs) {
  for (; !row.empty(); row = row.drop_front(std::min(inputs, row.size()))) {
    auto scale =
        format::findMagnitude(row.data(), std::min(inputs, row.size()));
    if (!scale)
      return false;
    allFitF16 &= fitsF16(*scale);
    isZero &= *scale == 0;
  }
  return true;
}

bool TritGrid::addRow(ArrayRef<float> row) {
  size_t group = format::k3of4.inputs;
  for (ArrayRef<float> rest = row; hasPattern && !rest.empty();
       rest = rest.drop_front(group))
    hasPattern = count(rest.take_front(group), 0.0f) == 1;
  for (auto [isHeld, inputs] : zip_equal(holds, kScaleInputs))
    isHeld = isHeld && addBlocks(row, inputs);
  return is_contained(holds, true);
}

std::optional<TernaryWeights> TritGrid::getType(int64_t cols,
                                                bool takesPattern) const {
  if ((hasPattern && !takesPattern) || isZero)
    return std::nullopt;
  for (auto [isHeld, inputs] : zip_equal(holds, kScaleInputs))
    if (isHeld)
      return makeDense(inputs, cols, allFitF16);
  return std::nullopt;
}

Expected<std::optional<TernaryWeights>>
sherry::findTrits(const TernaryTensors &tensors, bool takesPattern,
                  Checkpoint &checkpoint) {
  TritGrid grid;
  std::vector<float> row(tensors.shape[1]);
  for (const std::string &name : tensors.names) {
    auto view = checkpoint.getTensor(name, tensors.shape);
    if (!view)
      return view.takeError();
    for (int64_t i = 0; i < tensors.shape[0]; ++i) {
      if (Error error = view->readRows(i, 1, row.data()))
        return error;
      if (!grid.addRow(row))
        return std::nullopt;
    }
  }
  return grid.getType(tensors.shape[1], takesPattern);
}
