//===- Plan.h - The speed of a model on several machines --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_BENCH_PLAN_H
#define SHERRY_TOOLS_BENCH_PLAN_H

#include "Options.h"

#include <string>
#include <vector>

namespace sherry::bench {

/// The sizes of a model that decide its speed on several machines.
struct Shape {
  std::string name;
  int64_t layers, hidden, heads, kvHeads, headDim, feedForward, vocab;
  int64_t group;      ///< i8 activations with a common scale; 0: f32
  double weightBytes; ///< read per decoded token
  double cacheBytes;  ///< per position
};

/// The decode of one text by several machines, each a rank.
struct PlannedSplit {
  int64_t ranks;
  double readBytes;     ///< of a rank, per token
  int64_t exchanges;    ///< per token
  double receivedBytes; ///< by a rank from all others, per token
  double readSeconds;   ///< per token
  double exchangeSeconds;
  double tokensPerSecond() const { return 1 / (readSeconds + exchangeSeconds); }
};

/// "1b", "3b", "8b", "70b" or "405b", the shapes of LLaMA 3, with q6_K heads,
/// or the path of a compiled model that is not cut. Throws std::runtime_error.
Shape findShape(const std::string &name);

/// The bytes that each of `ranks` ranks receives for a token with logits: the
/// formula of docs/Distributed.md.
double receivedBytes(const Shape &shape, int64_t ranks);

/// Splits of the shape among each possible number of machines from 1 to
/// `options.machines`.
std::vector<PlannedSplit> plan(const Shape &shape, const Options &options);

} // namespace sherry::bench

#endif // SHERRY_TOOLS_BENCH_PLAN_H
