//===- Options.cpp - The command line of sherry-bench ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "../Support/CommandLine.h"
#include "sherry-abi/limits.h"
#include "sherry/sherry.h"

using namespace sherry;
using namespace sherry::bench;

namespace {
/// Measurements of a run, and the format of its output.
enum Mode : unsigned {
  Prefill = 1,
  Decode = 2,
  Markdown = 4,
  Json = 8,
  Csv = 16,
  Plan = 32,
  Always = Markdown | Json | Csv
};
} // namespace

static const std::vector<OptionUse> optionTable = {
    {"--prompt", Always},
    {"--n-predict", Always},
    {"--ctx-fill", Decode | Plan, "where --n-predict is 0"},
    {"--batch", Decode, "where --n-predict is 0"},
    {"--threads", Always},
    {"--repetitions", Always},
    {"--mmap", Always},
    {"--output", Always | Plan},
    {"--profile", Markdown | Json, "with --output csv"},
    {"--kernels", Markdown | Json, "with --output csv"},
    {"--quiet", Always},
    {"--simulate-link", Always},
    {"--trace", Always},
    {"--plan", Plan},
    {"--machines", Plan, "without --plan"},
    {"--bandwidth", Plan, "without --plan"},
    {"--read-share", Plan, "without --plan"},
    {"--link", Plan, "without --plan"},
};

static unsigned findModes(const Options &options) {
  if (!options.plan.empty())
    return Plan;
  auto isMeasured = [](const std::vector<uint32_t> &counts) {
    return std::any_of(counts.begin(), counts.end(),
                       [](uint32_t count) { return count > 0; });
  };
  unsigned modes = options.format == "md"     ? Markdown
                   : options.format == "json" ? Json
                                              : Csv;
  if (isMeasured(options.prompts))
    modes |= Prefill;
  if (isMeasured(options.generated))
    modes |= Decode;
  return modes;
}

std::optional<int> sherry::bench::parseOptions(int argc, char **argv,
                                               Options &options) {
  CLI::App app("Measures the speed of compiled models and compares it with the "
               "limits of this machine.",
               "sherry-bench");
  app.set_version_flag("--version",
                       std::string("sherry-bench ") + sherry_version());
  const auto isNamed = [](const std::string &name) {
    return name.empty() ? "a name is missing" : "";
  };
  app.add_option("models", options.models, "Compiled models, .so files");
  auto addList = [&](const char *names, std::vector<uint32_t> &list,
                     const char *text) {
    return addNumber(app, names, list, text)
        ->delimiter(',')
        ->capture_default_str();
  };
  addList("-p,--prompt", options.prompts,
          "Lengths of prompts for prefill, in tokens; 0: no prefill");
  addList("-n,--n-predict", options.generated,
          "Numbers of tokens to decode; 0: no decode");
  addList("--ctx-fill", options.contextFills,
          "Tokens in the context before decoding starts");
  addList("-b,--batch", options.batches,
          "Numbers of sequences that are decoded together")
      ->check(CLI::Range(1u, 1024u));
  addList("-t,--threads", options.threads,
          "Numbers of threads; 0: one per physical core; at most the number of "
          "processors");
  addNumber(app, "-r,--repetitions", options.repetitions,
            "Repetitions of each measurement; the median counts")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_flag("--mmap", options.map,
               "Leave the weights in the file, shared with other processes, "
               "instead of copying them to faster memory");
  app.add_option("-o,--output", options.format, "Output: md, json or csv")
      ->check(CLI::IsMember({"md", "json", "csv"}))
      ->capture_default_str();
  app.add_flag(
      "--profile", options.profile,
      "Also print how the time of a token divides into the steps of the model");
  app.add_flag("--kernels", options.kernels,
               "Also print the speed of each matrix of the model");
  app.add_flag("-q,--quiet", options.quiet, "Show no progress");
  app.add_option("--trace", options.trace,
                 "Also write each step of each thread to this file, for "
                 "chrome://tracing or ui.perfetto.dev: of one repetition of a "
                 "prefill, and of 8 tokens of a decode")
      ->type_name("FILE")
      ->check(isNamed);
  addLink(app, "--simulate-link", options.simulatedLink,
          "Under mpirun: slow the exchanges between processes down to a "
          "network of this bandwidth and latency, for example 10gbit,25us");
  app.add_option("--plan", options.plan,
                 "Instead of measuring, predict how fast several machines "
                 "decode this model: 1b, 3b, 8b, 70b or 405b (LLaMA 3 with "
                 "q6_K heads), or a compiled model that is not cut")
      ->type_name("MODEL")
      ->check(isNamed);
  addNumber(app, "--machines", options.machines,
            "Largest number of machines of the plan")
      ->check(CLI::Range(1u, uint32_t{SHERRY_ABI_MAX_RANKS}))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--bandwidth",
         [&](const std::string &text) {
           options.bandwidth = parseQuantity(text, kBandwidthUnits);
           if (!options.bandwidth)
             throw CLI::ValidationError(
                 "--bandwidth",
                 "'" + text + "' is not a speed of memory such as 50GB/s");
         },
         "Memory bandwidth of each machine of the plan, for example 50GB/s")
      ->type_name("SPEED");
  addNumber(app, "--read-share", options.readShare,
            "Percentage of --bandwidth that decoding reaches on a machine of "
            "the plan; sherry-bench prints it as % of plain read")
      ->check(CLI::Range(1u, 100u))
      ->capture_default_str();
  addLink(app, "--link", options.link,
          "Network between the machines of the plan, for example 10gbit,25us");
  return parseCommandLine(app, argc, argv, [&] {
    const unsigned modes = findModes(options);
    if (modes == Plan) {
      // The words for other modes do not fit a plan.
      std::vector<OptionUse> table = optionTable;
      for (OptionUse &use : table)
        use.elsewhere = nullptr;
      refuseWithoutEffect(app, table, modes, "--plan");
      if (!options.models.empty())
        throw CLI::ValidationError("--plan",
                                   "measures nothing; leave the models out");
      if (!options.bandwidth || !options.link)
        throw CLI::ValidationError("--plan", "needs --bandwidth and --link");
      if (options.contextFills.size() != 1)
        throw CLI::ValidationError("--ctx-fill", "--plan takes one number");
      return;
    }
    if (options.models.empty())
      throw CLI::RequiredError("models");
    if (!(modes & (Prefill | Decode)))
      throw CLI::ValidationError("--n-predict",
                                 "nothing to measure: --prompt is 0 too");
    refuseWithoutEffect(app, optionTable, modes, "");
  });
}
