//===- Measure.cpp - Times of a model -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Measure.h"
#include "../Support/Stopwatch.h"
#include "Roofline.h"
#include "sherry-abi/metadata.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace sherry::bench;
using namespace sherry;

Summary sherry::bench::summarize(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  const double median =
      values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

/// The most tokens of a decode that are traced.
static constexpr uint32_t kTracedTokens = 8;

static uint64_t residentBytes() {
  uint64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

static std::vector<Step> readSteps(const std::string &metadata) {
  std::vector<Step> result;
  const auto description = nlohmann::json::parse(metadata);
  namespace key = sherry::metadata::step;
  for (const auto &step : description.at(sherry::metadata::kSteps))
    result.push_back(
        {step.at(key::kEntry), step.at(key::kOp), step.value(key::kWeight, ""),
         step.contains(key::kShape) ? step[key::kShape].dump() : "",
         step.value(key::kBytes, 0ULL), step.value(key::kMultiplyAdds, 0ULL)});
  return result;
}

namespace {

/// The tests of one model.
class Bench {
public:
  Bench(const RankedProcess &process, const sherry_model *model,
        const Options &options,
        const std::function<void(const std::string &)> &progress)
      : process(process), model(model), options(options), progress(progress),
        steps(readSteps(sherry_model_metadata(model))) {}

  std::vector<Result> run(uint32_t threads);

private:
  Result runPrefill(uint32_t tokens);
  Result runDecode(uint32_t tokens, uint32_t contextFill, uint32_t batch);

  Context makeContext(uint32_t size, uint32_t sequences = 1) const {
    sherry_context_options context = {};
    context.context = size;
    context.threads = threads;
    context.sequences = sequences;
    return Context(check(sherry_context_create(model, &context)));
  }
  void eval(sherry_context *context, int64_t n) const;
  /// Calls `repeat` for a warm-up and all repetitions; returns tokens per
  /// second.
  Summary time(uint32_t tokens, const std::function<void()> &repeat) const;
  /// The steps in the profile of `context` after `blocks` evaluated blocks.
  std::vector<Step> readProfile(const sherry_context *context,
                                double blocks) const;
  /// Traces the steps of `work`.
  void trace(sherry_context *context, Result &result,
             const std::function<void()> &work) const;
  double plainRead(double bytes);

  /// Calls `repeat` once more; returns the received bytes per token.
  double countReceived(uint32_t tokens,
                       const std::function<void()> &repeat) const {
    const uint64_t before = process.bytesReceived();
    repeat();
    return static_cast<double>(process.bytesReceived() - before) / tokens;
  }

  const RankedProcess &process;
  const sherry_model *model;
  const Options &options;
  const std::function<void(const std::string &)> &progress;
  std::vector<Step> steps;
  uint32_t threads = 0;
  std::map<uint64_t, double> reads; ///< plain read speed by MB
};

} // namespace

/// Appends `n` tokens to every sequence.
void Bench::eval(sherry_context *context, int64_t n) const {
  // Any tokens will do, because the time does not depend on them.
  std::vector<int32_t> tokens;
  const uint64_t vocab = sherry_model_vocab_size(model);
  for (int64_t i = 0; i < n; ++i)
    tokens.push_back(static_cast<int32_t>(
        (sherry_context_position(context, 0) + i) * 7919 % vocab));
  std::vector<sherry_batch_entry> entries;
  for (uint32_t i = 0; i < sherry_context_sequences(context); ++i)
    entries.push_back({i, SHERRY_LOGITS_LAST, tokens.data(), n});
  check(sherry_eval_batch(context, entries.data(),
                          static_cast<int64_t>(entries.size()), nullptr,
                          nullptr));
}

Summary Bench::time(uint32_t tokens,
                    const std::function<void()> &repeat) const {
  std::vector<double> speeds;
  repeat();
  for (uint32_t i = 0; i < options.repetitions; ++i) {
    Stopwatch stopwatch;
    repeat();
    speeds.push_back(tokens / stopwatch.seconds());
  }
  return summarize(speeds);
}

std::vector<Step> Bench::readProfile(const sherry_context *context,
                                     double blocks) const {
  std::vector<Step> result = steps;
  for (size_t i = 0; i < result.size(); ++i) {
    sherry_step_time time;
    check(sherry_context_step_time(context, static_cast<uint32_t>(i), &time));
    result[i].calls = static_cast<double>(time.calls) / blocks;
    result[i].seconds = static_cast<double>(time.busy_ns) * 1e-9 / blocks;
    result[i].waited = static_cast<double>(time.waiting_ns) * 1e-9 / blocks;
  }
  result.erase(std::remove_if(result.begin(), result.end(),
                              [](const Step &step) { return step.calls == 0; }),
               result.end());
  return result;
}

void Bench::trace(sherry_context *context, Result &result,
                  const std::function<void()> &work) const {
  if (options.trace.empty())
    return;
  check(sherry_context_trace(context));
  work();
  const int64_t count = check(sherry_context_events(context, nullptr, 0));
  result.tracedSteps = steps;
  result.events.resize(static_cast<size_t>(count));
  check(sherry_context_events(context, result.events.data(), count));
  std::map<uint32_t, size_t> counts; // by thread
  for (const sherry_step_event &event : result.events)
    if (++counts[event.thread] == SHERRY_MAX_EVENTS)
      std::fprintf(stderr,
                   "sherry-bench: warning: --trace: the steps after the first "
                   "%d of a thread are left out\n",
                   SHERRY_MAX_EVENTS);
}

double Bench::plainRead(double bytes) {
  const auto megabytes = static_cast<uint64_t>(bytes / 1e6) + 1;
  auto [known, isNew] = reads.try_emplace(megabytes);
  if (isNew) {
    progress("plain read of " + std::to_string(megabytes) + " MB, " +
             std::to_string(threads) + " threads");
    known->second = measurePlainRead(static_cast<uint64_t>(bytes), threads,
                                     options.repetitions);
  }
  return known->second;
}

Result Bench::runPrefill(uint32_t tokens) {
  progress("prefill of " + std::to_string(tokens) + " tokens, " +
           std::to_string(threads) + " threads");
  Context context = makeContext(tokens);
  auto repeat = [&] {
    check(sherry_context_truncate(context.get(), 0, 0));
    eval(context.get(), tokens);
  };
  Result result = {};
  result.threads = threads;
  result.tokens = tokens;
  result.batch = 1;
  result.tokensPerSecond = time(tokens, repeat);
  const uint32_t block = sherry_context_block(context.get());
  const uint32_t blockCount = (tokens + block - 1) / block;
  const double blocks = blockCount;
  result.blockTokens = tokens / blocks;
  check(sherry_context_profile(context.get(), true));
  result.receivedPerToken = countReceived(tokens, repeat);
  result.steps = readProfile(context.get(), blocks);
  for (const Step &step : result.steps) {
    // Logits are computed only for the last token.
    result.multiplyAddsPerToken += static_cast<double>(step.multiplyAdds) *
                                   (step.isHead() ? 1.0 / tokens : step.calls);
  }
  trace(context.get(), result, repeat);
  return result;
}

Result Bench::runDecode(uint32_t tokens, uint32_t contextFill, uint32_t batch) {
  progress("decode of " + std::to_string(tokens) + " tokens after " +
           std::to_string(contextFill) + ", " + std::to_string(batch) +
           " sequences, " + std::to_string(threads) + " threads");
  Context context = makeContext(contextFill + tokens, batch);
  eval(context.get(), contextFill);
  auto repeat = [&] {
    for (uint32_t i = 0; i < batch; ++i)
      check(sherry_context_truncate(context.get(), i, contextFill));
    for (uint32_t i = 0; i < tokens; ++i)
      eval(context.get(), 1);
  };
  Result result = {};
  result.isDecode = true;
  result.threads = threads;
  result.tokens = tokens;
  result.contextFill = contextFill;
  result.batch = batch;
  result.tokensPerSecond = time(tokens * batch, repeat);
  check(sherry_context_profile(context.get(), true));
  result.receivedPerToken = countReceived(tokens * batch, repeat);
  result.steps = readProfile(context.get(), tokens);
  for (const Step &step : result.steps)
    result.bytesPerToken +=
        static_cast<double>(step.bytes) * step.calls / batch;
  // All positions before each token, on average.
  result.bytesPerToken +=
      (contextFill + (tokens + 1) / 2.0) *
      static_cast<double>(sherry_model_cache_size_per_position(model));
  trace(context.get(), result, [&] {
    for (uint32_t i = 0; i < batch; ++i)
      check(sherry_context_truncate(context.get(), i, contextFill));
    for (uint32_t i = 0; i < std::min(tokens, kTracedTokens); ++i)
      eval(context.get(), 1);
  });
  result.plainRead = plainRead(result.bytesPerToken * batch);
  return result;
}

std::vector<Result> Bench::run(uint32_t count) {
  threads = count;
  threads = sherry_context_threads(makeContext(1).get());
  reads.clear();
  std::vector<Result> results;
  MultiplyPeak peak = {};
  for (uint32_t tokens : options.prompts)
    if (tokens > 0) {
      if (peak.perSecond == 0)
        peak = measureMultiplyPeak(threads, options.repetitions);
      results.push_back(runPrefill(tokens));
      results.back().multiplyPeak = peak.perSecond;
      results.back().multiplyInstruction = peak.instruction;
    }
  for (uint32_t tokens : options.generated)
    if (tokens > 0)
      for (uint32_t fill : options.contextFills)
        for (uint32_t batch : options.batches)
          results.push_back(runDecode(tokens, fill, batch));
  return results;
}

ModelReport sherry::bench::measure(
    const RankedProcess &process, const std::string &path,
    const Options &options,
    const std::function<void(const std::string &)> &progress) {
  ModelReport report = {};
  report.path = path;
  progress("loading " + path);
  if (options.simulatedLink)
    process.simulateLink(options.simulatedLink->bandwidth,
                         options.simulatedLink->latency);
  Stopwatch stopwatch;
  const Model model = process.open(path, options.map ? SHERRY_WEIGHTS_MAPPED
                                                     : SHERRY_WEIGHTS_COPIED);
  if (process.isFollower()) {
    process.follow(model);
    return report;
  }
  report.loadSeconds = stopwatch.seconds();
  {
    Context context(check(sherry_context_create(model.get(), nullptr)));
    const int32_t token = 0;
    check(sherry_eval(context.get(), &token, 1, SHERRY_LOGITS_LAST, nullptr,
                      nullptr));
  }
  report.firstTokenSeconds = stopwatch.seconds();
  report.fileSize = std::filesystem::file_size(process.fileOf(path));
  report.metadata = sherry_model_metadata(model.get());
  Bench bench(process, model.get(), options, progress);
  for (uint32_t threads : options.threads)
    for (Result &result : bench.run(threads)) {
      result.model = std::filesystem::path(path).filename();
      report.results.push_back(std::move(result));
    }
  report.residentBytes = residentBytes();
  return report;
}
