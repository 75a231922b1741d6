//===- OpenRun.cpp - Opens the inputs and the state of a run --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Exceptions.h"
#include "Run.h"
#include "sherry/Training/Evaluation.h"
#include "sherry/Training/Operators.h"
#include "sherry/support/Threads.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <torch/torch.h>

#include <cmath>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;
using nlohmann::ordered_json;

/// Requires whole groups in a new model. The compiler supports others, too, but
/// they are most likely a mistake.
static Error checkGroups(const Projection &projection,
                         const ModelConfig &config) {
  if (projection.kind == QuantizerKind::None ||
      projection.granularity != format::Granularity::PerGroup)
    return Error::success();
  int64_t size = projection.groupSize;
  for (const LinearLayer &layer : listLinearLayers(config))
    if (size < layer.inputs && layer.inputs % size != 0)
      return makeError("group_size is " + Twine(size) +
                       ", which does not divide the " + Twine(layer.inputs) +
                       " inputs of " + layer.module +
                       "; give a divisor of the inputs that is a multiple of "
                       "4, or the granularity per_channel");
  return Error::success();
}

Error Run::openModel() {
  tokenizerFolder = config.tokenizer.empty() ? config.model : config.tokenizer;
  auto opened = TextTokenizer::open(tokenizerFolder);
  if (!opened)
    return opened.takeError();
  tokenizer.emplace(std::move(*opened));
  auto described = config.model.empty() ? makeDescription(config, *tokenizer)
                                        : readDescription(config.model);
  if (!described)
    return described.takeError();
  description.emplace(std::move(*described));
  int64_t vocabSize = description->config.vocabSize;
  if (tokenizer->getVocabSize() > vocabSize)
    return makeError(tokenizerFolder + ": the tokenizer has " +
                     Twine(tokenizer->getVocabSize()) +
                     " tokens, more than the " + Twine(vocabSize) +
                     " of the model");
  int64_t longest = description->config.maxPositionEmbeddings;
  if (config.contextLength > longest)
    return makeError("context_length is " + Twine(config.contextLength) +
                     ", more than max_position_embeddings, " + Twine(longest));
  Projection projection = makeProjection(config);
  if (Error error = checkGroups(projection, description->config))
    return error;
  model.emplace(description->config, projection);
  return Error::success();
}

Error Run::openData() {
  auto train = tokenizer->encodeFiles(config.trainFiles);
  if (!train)
    return train.takeError();
  trainTokens = std::move(*train);
  auto size = static_cast<int64_t>(trainTokens.size());
  if (size <= config.contextLength)
    return makeError("the texts to train on have " + Twine(size) +
                     " tokens; they need more than context_length, " +
                     Twine(config.contextLength));
  auto validation = tokenizer->encodeFiles(config.validationFiles);
  if (!validation)
    return validation.takeError();
  validationTokens = std::move(*validation);
  order.emplace(size, config.contextLength, static_cast<uint64_t>(config.seed));
  return Error::success();
}

Error Run::openTeacher() {
  if (config.teacher.empty())
    return Error::success();
  auto described = readDescription(config.teacher);
  if (!described)
    return described.takeError();
  if (described->config.vocabSize != description->config.vocabSize)
    return makeError(config.teacher + ": the teacher has a vocabulary of " +
                     Twine(described->config.vocabSize) +
                     " tokens, the model one of " +
                     Twine(description->config.vocabSize));
  auto loaded = loadModel(config.teacher, *described, Projection());
  if (!loaded)
    return loaded.takeError();
  teacher.emplace(std::move(*loaded));
  teacherHash = hashModel(*described, *teacher);
  return Error::success();
}

/// Loads the last checkpoint, or begins a run.
Error Run::openState() {
  optimizer.emplace(*model, AdamWOptions{config.adamBeta1, config.adamBeta2,
                                         config.adamEpsilon, config.weightDecay,
                                         config.maxGradientNorm});
  if (config.diagnosticsInterval > 0)
    trapped.emplace(*model);
  state.emplace(
      TrainingState{*model, *optimizer, trapped ? &*trapped : nullptr});
  state->textHash = hashTokens(trainTokens) + hashTokens(validationTokens);
  state->teacherHash = teacherHash;
  if (!config.model.empty()) {
    auto checkpoint = Checkpoint::open(config.model);
    if (!checkpoint)
      return checkpoint.takeError();
    if (Error error = model->load(*checkpoint))
      return error;
    state->modelHash = hashModel(*description, *model);
  }
  std::string latest = getLatest();
  if (!latest.empty()) {
    if (Error error = state->load(latest, config))
      return error;
    savedStep = state->step;
    log << "continuing from " << latest << "\n";
    return Error::success();
  }
  if (config.model.empty())
    model->initialize(config.initializerRange,
                      static_cast<uint64_t>(config.seed));
  return Error::success();
}

int64_t Run::countWeights() const {
  int64_t weights = 0;
  for (const Parameter &parameter : model->getParameters())
    weights += parameter.value.numel();
  return weights;
}

/// Drops the records of steps that will be repeated; returns whether the run is
/// complete.
Expected<bool> Run::openMetrics() {
  auto records = metrics->read();
  if (!records)
    return records.takeError();
  auto isFinal = [&](const ordered_json &record) {
    std::string event = record.value("event", "");
    return event == "end" || (event == "validation" &&
                              record.value("step", int64_t{0}) == config.steps);
  };
  if (savedStep == config.steps && !records->empty() &&
      records->back().value("event", "") == "end")
    return true;
  erase_if(*records, [&](const ordered_json &record) {
    return savedStep < 0 || isFinal(record) ||
           record.value("step", int64_t{0}) > savedStep;
  });
  if (records->empty())
    records->push_back({{"event", "start"},
                        {"config", config.toJson()},
                        {"weights", countWeights()},
                        {"train_tokens", trainTokens.size()},
                        {"validation_tokens", validationTokens.size()}});
  if (Error error = metrics->rewrite(*records))
    return error;
  return false;
}

Error Run::open() {
  for (auto part :
       {&Run::openModel, &Run::openData, &Run::openTeacher, &Run::openState})
    if (Error error = (this->*part)())
      return error;
  return Error::success();
}
