//===- Metrics.cpp - Counters of the server -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Metrics.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace sherry::serve;

void Metrics::Histogram::observe(std::mutex &mutex, double seconds) {
  const std::lock_guard lock(mutex);
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), seconds);
  ++counts[static_cast<size_t>(bound - bounds.begin())];
  sum += seconds;
}

void Metrics::Histogram::print(std::ostream &to, const char *name,
                               const char *help) const {
  to << "# HELP " << name << ' ' << help << "\n# TYPE " << name
     << " histogram\n";
  uint64_t total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    to << name << "_bucket{le=\"";
    if (i < bounds.size())
      to << bounds[i];
    else
      to << "+Inf";
    to << "\"} " << total << '\n';
  }
  to << name << "_sum " << sum << '\n' << name << "_count " << total << '\n';
}

void Metrics::count(const Exchange &exchange, const std::string &route,
                    int status) {
  whole.observe(mutex, secondsBetween(exchange.begin, Clock::now()));
  const std::lock_guard lock(mutex);
  ++requests[{route, status}];
  cancelled += status == 499;
}

void Metrics::countTokens(size_t prompt, size_t cached) {
  const std::lock_guard lock(mutex);
  promptTokens += prompt;
  cachedTokens += cached;
}

void Metrics::countGenerated() {
  const std::lock_guard lock(mutex);
  ++generatedTokens;
}

static void print(std::ostream &to, const char *name, const char *type,
                  const char *help, double value) {
  to << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type
     << '\n'
     << name << ' ' << value << '\n';
}

/// The resident memory of the process in bytes.
static double residentBytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::string Metrics::print(const Scheduler::State &state,
                           size_t connections) const {
  std::ostringstream to;
  to.precision(17);
  const std::lock_guard lock(mutex);
  to << "# HELP sherry_http_requests_total Replies by route and status; 499: "
        "the client disconnected.\n# TYPE sherry_http_requests_total counter\n";
  for (const auto &[key, count] : requests)
    to << "sherry_http_requests_total{route=\"" << key.first << "\",status=\""
       << key.second << "\"} " << count << '\n';
  auto counter = [&](const char *name, const char *help, double value) {
    ::print(to, name, "counter", help, value);
  };
  auto gauge = [&](const char *name, const char *help, double value) {
    ::print(to, name, "gauge", help, value);
  };
  counter("sherry_prompt_tokens_total", "Tokens of prompts that were started.",
          static_cast<double>(promptTokens));
  counter("sherry_prompt_tokens_cached_total",
          "Of these, tokens that were in the cache.",
          static_cast<double>(cachedTokens));
  counter("sherry_prompt_tokens_evaluated_total",
          "Tokens of prompts that were evaluated.",
          static_cast<double>(state.prefill.tokens));
  counter("sherry_prefill_seconds_total", "Seconds of evaluating prompts.",
          state.prefill.seconds);
  counter("sherry_generated_tokens_total", "Tokens of answers.",
          static_cast<double>(generatedTokens));
  counter("sherry_decode_seconds_total",
          "Seconds of evaluating tokens of answers.", state.decode.seconds);
  counter("sherry_drafted_tokens_total",
          "Tokens that were drafted for answers and evaluated.",
          static_cast<double>(state.drafts.drafted));
  counter("sherry_drafted_tokens_accepted_total",
          "Of these, tokens that were accepted.",
          static_cast<double>(state.drafts.accepted));
  counter("sherry_blocks_total", "Blocks of tokens that were evaluated.",
          static_cast<double>(state.blocks));
  counter("sherry_cancelled_total", "Requests whose client disconnected.",
          static_cast<double>(cancelled));
  gauge("sherry_requests_queued", "Requests that wait for a slot.",
        static_cast<double>(state.queued));
  gauge("sherry_requests_running", "Requests that have a slot.",
        static_cast<double>(state.active));
  gauge("sherry_cache_pages", "Pages of the cache of keys and values.",
        static_cast<double>(state.pages));
  gauge("sherry_cache_pages_free", "Pages that are free.",
        static_cast<double>(state.freePages));
  gauge("sherry_connections", "Open connections.",
        static_cast<double>(connections));
  gauge("process_resident_memory_bytes", "Resident memory.", residentBytes());
  firstToken.print(to, "sherry_time_to_first_token_seconds",
                   "From the request to its first token.");
  nextToken.print(to, "sherry_time_to_next_token_seconds",
                  "From one token of an answer to the next.");
  queue.print(to, "sherry_queue_seconds", "From the request to its start.");
  whole.print(to, "sherry_http_request_seconds",
              "From the request to the end of its reply.");
  return to.str();
}
