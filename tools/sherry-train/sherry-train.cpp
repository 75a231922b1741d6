//===- sherry-train.cpp - Trains models with Sherry and Arenas ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../Support/CommandLine.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"
#include "sherry/Support/ToolProcess.h"
#include "sherry/Training/Evaluation.h"
#include "sherry/Training/Trainer.h"
#include "sherry/sherry.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/WithColor.h"

#include <csignal>
#include <cstdlib>
#include <unistd.h>

using namespace sherry;
using namespace sherry::training;

static volatile std::sig_atomic_t stopRequested = 0;

/// OpenBLAS chooses its kernels when it is loaded, by the model of the CPU, and
/// uses slow ones for models that it does not know. So this function chooses
/// the kernels by CPU features and restarts the process. A choice of the user
/// is kept.
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
  // If this fails, training is slow but correct.
}

static std::string makeFlag(const char *name) {
  std::string flag = std::string("--") + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag == "--threads" ? "-t," + flag : flag;
}

/// The value of a flag as in the configuration file. A text that is not a value
/// of the key's type stays a string, which the reader refuses.
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
/// Modes of a run.
enum Mode : unsigned { Trains = 1, Benchmarks = 2, Evaluates = 4 };

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

/// Refuses flags that have no effect. Keys in the file are not refused, because
/// the file may be for several runs.
static void checkMode(const CLI::App &app, const Options &options) {
  static constexpr llvm::StringRef evaluated[] = {
      "validation_files", "context_length", "batch_size", "quantizer",
      "codebook",         "granularity",    "group_size", "threads"};
  static constexpr llvm::StringRef written[] = {
      "output",           "dtype",        "checkpoint_interval",
      "keep_checkpoints", "log_interval", "validation_interval"};
  llvm::ArrayRef<ConfigKey> keys = listConfigKeys();
  std::vector<std::string> flags;
  for (const ConfigKey &key : keys)
    flags.push_back(
        "--" + llvm::StringRef(makeFlag(key.name)).rsplit("--").second.str());
  std::vector<OptionUse> table = {{"--evaluate", Evaluates},
                                  {"--scales", Evaluates, "without --evaluate"},
                                  {"--benchmark", Trains | Benchmarks},
                                  {"--quiet", Trains}};
  for (size_t i = 0; i < keys.size(); ++i) {
    unsigned modes = Trains;
    if (!llvm::is_contained(written, keys[i].name))
      modes |= Benchmarks;
    if (llvm::is_contained(evaluated, keys[i].name))
      modes |= Evaluates;
    table.push_back({flags[i].c_str(), modes});
  }
  if (!options.evaluated.empty())
    refuseWithoutEffect(app, table, Evaluates, "--evaluate");
  else if (options.measuredSteps > 0)
    refuseWithoutEffect(app, table, Benchmarks, "--benchmark");
  else
    refuseWithoutEffect(app, table, Trains, "training");
}

/// Refuses flags that have no effect because of other flags.
static llvm::Error checkFlags(const Options &options,
                              const TrainingConfig &config) {
  static constexpr std::pair<const char *, const char *> needs[] = {
      {"distillation_share", "teacher"},
      {"distillation_temperature", "teacher"},
      {"rope_low_freq_factor", "rope_scaling_factor"},
      {"rope_high_freq_factor", "rope_scaling_factor"},
      {"rope_original_max_position_embeddings", "rope_scaling_factor"},
      {"trapped_steps", "diagnostics_interval"},
      {"histogram_bins", "diagnostics_interval"}};
  auto refuse = [](const char *key, const llvm::Twine &where) {
    return makeError(makeFlag(key) + " has no effect " + where +
                     "; leave it out");
  };
  for (const ConfigKey &key : listConfigKeys()) {
    if (!options.has(key.name))
      continue;
    const llvm::StringRef name = key.name;
    if (!config.model.empty() && llvm::StringRef(key.section) == "Model" &&
        name != "model" && name != "tokenizer")
      return refuse(key.name, "with --model, whose folder gives the sizes");
    for (const auto &[needing, needed] : needs) {
      auto other = llvm::find_if(listConfigKeys(), [&](const ConfigKey &other) {
        return llvm::StringRef(other.name) == needed;
      });
      const nlohmann::json value = getValue(config, *other);
      if (name == needing && (value == "" || value == 0))
        return refuse(key.name, "without " + makeFlag(needed));
    }
  }
  return llvm::Error::success();
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
  if (llvm::Error error = checkFlags(options, config))
    return error;
  return config;
}

