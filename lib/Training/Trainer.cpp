//===- Trainer.cpp - A training run ---------------------------------------===//
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

void sherry::training::setThreads(int64_t threads) {
  at::set_num_threads(
      static_cast<int>(threads == 0 ? runtime::defaultThreads() : threads));
}

/// The name of a number that is not finite, for messages.
static const char *describe(double value) {
  return std::isnan(value) ? "NaN" : "infinite";
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

double Run::getLearningRate(int64_t done) const {
  double progress =
      static_cast<double>(done) / static_cast<double>(config.steps);
  double warmup = config.learningRateWarmup;
  // From 1 on, so that the learning rate of the first step is not 0.
  if (progress < warmup)
    return config.learningRate * static_cast<double>(done + 1) /
           std::ceil(warmup * static_cast<double>(config.steps));
  if (config.learningRateSchedule == "constant")
    return config.learningRate;
  double u = (progress - warmup) / (1 - warmup);
  double least = config.learningRateMinimum;
  return config.learningRate *
         (least + (1 - least) * (1 + std::cos(M_PI * u)) / 2);
}

std::string Run::describeLatest() const {
  std::string latest = getLatest();
  return latest.empty() ? "There is no checkpoint yet"
                        : "The last good checkpoint is " + latest;
}

/// An error about the result of `count` sequences from number `first` on.
Error Run::refuse(const Twine &what, int64_t first, int64_t count) const {
  constexpr int64_t maxListed = 16;
  std::string places;
  for (int64_t i = 0; i < std::min(count, maxListed); ++i)
    places += (i ? ", " : "") + itostr(order->getOffset(first + i));
  if (count > maxListed)
    places += ", ...";
  return makeError(
      "step " + Twine(first / sequencesPerStep() + 1) + ": " + what +
      "; it read the sequences from " + Twine(first) + " to " +
      Twine(first + count - 1) + ", of " + Twine(config.contextLength) +
      " tokens each, which begin at the tokens " + places + " of the " +
      Twine(trainTokens.size()) + " of the training text. " + describeLatest() +
      ". Lower learning_rate, raise learning_rate_warmup, or lower "
      "max_gradient_norm");
}

/// An error about the result of the last step.
Error Run::refuseLast(const Twine &what) const {
  int64_t step = std::max<int64_t>(state->step - 1, 0);
  return refuse(what, step * sequencesPerStep(), sequencesPerStep());
}

/// Computes the gradients of the first `parts` batches of the next step and
/// leaves them in the model.
Expected<Run::Gradients> Run::computeGradients(double lambda, int64_t parts,
                                               bool keepsTrits) {
  int64_t begin = state->step * sequencesPerStep();
  int64_t count = parts * config.batchSize;
  if (Error error = model->prepare(lambda, keepsTrits))
    return refuse(toString(std::move(error)), begin, count);
  model->clearGradients();
  double loss = 0;
  auto divisor = static_cast<double>(parts);
  for (int64_t part = 0; part < parts; ++part) {
    int64_t first = begin + part * config.batchSize;
    std::vector<int64_t> offsets;
    for (int64_t i = 0; i < config.batchSize; ++i)
      offsets.push_back(order->getOffset(first + i));
    Batch batch = makeBatch(trainTokens, offsets, config.contextLength);
    std::optional<Teacher> guide;
    if (teacher) {
      at::NoGradGuard noGradients;
      guide = Teacher{teacher->computeHidden(batch.inputs), teacher->getHead(),
                      config.distillationShare, config.distillationTemperature};
    }
    at::Tensor mean = headLoss(model->computeHidden(batch.inputs),
                               model->getHead(), batch.targets, guide);
    auto value = mean.item<double>();
    if (!std::isfinite(value))
      return refuse(Twine("the loss is ") + describe(value), first,
                    config.batchSize);
    (mean / divisor).backward();
    loss += value / divisor;
  }
  double norm = AdamW::computeGradientNorm(*model, lambda);
  if (!std::isfinite(norm))
    return refuse(Twine("the norm of the gradient is ") + describe(norm), begin,
                  count);
  return Gradients{loss, norm};
}

Error Run::takeStep() {
  double begun = now();
  double lambda = arenas.getLambda(state->step);
  auto gradients =
      computeGradients(lambda, config.accumulationSteps, trapped.has_value());
  if (!gradients)
    return gradients.takeError();
  auto [loss, norm] = *gradients;
  if (trapped)
    trapped->observe(*model, state->step + 1);
  double learningRate = getLearningRate(state->step);
  ++state->step;
  tokensSinceLog += tokensPerStep();
  ordered_json diagnostics;
  if (isDue(config.diagnosticsInterval))
    diagnostics = {
        {"event", "diagnostics"},
        {"step", state->step},
        {"lambda", lambda},
        {"layers", describeLayers(*model, *trapped, state->step,
                                  config.trappedSteps, config.histogramBins)}};
  optimizer->update(*model, lambda, norm, learningRate, state->step);
  secondsSinceLog += now() - begun;
  if (isDue(config.logInterval) || state->step == config.steps) {
    double speed = static_cast<double>(tokensSinceLog) / secondsSinceLog;
    tokensSinceLog = 0;
    secondsSinceLog = 0;
    if (Error error =
            metrics->append({{"event", "step"},
                             {"step", state->step},
                             {"tokens", state->step * tokensPerStep()},
                             {"loss", loss},
                             {"learning_rate", learningRate},
                             {"lambda", lambda},
                             {"gradient_norm", norm},
                             {"tokens_per_second", speed}}))
      return error;
    printProgress(loss, lambda, speed);
  }
  if (!diagnostics.empty())
    return metrics->append(diagnostics);
  return Error::success();
}

void Run::printProgress(double loss, double lambda, double tokensPerSecond) {
  auto left =
      static_cast<double>((config.steps - state->step) * tokensPerStep()) /
      tokensPerSecond;
  auto seconds = static_cast<int64_t>(left);
  log << (log.is_displayed() ? "\r\x1b[K" : "")
      << formatv("step {0} of {1}, loss {2:f4}, lambda {3:f3}, {4:f0} "
                 "tokens/s, {5}:{6,0+2}:{7,0+2} left",
                 state->step, config.steps, loss, lambda, tokensPerSecond,
                 seconds / 3600, seconds / 60 % 60, seconds % 60)
      << (log.is_displayed() && state->step < config.steps ? "" : "\n");
  log.flush();
}

/// The loss on the validation text. Fails if it is not finite.
Expected<double> Run::measure(Transformer &measured, StringRef what) const {
  TextLoss loss = measureLoss(measured, validationTokens, config.contextLength,
                              config.batchSize);
  if (!std::isfinite(loss.mean))
    return refuseLast(what + " after it is " + describe(loss.mean));
  return loss.mean;
}

/// Measures and records the loss of the current model on the validation text.
Expected<double> Run::validate() {
  double lambda = arenas.getLambda(state->step);
  if (Error error = model->prepare(lambda))
    return refuseLast(toString(std::move(error)));
  auto loss = measure(*model, "the validation loss");
  if (!loss)
    return loss.takeError();
  if (Error error = metrics->append({{"event", "validation"},
                                     {"step", state->step},
                                     {"loss", *loss},
                                     {"lambda", lambda}}))
    return error;
  return *loss;
}

Error Run::saveCheckpoint() {
  if (savedStep == state->step)
    return Error::success();
  for (const Parameter &parameter : model->getParameters())
    if (!at::isfinite(parameter.value).all().item<bool>())
      return refuseLast("weights of " + parameter.name + " are not finite");
  // Even finite weights may be useless. A checkpoint replaces others, so a step
  // from it must be possible.
  auto next = computeGradients(arenas.getLambda(state->step), /*parts=*/1,
                               /*keepsTrits=*/false);
  if (!next)
    return next.takeError();
  TrainingState saved = *state;
  saved.seconds = getSeconds();
  auto write = [&](StringRef directory) -> Error {
    if (Error error = writeModelFolder(directory, *description, *model,
                                       getTensorType(), tokenizerFolder))
      return error;
    return saved.save(directory, config);
  };
  if (Error error = folder->save(state->step, config.keepCheckpoints, write))
    return makeError(
        toString(std::move(error)) + ". " + describeLatest() +
        "; once the problem is solved, the same command continues the run");
  savedStep = state->step;
  return Error::success();
}

Error Run::takeSteps() {
  while (state->step < config.steps && !isStopped()) {
    if (Error error = takeStep())
      return error;
    bool isLast = state->step == config.steps;
    if (isDue(config.validationInterval) && !isLast && hasValidation())
      if (Error error = validate().takeError())
        return error;
    if (isDue(config.checkpointInterval) && !isLast)
      if (Error error = saveCheckpoint())
        return error;
  }
  return saveCheckpoint();
}

//===----------------------------------------------------------------------===//
// After the last step
//===----------------------------------------------------------------------===//

Error Run::finish() {
  bool isBf16 = getTensorType() == format::TensorType::BF16;
  ordered_json end = {{"event", "end"}, {"step", state->step}};
  if (hasValidation()) {
    auto loss = validate();
    if (!loss)
      return loss.takeError();
    end["validation_loss"] = *loss;
    // Measures as the compiler would read the model: weights from the file,
    // scales in f16.
    Projection projection = model->getProjection();
    projection.roundsScales = true;
    auto written = loadModel(folder->getLatest(), *description, projection);
    if (!written)
      return written.takeError();
    if (Error error = written->prepare(/*lambda=*/0))
      return refuseLast(toString(std::move(error)));
    auto writtenLoss =
        measure(*written, "the validation loss of the written checkpoint");
    if (!writtenLoss)
      return writtenLoss.takeError();
    end["written_validation_loss"] = *writtenLoss;
  }
  end["bits_per_weight"] = model->getBitsPerWeight(isBf16 ? 16 : 32);
  end["seconds"] = getSeconds();
  return metrics->append(end);
}

Expected<TrainingEnd> Run::run() {
  if (config.output.empty())
    return makeError("no output folder; give the key \"output\"");
  auto opened = RunFolder::open(config.output);
  if (!opened)
    return opened.takeError();
  folder.emplace(std::move(*opened));
  metrics.emplace(folder->getMetricsPath());
  if (Error error = open())
    return error;

  auto isComplete = openMetrics();
  if (!isComplete)
    return isComplete.takeError();
  if (*isComplete) {
    log << "this run is complete\n";
    return TrainingEnd::Complete;
  }
  started = now();
  if (Error error = takeSteps())
    return error;
  if (state->step < config.steps) {
    log << "interrupted after step " << state->step
        << "; the same command continues from " << folder->getLatest() << "\n";
    return TrainingEnd::Interrupted;
  }
  if (Error error = finish())
    return error;
  return TrainingEnd::Complete;
}

Expected<TrainingEnd> sherry::training::train(const TrainingConfig &config,
                                              raw_ostream &log,
                                              function_ref<bool()> isStopped) {
  return catchExceptions([&] { return Run(config, log, isStopped).run(); });
}
