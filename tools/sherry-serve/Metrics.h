//===- Metrics.h - Counters of the server -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_METRICS_H
#define SHERRY_TOOLS_SERVE_METRICS_H

#include "Exchange.h"
#include "Scheduler.h"

#include <array>
#include <map>
#include <mutex>

namespace sherry::serve {

/// Counters, written in the text format of Prometheus. For any thread.
class Metrics {
public:
  /// Counts a reply that has ended.
  void count(const Exchange &exchange, const std::string &route, int status);
  void countTokens(size_t prompt, size_t cached);
  void countGenerated();
  void observeFirstToken(double seconds) { firstToken.observe(mutex, seconds); }
  void observeNextToken(double seconds) { nextToken.observe(mutex, seconds); }
  void observeQueue(double seconds) { queue.observe(mutex, seconds); }

  std::string print(const Scheduler::State &state, size_t connections) const;

private:
  /// Durations in seconds.
  struct Histogram {
    static constexpr std::array<double, 14> bounds = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
        0.25,  0.5,    1,     2.5,  5,     10,   60};
    std::array<uint64_t, bounds.size() + 1> counts = {};
    double sum = 0;
    void observe(std::mutex &mutex, double seconds);
    void print(std::ostream &to, const char *name, const char *help) const;
  };

  mutable std::mutex mutex;
  std::map<std::pair<std::string, int>, uint64_t> requests;
  uint64_t promptTokens = 0, cachedTokens = 0, generatedTokens = 0;
  uint64_t cancelled = 0;
  Histogram firstToken, nextToken, queue, whole;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_METRICS_H
