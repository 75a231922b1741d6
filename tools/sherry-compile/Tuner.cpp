//===- Tuner.cpp - The schedule that suits a machine ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Tuner.h"
#include "ScheduleCache.h"
#include "sherry/Import/ModelFiles.h"
#include "sherry/Target/TargetModel.h"
#include "sherry/Weights/WeightPlan.h"
#include "sherry/sherry.h"
#include "sherry/support/CpuFeatures.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/WithColor.h"

#include <chrono>
#include <memory>

using namespace llvm;
using namespace sherry;

/// The ternary weights of a measured model: more than the CPU's caches hold.
static constexpr int64_t kWeights = int64_t(500) << 20;
static constexpr int64_t kVocabSize = 4096;
static constexpr int64_t kPromptTokens = 256;
static constexpr int64_t kDecodedTokens = 12;
/// The number of rounds in which candidates take turns; the best time of each
/// counts.
static constexpr int kRounds = 6;
/// The least speed-up of a candidate over the default.
static constexpr double kLeastGain = 1.02;

static Error runtimeError() {
  return createStringError(Twine("--tune: ") + sherry_error_message());
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

namespace {

struct Destroy {
  void operator()(sherry_model *model) const { sherry_model_close(model); }
  void operator()(sherry_context *context) const {
    sherry_context_destroy(context);
  }
};

/// A compiled model and its best times.
class Candidate {
public:
  static Expected<Candidate> compile(CompileOptions options,
                                     const Schedule &schedule,
                                     const ModelLimits &limits);

  Error measure();

  Schedule schedule;
  double decodeSeconds = 1e9, prefillSeconds = 1e9;

private:
  Error time(int64_t calls, int64_t tokensPerCall, double &best);

  std::unique_ptr<sherry_model, Destroy> model;
  std::unique_ptr<sherry_context, Destroy> context;
};

} // namespace

Expected<Candidate> Candidate::compile(CompileOptions options,
                                       const Schedule &schedule,
                                       const ModelLimits &limits) {
  SmallString<128> path;
  if (std::error_code code =
          sys::fs::createTemporaryFile("sherry-tune", "so", path))
    return createStringError(code, "--tune: cannot create a temporary file");
  FileRemover remover(path);
  options.output = path.str();
  options.schedule = schedule;
  options.limits = limits;
  options.ranks = 1;
  options.randomSeed = 1;
  options.lastStage = Stage::SharedObject;
  options.printStats = options.showProgress = false;
  std::string ignored;
  raw_string_ostream log(ignored);
  if (Error error = sherry::compile(options, log))
    return error;
  Candidate result;
  result.schedule = schedule;
  result.model.reset(
      sherry_model_open(options.output.c_str(), SHERRY_WEIGHTS_COPIED));
  if (!result.model)
    return runtimeError();
  sherry_context_options size = {};
  size.context = static_cast<uint32_t>(std::min<int64_t>(
      kPromptTokens, sherry_model_max_context(result.model.get())));
  result.context.reset(sherry_context_create(result.model.get(), &size));
  if (!result.context)
    return runtimeError();
  return result;
}

Error Candidate::time(int64_t calls, int64_t tokensPerCall, double &best) {
  if (sherry_context_truncate(context.get(), 0, 0) != 0)
    return runtimeError();
  const std::vector<int32_t> tokens(tokensPerCall, 1);
  auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i)
    if (sherry_eval(context.get(), tokens.data(), tokensPerCall,
                    SHERRY_LOGITS_LAST, nullptr, nullptr) != 0)
      return runtimeError();
  std::chrono::duration<double> passed =
      std::chrono::steady_clock::now() - start;
  best = std::min(best, passed.count() / static_cast<double>(calls));
  return Error::success();
}

Error Candidate::measure() {
  const int64_t size = sherry_context_size(context.get());
  if (Error error = time(std::min(kDecodedTokens, size), 1, decodeSeconds))
    return error;
  return time(1, size, prefillSeconds);
}

//===----------------------------------------------------------------------===//
// The key of a schedule
//===----------------------------------------------------------------------===//

static std::string describe(const WeightType &type) {
  const TernaryWeights *ternary = getTernary(type);
  if (!ternary)
    return nameOf(std::get<format::DenseFormat>(type));
  const format::TernaryLayout &layout = ternary->layout;
  std::string result(layout.codebook->name);
  result += " " + getGranularityName(layout.granularity).str();
  if (layout.granularity == format::Granularity::PerGroup)
    result += " " + std::to_string(layout.groupSize);
  result += layout.scaleType == format::ScaleType::F32 ? " f32" : " f16";
  return result + (ternary->isStrided ? " strided" : "");
}

