//===- BitNetWeights.cpp - Trits of BitNet checkpoints --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Implements rule [G5] of docs/BlockFormat.md.
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Checkpoint.h"
#include "sherry/Support/Json.h"

#include <cmath>

using namespace llvm;
using namespace sherry;
using Form = BitNetConfig::Form;

/// The mean magnitude of all numbers.
static Expected<float> getMeanMagnitude(const TensorView &view) {
  double sum = 0;
  int64_t rows = view.getRows(), cols = view.getCols();
  std::vector<float> numbers(cols);
  for (int64_t row = 0; row < rows; ++row) {
    if (Error error = view.readRows(row, 1, numbers.data()))
      return error;
    for (float number : numbers)
      sum += std::fabs(number);
  }
  return static_cast<float>(sum / static_cast<double>(rows * cols));
}

Expected<float> Checkpoint::readTritScale(StringRef name) {
  auto it = tensors.find(name);
  if (it == tensors.end())
    return makeError(path + ": the checkpoint has no tensor " + quote(name) +
                     ", which its quantization_config calls for");
  auto view = this->view(name, it->second);
  if (!view)
    return view.takeError();
  std::string where = (view->getFile() + ": tensor " + quote(name)).str();
  if (view->getRows() * view->getCols() != 1)
    return makeError(where + " must hold one number, the scale of all weights");
  it->second.used = true;
  float scale;
  if (Error error = view->readRows(0, 1, &scale))
    return error;
  // The scale of a product is this number or its inverse.
  if (!(scale > 0) || !std::isnormal(scale) || !std::isnormal(1 / scale))
    return makeError(where + " is " + std::to_string(scale) +
                     ", no scale of weights; the file is damaged");
  return scale;
}

Error Checkpoint::readTrits(StringRef name, ArrayRef<int64_t> shape,
                            Form form) {
  auto it = tensors.find(name);
  if (it == tensors.end())
    return Error::success(); // getTensor() reports the error
  Entry &entry = it->second;
  auto view = entry.file->getTensor(entry.nameInFile);
  if (!view)
    return view.takeError();
  std::string where = (view->getFile() + ": tensor " + quote(name)).str();
  bool isPacked = view->getTensorType() == format::TensorType::Trits;
  if (isPacked == (form == Form::Latent))
    return makeError(
        where + " has the dtype \"" +
        format::infoOf(view->getTensorType()).name +
        "\"; quantization_config in config.json says that weights are " +
        (isPacked ? "numbers, as quantization_mode is \"online\""
                  : "trits in \"U8\"; for numbers it has the linear_class "
                    "\"autobitlinear\" and the quantization_mode \"online\""));
  SmallVector<int64_t, 2> stored(shape);
  if (isPacked)
    stored[0] /= 4;
  if ((isPacked && shape[0] % 4 != 0) || view->getShape() != ArrayRef(stored))
    return makeError(where +
                     " does not have the shape that the configuration calls "
                     "for: [" +
                     Twine(stored[0]) + ", " + Twine(stored[1]) + "]" +
                     (isPacked ? ", four rows per byte" : ""));
  TritRule rule{1, 0};
  if (form == Form::Latent) {
    auto mean = getMeanMagnitude(*view);
    if (!mean)
      return mean.takeError();
    constexpr float least = 1e-5f; // as in training
    rule.inverse = 1 / std::max(*mean, least);
    rule.scale = 1 / rule.inverse;
  } else {
    auto scale = readTritScale((name + "_scale").str());
    if (!scale)
      return scale.takeError();
    rule.scale = form == Form::Divide ? 1 / *scale : *scale;
  }
  entry.trits = rule;
  entry.shape.assign(shape.begin(), shape.end());
  return Error::success();
}

Error Checkpoint::readAsBitNet(const ModelConfig &config) {
  if (!config.bitNet)
    return Error::success();
  for (const LinearLayer &linear : listLinearLayers(config)) {
    if (config.bitNet->isDense(linear))
      continue;
    for (int64_t layer = 0; layer < config.numLayers; ++layer)
      if (Error error =
              readTrits(nameWeight(linear, layer),
                        {linear.outputs, linear.inputs}, config.bitNet->form))
        return error;
  }
  return Error::success();
}
