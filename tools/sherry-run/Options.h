//===- Options.h - The command line of sherry-run ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The options of the program.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_OPTIONS_H
#define SHERRY_TOOLS_RUN_OPTIONS_H

#include "sherry/engine/Engine.h"
#include "sherry/engine/Sampling.h"

#include <cstdint>
#include <ctime>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sherry::run {

/// Exit codes of the program.
enum ExitCode {
  Success = 0,
  RuntimeError = 1,
  UsageError = 2,
  Interrupted = 130 ///< by SIGINT, as shells have it
};

struct Options {
  std::string model;

  // Exactly one of these is set.
  std::optional<std::string> prompt, promptFile, perplexityFile, scoreFile,
      info;
  bool chat = false, verify = false;
  std::vector<int32_t> tokens;

  /// Names of the options that were given, such as "--temp".
  std::set<std::string> given;
  bool isGiven(const char *name) const { return given.count(name) > 0; }

  int64_t length = 128; ///< tokens to generate; negative: no limit
  /// Without the model's values: see engine::takeModelSampling.
  sherry_sampler_options sampling = engine::kDefaultSampling;
  std::vector<sherry_logit_bias> biases;
  std::vector<std::string> stops;   ///< texts that end the answer
  bool json = false;                ///< print events
  std::optional<uint32_t> logprobs; ///< likeliest tokens in an event
  bool contextShift = false;        ///< forget the oldest tokens
  uint32_t keep = 0;                ///< first tokens that are never forgotten
  // For chats; empty: none.
  std::string chatTemplate, system, history;
  std::optional<bool> thinking;
  std::optional<std::tm> date; ///< of templates; nothing: today
  bool map = false;            ///< leave the weights in the file
  sherry_context_options context = {};
  engine::DraftOptions drafts;
  std::string draft;              ///< a model; empty: none
  std::optional<uint32_t> window; ///< of perplexity, in tokens
  std::optional<uint32_t> stride; ///< from one window to the next
  std::string logitsFile;         ///< empty: none
  bool printTokens = false;
  bool ignoreEos = false;
  bool bos = true;
  bool special = true;
  bool echo = true;
  bool quiet = false;
};

/// Fills `options`. Returns the exit code if the program is to end now: after
/// --help, --version or a wrong command line, whose error has been printed.
std::optional<int> parseOptions(int argc, char **argv, Options &options);

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_OPTIONS_H
