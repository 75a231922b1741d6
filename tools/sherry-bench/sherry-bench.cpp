//===- sherry-bench.cpp - Measures the speed of compiled models -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables on standard output, progress and errors on standard error.
//
//===----------------------------------------------------------------------===//
#include "Report.h"

#include <cstdio>
#include <fstream>
#include <unistd.h>

using namespace sherry;
using namespace sherry::bench;

static void showProgress(const std::string &text) {
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
}

static std::string run(RankedProcess &process, const Options &options) {
  process.join();
  std::function<void(const std::string &)> progress = [](const std::string &) {
  };
  if (!options.quiet && !process.isFollower() && isatty(STDERR_FILENO))
    progress = showProgress;
  if (!process.isAlone() && options.models.size() > 1)
    throw std::runtime_error(
        "several processes measure only one model; give one model");
  std::ofstream trace;
  if (!options.trace.empty() && !process.isFollower()) {
    trace.open(options.trace, std::ios::binary);
    if (!trace)
      throw std::runtime_error("cannot write to " + options.trace);
  }
  std::vector<ModelReport> reports;
  for (const std::string &model : options.models)
    reports.push_back(measure(process, model, options, progress));
  progress("");
  if (trace.is_open()) {
    trace << formatTrace(reports);
    if (!trace.flush())
      throw std::runtime_error("cannot write to " + options.trace);
  }
  return process.isFollower() ? "" : format(reports, options);
}

static std::string predict(const Options &options) {
  const Shape shape = findShape(options.plan);
  return format(shape, plan(shape, options), options);
}

int main(int argc, char **argv) {
  Options options;
  if (auto exitCode = parseOptions(argc, argv, options))
    return *exitCode;
  RankedProcess process;
  try {
    const std::string text =
        options.plan.empty() ? run(process, options) : predict(options);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
        std::fflush(stdout) != 0)
      throw std::runtime_error("cannot write to standard output");
  } catch (const std::exception &error) {
    reportError("sherry-bench", error.what(), RuntimeError);
    return process.leave(RuntimeError);
  }
  return process.leave(Success);
}
