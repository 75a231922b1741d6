//===- sherry-train.cpp - Trains models with Sherry and Arenas ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/Json.h"
#include "sherry/Training/Evaluation.h"
#include "sherry/Training/Trainer.h"
#include "sherry/sherry.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/WithColor.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdlib>
#include <unistd.h>

using namespace sherry;
using namespace sherry::training;

static volatile std::sig_atomic_t stopRequested = 0;

/// OpenBLAS chooses its kernels when it is loaded, by the model of the CPU, and
/// has slow ones for those that it does not know. So it is told by the features
/// instead, which takes a new start of the process. What the user has set
/// stays.
static void chooseBlasKernels(char **argv) {
  constexpr const char *variable = "OPENBLAS_CORETYPE";
  if (std::getenv(variable))
    return;
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(sherry_cpu_features()).split(features, ',');
  auto hasAll = [&](std::initializer_list<llvm::StringRef> names) {
    return llvm::all_of(names, [&](llvm::StringRef name) {
      return llvm::is_contained(features, name);
    });
  };
  if (hasAll({"avx512f", "avx512bw", "avx512vl", "avx512dq"}))
    ::setenv(variable, "SkylakeX", /*overwrite=*/1);
  else if (hasAll({"avx2", "fma"}))
    ::setenv(variable, "Haswell", /*overwrite=*/1);
  else
    return;
  ::execv("/proc/self/exe", argv);
  // Without it, training is slow but right.
}

static std::string makeFlag(const char *name) {
  std::string flag = std::string("--") + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag == "--threads" ? "-t," + flag : flag;
}

/// The value of a flag as the configuration file would have it. What is no
/// value of the key's type stays a string, which the reader refuses.
static nlohmann::json parseFlag(const ConfigKey &key,
                                const std::vector<std::string> &values) {
  if (std::holds_alternative<std::vector<std::string> TrainingConfig::*>(
          key.member))
    return values;
  if (std::holds_alternative<std::string TrainingConfig::*>(key.member))
    return values.back();
  auto value = nlohmann::json::parse(values.back(), nullptr,
                                     /*allow_exceptions=*/false);
  return value.is_number() || value.is_boolean()
             ? value
             : nlohmann::json(values.back());
}

namespace {
struct Options {
  std::string configFile, evaluated, scales = "mean";
  int64_t measuredSteps = 0; ///< 0: train
  bool quiet = false;
  std::map<std::string, std::vector<std::string>> flags; ///< by key

  bool has(const char *key) const {
    auto it = flags.find(key);
    return it != flags.end() && !it->second.empty();
  }
};
} // namespace

static void addKeys(CLI::App &app, Options &options) {
  TrainingConfig defaults;
  for (const ConfigKey &key : listConfigKeys()) {
    std::string help = key.help, type;
    if (!key.choices.empty())
      type = llvm::join(key.choices, "|") + " ";
    nlohmann::json value = getValue(defaults, key);
    bool isEmpty = value.is_array() || value == "";
    std::string text =
        value.is_string() ? value.get<std::string>() : value.dump();
    auto *option =
        app.add_option(makeFlag(key.name), options.flags[key.name], help)
            ->group(key.section)
            ->option_text(type + (isEmpty ? "" : "[" + text + "]"));
    if (std::holds_alternative<std::vector<std::string> TrainingConfig::*>(
            key.member))
      option->expected(1, -1)->take_all();
    else
      option->expected(1)->take_last()->allow_extra_args(false);
  }
}

static llvm::Expected<TrainingConfig> makeConfig(const Options &options) {
  TrainingConfig config;
  if (!options.configFile.empty())
    if (llvm::Error error = config.load(options.configFile))
      return error;
  nlohmann::json flags = nlohmann::json::object();
  for (const ConfigKey &key : listConfigKeys())
    if (options.has(key.name))
      flags[key.name] = parseFlag(key, options.flags.at(key.name));
  if (llvm::Error error = config.apply(flags, "the command line"))
    return error;
  return config;
}

