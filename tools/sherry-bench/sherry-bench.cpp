//===- sherry-bench.cpp - Measures the speed of compiled models -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables on standard output, progress and errors on standard error.
//
//===----------------------------------------------------------------------===//
#include "Report.h"

#include <cstdio>
#include <unistd.h>

using namespace sherry::bench;

static void showProgress(const std::string &text) {
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
}

static std::string run(const Options &options) {
  std::function<void(const std::string &)> progress = [](const std::string &) {
  };
  if (!options.quiet && isatty(STDERR_FILENO))
    progress = showProgress;
  std::vector<ModelReport> reports;
  for (const std::string &model : options.models)
    reports.push_back(measure(model, options, progress));
  progress("");
  return format(reports, options);
}

int main(int argc, char **argv) {
  Options options;
  if (auto exitCode = parseOptions(argc, argv, options))
    return *exitCode;
  try {
    const std::string text = run(options);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
        std::fflush(stdout) != 0)
      throw std::runtime_error("cannot write to standard output");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "sherry-bench: error: %s\n", error.what());
    return RuntimeError;
  }
  return Success;
}
