//===- Options.h - The command line of sherry-bench -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_BENCH_OPTIONS_H
#define SHERRY_TOOLS_BENCH_OPTIONS_H

#include "../Support/Quantity.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sherry::bench {

/// Exit codes of the program.
enum ExitCode { Success = 0, RuntimeError = 1, UsageError = 2 };

struct Options {
  std::vector<std::string> models;
  std::vector<uint32_t> prompts = {128};    ///< tokens; 0: no prefill
  std::vector<uint32_t> generated = {64};   ///< tokens; 0: no decode
  std::vector<uint32_t> contextFills = {0}; ///< tokens before decode
  std::vector<uint32_t> batches = {1};      ///< sequences decoded together
  std::vector<uint32_t> threads = {0};      ///< 0: one per physical core
  uint32_t repetitions = 5;
  bool map = false;          ///< leave the weights in the file
  std::string format = "md"; ///< md, json or csv
  bool profile = false;      ///< also the steps of a token
  bool kernels = false;      ///< also each linear of the model
  bool quiet = false;        ///< no progress
  std::string trace;         ///< file for single steps; empty: none
  /// The network that is simulated between ranks.
  std::optional<LinkSpeed> simulatedLink;
  // A prediction instead of measurements:
  std::string plan; ///< the model; empty: none
  uint32_t machines = 8;
  std::optional<double> bandwidth; ///< bytes per second of a machine's memory
  uint32_t readShare = 88;         ///< percentage of it that decoding reaches
  std::optional<LinkSpeed> link;   ///< between the machines
};

/// Fills `options`. Returns the exit code if the program is to end now: after
/// --help, --version or a wrong command line, whose error has been printed.
std::optional<int> parseOptions(int argc, char **argv, Options &options);

} // namespace sherry::bench

#endif // SHERRY_TOOLS_BENCH_OPTIONS_H