static llvm::Error runEvaluation(const Options &options,
                                 const TrainingConfig &config) {
  EvaluationOptions evaluation{options.evaluated, config.validationFiles,
                               config.contextLength, config.batchSize,
                               std::nullopt};
  if (evaluation.files.empty())
    return makeError("nothing to evaluate on; give --validation-files");
  if (config.groupSize % 4 != 0)
    return makeError("--group-size is " + llvm::Twine(config.groupSize) +
                     "; it must be a multiple of 4");
  auto description = readDescription(options.evaluated);
  if (!description)
    return description.takeError();
  Projection projection = description->projection;
  // What is not said is as the folder has it, if it says anything.
  bool isDense = projection.kind == QuantizerKind::None;
  Projection asked = makeProjection(config);
  if (options.has("quantizer"))
    projection.kind = asked.kind;
  if (isDense || options.has("granularity"))
    projection.granularity = asked.granularity;
  if (isDense || options.has("group_size"))
    projection.groupSize = asked.groupSize;
  projection.isLeastSquares = options.scales == "least_squares";
  projection.roundsScales = true;
  evaluation.projection = projection;
  auto result = evaluate(evaluation);
  if (!result)
    return result.takeError();
  llvm::outs() << result->dump(1) << "\n";
  return llvm::Error::success();
}

static llvm::Expected<int> run(const Options &options) {
  auto config = makeConfig(options);
  if (!config)
    return config.takeError();
  setThreads(config->threads);
  if (!options.evaluated.empty()) {
    if (llvm::Error error = runEvaluation(options, *config))
      return error;
    return 0;
  }
  if (llvm::Error error = config->validate())
    return error;
  if (options.measuredSteps > 0) {
    auto costs = measureSteps(*config, options.measuredSteps);
    if (!costs)
      return costs.takeError();
    llvm::outs() << costs->dump(1) << "\n";
    return 0;
  }
  // LLVM would take over these signals with the first file that it writes, and
  // remove a checkpoint that is being written. It does so once: not after this.
  llvm::sys::SetInterruptFunction(nullptr);
  // A file beyond the user's limit is an error, as on a disk that is full.
  std::signal(SIGXFSZ, SIG_IGN);
  // A second signal ends the process at once.
  struct sigaction action = {};
  action.sa_handler = [](int) { stopRequested = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  auto end = train(*config, options.quiet ? llvm::nulls() : llvm::errs(),
                   [] { return stopRequested != 0; });
  if (!end)
    return end.takeError();
  constexpr int interrupted = 130;
  return *end == TrainingEnd::Complete ? 0 : interrupted;
}

int main(int argc, char **argv) {
  chooseBlasKernels(argv);
  Options options;
  CLI::App app(
      "Trains a LLaMA whose linear layers are quantized, with a residual path "
      "(Arenas) that fades away. Goes on where it was interrupted. Every key "
      "of the configuration file is also a flag, which comes first.",
      "sherry-train");
  app.set_version_flag("--version", "sherry-train " SHERRY_VERSION);
  app.add_option("config", options.configFile,
                 "A JSON file of keys: the names of the flags below with _ in "
                 "place of -, without the dashes in front");
  app.add_option("--evaluate", options.evaluated,
                 "Do not train: print the loss of --validation-files under the "
                 "checkpoint in this folder, its weights projected as its "
                 "quantization_config says or as --quantizer, --granularity "
                 "and --group-size say, with scales in f16");
  app.add_option("--scales", options.scales,
                 "Scales of --evaluate: the mean of the quantizer, or those of "
                 "the least squared error [mean]")
      ->option_text("mean|least_squares")
      ->check(CLI::IsMember({"mean", "least_squares"}));
  app.add_option(
         "--benchmark", options.measuredSteps,
         "Do not train: print what this many steps cost in time, beside "
         "the matrix products alone, and in memory")
      ->option_text("STEPS")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  app.add_flag("-q,--quiet", options.quiet, "Print no progress");
  addKeys(app, options);
  CLI11_PARSE(app, argc, argv);
  auto result = run(options);
  if (result)
    return *result;
  llvm::WithColor::error(llvm::errs(), "sherry-train")
      << llvm::toString(result.takeError()) << "\n";
  return 1;
}
