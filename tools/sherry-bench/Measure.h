//===- Measure.h - Times of a model -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_BENCH_MEASURE_H
#define SHERRY_TOOLS_BENCH_MEASURE_H

#include "../Support/RankedModel.h"
#include "Options.h"
#include "sherry/profile.h"

#include <functional>
#include <string>
#include <vector>

namespace sherry::bench {

struct Summary {
  double median, least, most;
};
/// `values` must not be empty.
Summary summarize(std::vector<double> values);

/// One step of a model's code.
struct Step {
  std::string entry;         ///< its function: decode, decode_layer ...
  std::string op;            ///< op of the sherry dialect
  std::string weight;        ///< empty: reads no weight
  std::string shape;         ///< of the weight
  uint64_t bytes = 0;        ///< of the weight, read by a call
  uint64_t multiplyAdds = 0; ///< per token
  // Measured, per evaluated block of tokens.
  double calls = 0;
  double seconds = 0; ///< mean over threads, without waiting
  double waited = 0;  ///< mean over threads

  /// Whether it works only on the tokens whose logits are wanted.
  bool isHead() const {
    // Other linear ops are in functions that these call: "decode_4_layer".
    const bool isEntryPoint =
        entry == "prefill" ||
        (entry.rfind("decode", 0) == 0 &&
         entry.find_first_not_of("_0123456789", 6) == std::string::npos);
    return op == "linear" && isEntryPoint;
  }
};

/// The measurements of one model, number of threads and test.
struct Result {
  std::string model;
  uint32_t threads;
  bool isDecode;
  uint32_t tokens;             ///< of one repetition and sequence
  uint32_t contextFill;        ///< tokens in the context before
  uint32_t batch;              ///< sequences that are decoded together
  double blockTokens;          ///< mean tokens of a block of prefill
  Summary tokensPerSecond;     ///< of all sequences
  double bytesPerToken;        ///< of weights and cache, per decoded token
  double receivedPerToken;     ///< bytes from other ranks
  double plainRead;            ///< bytes per second; 0 for prefill
  double multiplyAddsPerToken; ///< mean of a prompt's tokens
  double multiplyPeak;         ///< per second; 0 for decode
  std::string multiplyInstruction;
  std::vector<Step> steps;               ///< if profiled
  std::vector<Step> tracedSteps;         ///< steps of `events`; with --trace
  std::vector<sherry_step_event> events; ///< with --trace

  double bytesPerSecond() const {
    return bytesPerToken * tokensPerSecond.median;
  }
  double multiplyAddsPerSecond() const {
    return multiplyAddsPerToken * tokensPerSecond.median;
  }
};

struct ModelReport {
  std::string path;
  uint64_t fileSize;
  std::string metadata; ///< JSON
  double loadSeconds;
  double firstTokenSeconds; ///< from the start of loading, one token
  uint64_t residentBytes;   ///< after all tests
  std::vector<Result> results;
};

/// Runs all tests of the options on one model; `progress` receives the name of
/// each test. On ranks that follow, the report is empty.
ModelReport measure(const RankedProcess &process, const std::string &path,
                    const Options &options,
                    const std::function<void(const std::string &)> &progress);

} // namespace sherry::bench

#endif // SHERRY_TOOLS_BENCH_MEASURE_H
