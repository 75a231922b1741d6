//===- ModuleWeights.cpp - The weights that a module names ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ModuleWeights.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

using namespace mlir;
using namespace sherry;
using llvm::Error;

/// The name of the tensor of `layer`, which replaces {} in `source`.
static std::string nameTensor(StringRef source, int64_t layer) {
  auto [before, after] = source.split("{}");
  if (before.size() == source.size())
    return source.str();
  return (before + Twine(layer) + after).str();
}

static WeightMatrix getMatrix(WeightOp weight, int64_t layer, int64_t rank) {
  RankedTensorType type = weight.getTensorType();
  auto ranks = static_cast<int64_t>(weight.getRanks().value_or(1));
  int64_t part = ranks > 1 ? rank : 0;
  std::vector<WeightSlice> slices;
  for (auto [source, rows] : llvm::zip_equal(
           weight.getSources().getAsValueRange<StringAttr>(), weight.getRows()))
    slices.push_back(
        {nameTensor(source, layer), rows, part * rows, ranks * rows});
  if (type.getRank() == 1)
    return WeightMatrix::makeVector(std::move(slices.front()));
  return WeightMatrix(std::move(slices), type.getShape().back());
}

static WeightType getWeightType(WeightOp weight) {
  if (TernaryAttr ternary = weight.getTernary())
    return TernaryWeights{ternary.getFormat(),
                          ternary.getGrouping() == Grouping::Strided};
  return *getDenseFormat(weight.getTensorType().getElementType());
}

Error sherry::checkWeights(ModuleOp module, WeightSource &source) {
  for (auto weight : module.getOps<WeightOp>())
    for (int64_t layer = 0, count = weight.getCount(); layer < count; ++layer)
      if (Error error = getMatrix(weight, layer, 0).check(source))
        return error;
  return Error::success();
}

std::vector<PlacedMatrix> sherry::listMatrices(ModuleOp module, int64_t rank) {
  std::vector<PlacedMatrix> result;
  for (auto weight : module.getOps<WeightOp>())
    for (int64_t layer = 0, count = weight.getCount(); layer < count; ++layer)
      result.push_back({getMatrix(weight, layer, rank), getWeightType(weight),
                        *weight.getOffset() + layer * *weight.getStride()});
  return result;
}

uint64_t sherry::getWeightsSize(ModuleOp module) {
  return SherryDialect::WeightsSizeAttrHelper(module.getContext())
      .getAttr(module)
      .getInt();
}
