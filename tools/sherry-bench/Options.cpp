//===- Options.cpp - The command line of sherry-bench ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "sherry/sherry.h"

#include <CLI/CLI.hpp>

using namespace sherry::bench;

std::optional<int> sherry::bench::parseOptions(int argc, char **argv,
                                               Options &options) {
  CLI::App app("Measures the speed of models that sherry-compile wrote, and "
               "compares it with the limits of this machine.",
               "sherry-bench");
  app.set_version_flag("--version",
                       std::string("sherry-bench ") + sherry_version());
  app.add_option("models", options.models, "Compiled models, .so files")
      ->required();
  auto addList = [&](const char *names, std::vector<uint32_t> &list,
                     const char *text) {
    return app.add_option(names, list, text)
        ->delimiter(',')
        ->capture_default_str();
  };
  addList("-p,--prompt", options.prompts,
          "Prompt lengths for prefill in tokens, 0 for none");
  addList("-n,--n-predict", options.generated,
          "Numbers of tokens to decode, 0 for none");
  addList("--ctx-fill", options.contextFills,
          "Tokens that the context holds before decoding starts");
  addList("-b,--batch", options.batches,
          "Numbers of sequences that are decoded together")
      ->check(CLI::Range(1u, 1024u));
  addList("-t,--threads", options.threads,
          "Numbers of threads, 0 for one per physical core; no more than "
          "processors are used");
  app.add_option("-r,--repetitions", options.repetitions,
                 "Measurements of which the median is taken")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_flag("--mmap", options.map,
               "Leave the weights in the file, shared with other processes, "
               "instead of copying them to faster memory");
  app.add_option("-o,--output", options.format, "Output: md, json or csv")
      ->check(CLI::IsMember({"md", "json", "csv"}))
      ->capture_default_str();
  app.add_flag("--profile", options.profile,
               "Also split the time of a token into the steps of the model");
  app.add_flag("--kernels", options.kernels,
               "Also give the speed of each matrix of the model");
  app.add_flag("-q,--quiet", options.quiet, "Show no progress");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? Success : UsageError;
  }
  return std::nullopt;
}
