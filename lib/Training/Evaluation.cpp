//===- Evaluation.cpp - The loss of a text --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/Evaluation.h"
#include "Exceptions.h"
#include "sherry/Support/Json.h"
#include "sherry/Training/Operators.h"

#include <torch/torch.h>

#include <cmath>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;

TextLoss sherry::training::measureLoss(Transformer &model,
                                       ArrayRef<int32_t> tokens, int64_t window,
                                       int64_t batchSize) {
  at::NoGradGuard noGradients;
  TextLoss loss;
  double sum = 0;
  auto add = [&](ArrayRef<int64_t> offsets, int64_t length) {
    Batch batch = makeBatch(tokens, offsets, length);
    at::Tensor mean = headLoss(model.computeHidden(batch.inputs),
                               model.getHead(), batch.targets, std::nullopt);
    int64_t count = batch.targets.numel();
    sum += mean.item<double>() * static_cast<double>(count);
    loss.tokens += count;
  };
  auto size = static_cast<int64_t>(tokens.size());
  std::vector<int64_t> offsets;
  for (int64_t begin = 0; begin < size; begin += window) {
    if (size - begin >= window)
      offsets.push_back(begin);
    bool isLast = size - begin - window < window;
    if (static_cast<int64_t>(offsets.size()) == batchSize ||
        (isLast && !offsets.empty())) {
      add(offsets, window - 1);
      offsets.clear();
    }
  }
  int64_t rest = size % window;
  if (rest >= 2)
    add({size - rest}, rest - 1);
  if (loss.tokens > 0)
    loss.mean = sum / static_cast<double>(loss.tokens);
  return loss;
}

static Expected<nlohmann::ordered_json>
evaluateFolder(const EvaluationOptions &options) {
  auto description = readDescription(options.folder);
  if (!description)
    return description.takeError();
  auto tokenizer = TextTokenizer::open(options.folder);
  if (!tokenizer)
    return tokenizer.takeError();
  if (tokenizer->getVocabSize() > description->config.vocabSize)
    return makeError(options.folder + ": the tokenizer has more tokens than "
                                      "the model");
  auto tokens = tokenizer->encodeFiles(options.files);
  if (!tokens)
    return tokens.takeError();
  Projection projection = options.projection.value_or(description->projection);
  auto model = loadModel(options.folder, *description, projection);
  if (!model)
    return model.takeError();
  if (Error error = model->prepare(/*lambda=*/0))
    return error;
  TextLoss loss =
      measureLoss(*model, *tokens, options.window, options.batchSize);
  if (loss.tokens == 0)
    return makeError("the validation files have fewer than 2 tokens, so there "
                     "is nothing to predict");
  bool isBf16 = description->json.value("torch_dtype", "") != "float32";
  nlohmann::ordered_json result = {
      {"model", options.folder},
      {"quantizer", getQuantizerName(projection.kind).str()}};
  if (projection.kind == QuantizerKind::Sherry)
    result["codebook"] = projection.codebook->name;
  result.update(
      {{"granularity", getGranularityName(projection.granularity).str()},
       {"group_size", projection.groupSize},
       {"scales", projection.isLeastSquares ? "least_squares" : "mean"},
       {"validation_loss", loss.mean},
       {"perplexity", std::exp(loss.mean)},
       {"tokens", loss.tokens},
       {"bits_per_weight", model->getBitsPerWeight(isBf16 ? 16 : 32)}});
  return result;
}

Expected<nlohmann::ordered_json>
sherry::training::evaluate(const EvaluationOptions &options) {
  return catchExceptions([&] { return evaluateFolder(options); });
}