/// A text of everything that the best schedule can depend on.
static std::string makeKey(const CompileOptions &options,
                           const ModelConfig &config, const WeightPlan &plan,
                           const TargetModel &target) {
  std::string key;
  raw_string_ostream out(key);
  out << runtime::cpuName() << "; " << target.cpu << " "
      << target.getFeatureString() << "; " << get_physical_cores() << " cores; "
      << "sherry " SHERRY_VERSION << "; " << config.hiddenSize << " "
      << config.intermediateSize << " " << config.numHeads << " "
      << config.numKeyValueHeads << " " << config.headDim << "; "
      << (options.quantizeActivations ? "i8" : "f32")
      << (options.hasScalesPerToken.value_or(config.isTrainedPerToken())
              ? " per token"
              : "");
  if (options.cacheType)
    out << " kv " << static_cast<int>(*options.cacheType);
  out << ";";
  std::string last;
  for (const PlannedWeight &weight : plan.weights) {
    if (weight.shape.size() != 2)
      continue;
    std::string type = describe(weight.type);
    if (!last.empty() && type != last)
      out << " " << last << ",";
    out << " " << weight.name;
    last = type;
  }
  out << " " << last;
  return key;
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

namespace {
/// A choice with its values and its measure.
struct Dimension {
  const char *option;
  int64_t Schedule::*field;
  std::vector<int64_t> values; ///< compared with the default
  bool forDecode, forPrefill;
};
} // namespace

static const Dimension kDimensions[] = {
    {"--interleave", &Schedule::interleave, {2, 4, 8}, true, true},
    {"--prefetch", &Schedule::prefetch, {2048, 4096, 8192}, true, false},
    {"--prefetch-l2", &Schedule::prefetchL2, {0, 16384, 65536}, true, false},
    {"--max-block", &Schedule::maxBlock, {64, 128, 256}, false, true},
};

/// How many times faster than `base` a candidate is.
static double gainOf(const Dimension &dimension, const Candidate &candidate,
                     const Candidate &base) {
  double gain = 1;
  if (dimension.forDecode)
    gain *= base.decodeSeconds / candidate.decodeSeconds;
  if (dimension.forPrefill)
    gain *= base.prefillSeconds / candidate.prefillSeconds;
  return gain;
}

/// Sets one field of the schedule.
static Error search(const Dimension &dimension, const CompileOptions &options,
                    const ModelLimits &limits, Schedule &schedule,
                    raw_ostream &log) {
  std::vector<Candidate> candidates;
  std::vector<int64_t> values = {schedule.*dimension.field};
  for (int64_t value : dimension.values)
    if (value != values.front())
      values.push_back(value);
  for (int64_t value : values) {
    Schedule other = schedule;
    other.*dimension.field = value;
    Expected<Candidate> candidate = Candidate::compile(options, other, limits);
    if (!candidate)
      return candidate.takeError();
    candidates.push_back(std::move(*candidate));
  }
  for (int round = 0; round < kRounds; ++round)
    for (Candidate &candidate : candidates)
      if (Error error = candidate.measure())
        return error;
  const Candidate *best = &candidates.front();
  log << "tune: " << dimension.option;
  for (const Candidate &candidate : candidates) {
    double gain = gainOf(dimension, candidate, candidates.front());
    log << llvm::format(
        " %lld (%.3f)",
        static_cast<long long>(candidate.schedule.*dimension.field), gain);
    if (gain > kLeastGain &&
        gain > gainOf(dimension, *best, candidates.front()))
      best = &candidate;
  }
  schedule = best->schedule;
  log << ": " << schedule.*dimension.field << "\n";
  return Error::success();
}

/// Options for random weights of the same types as the model's, because
/// measured models have random weights.
static WeightOptions describeTypes(const WeightPlan &plan) {
  WeightOptions result;
  for (const PlannedWeight &weight : plan.weights)
    result.types.emplace(weight.name, weight.type);
  return result;
}

Error sherry::tune(CompileOptions &options, raw_ostream &log) {
  if (options.targetCpu != "native")
    return createStringError(
        "--tune measures on this machine: it needs --target-cpu=native");
  OpenOptions reading;
  reading.weights = !options.randomSeed;
  reading.tokenizer = false;
  reading.stqScale = options.stqScale;
  Expected<ModelFiles> files = ModelFiles::open(options.model, reading);
  if (!files)
    return files.takeError();
  const ModelConfig *config = &files->config;
  Expected<TargetModel> target = TargetModel::get("native");
  if (!target)
    return target.takeError();
  const int64_t perLayer =
      config->hiddenSize *
      (2 * (config->numHeads + config->numKeyValueHeads) * config->headDim +
       3 * config->intermediateSize);
  const ModelLimits limits = {
      std::max<int64_t>(1, kWeights / std::max<int64_t>(1, perLayer)),
      kVocabSize};

  auto plan = planWeights(
      options.weights, /*keepNumbers=*/!options.quantizeActivations, *config,
      files->checkpoint ? &*files->checkpoint : nullptr, nulls());
  if (!plan)
    return plan.takeError();
  CompileOptions measured = options;
  measured.weights = describeTypes(*plan);
  const std::string key = makeKey(options, *config, *plan, *target);
  ScheduleCache cache;
  if (std::optional<Schedule> known = cache.find(key, options.schedule)) {
    log << "tune: schedule taken from " << cache.file() << "\n";
    options.schedule = *known;
    return Error::success();
  }
  for (const Dimension &dimension : kDimensions)
    if (Error error =
            search(dimension, measured, limits, options.schedule, log))
      return error;
  if (Error error = cache.store(key, options.schedule))
    WithColor::warning(log, "sherry-compile")
        << "--tune cannot store the schedule: " << toString(std::move(error))
        << "\n";
  return Error::success();
}