/// Refuses a codebook for a quantizer without one.
static llvm::Error checkCodebook(const Options &options,
                                 const Projection &projection) {
  if (!options.has("codebook") || projection.kind == QuantizerKind::Sherry)
    return llvm::Error::success();
  return makeError("--codebook has no effect with the quantizer " +
                   getQuantizerName(projection.kind) + "; leave it out");
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
  // Settings that are not given are the folder's, if it has any.
  bool isDense = projection.kind == QuantizerKind::None;
  Projection asked = makeProjection(config);
  if (options.has("quantizer"))
    projection.kind = asked.kind;
  if (isDense || options.has("codebook"))
    projection.codebook = asked.codebook;
  if (llvm::Error error = checkCodebook(options, projection))
    return error;
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
  if (llvm::Error error = checkCodebook(options, makeProjection(*config)))
    return error;
  if (options.measuredSteps > 0) {
    auto costs = measureSteps(*config, options.measuredSteps);
    if (!costs)
      return costs.takeError();
    llvm::outs() << costs->dump(1) << "\n";
    return 0;
  }
  // A file beyond the user's size limit is an error, as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  // A second signal ends the process at once.
  struct sigaction action = {};
  action.sa_handler = [](int) { stopRequested = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (int number : {SIGINT, SIGTERM}) {
    struct sigaction before;
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN)
      sigaction(number, &action, nullptr);
  }
  auto end = train(*config, options.quiet ? llvm::nulls() : llvm::errs(),
                   [] { return stopRequested != 0; });
  if (!end)
    return end.takeError();
  constexpr int interrupted = 130;
  return *end == TrainingEnd::Complete ? 0 : interrupted;
}

int main(int argc, char **argv) {
  chooseBlasKernels(argv);
  // Here and not at the first written file: later, LLVM would take over the
  // signals of the training.
  startTool();
  Options options;
  CLI::App app(
      "Trains a LLaMA whose linear layers are quantized, with a residual path "
      "(Arenas) that fades away. Continues an interrupted run. Every key of "
      "the configuration file is also a flag, which overrides it.",
      "sherry-train");
  app.set_version_flag("--version", "sherry-train " SHERRY_VERSION);
  app.add_option("config", options.configFile,
                 "A JSON file of keys: the names of the flags below with _ "
                 "instead of -, without the leading dashes");
  app.add_option("--evaluate", options.evaluated,
                 "Do not train: print the loss of the checkpoint in this "
                 "folder on --validation-files. Its weights are projected by "
                 "its quantization_config or by --quantizer, --codebook, "
                 "--granularity and --group-size, with scales in f16");
  app.add_option("--scales", options.scales,
                 "Scales of --evaluate: the mean of the quantizer, or the "
                 "scales of the least squared error [mean]")
      ->option_text("mean|least_squares")
      ->check(CLI::IsMember({"mean", "least_squares"}));
  addNumber(app, "--benchmark", options.measuredSteps,
            "Do not train: print the time of this many steps, compared with "
            "their matrix products alone, and their memory")
      ->option_text("STEPS")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  app.add_flag("-q,--quiet", options.quiet, "Do not print progress");
  addKeys(app, options);
  if (auto exitCode =
          parseCommandLine(app, argc, argv, [&] { checkMode(app, options); }))
    return *exitCode;
  auto result = run(options);
  if (result)
    return *result;
  llvm::WithColor::error(llvm::errs(), "sherry-train")
      << explain(result.takeError(), {{Problem::UnknownTrainingKey,
                                       "; sherry-train --help lists all keys"}})
      << "\n";
  return 1;
}
