//===- Session.h - Owners and errors for sherry-run -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C interface of the runtime with destructors and exceptions, and the
// program's dealings with its surroundings.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_SESSION_H
#define SHERRY_TOOLS_RUN_SESSION_H

#include "Options.h"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace sherry::run {

template <auto destroy> struct Destroy {
  template <typename T> void operator()(T *object) const { destroy(object); }
};
using Model = std::unique_ptr<sherry_model, Destroy<sherry_model_close>>;
using Context =
    std::unique_ptr<sherry_context, Destroy<sherry_context_destroy>>;
using Sampler =
    std::unique_ptr<sherry_sampler, Destroy<sherry_sampler_destroy>>;
using TextStream =
    std::unique_ptr<sherry_text_stream, Destroy<sherry_text_stream_destroy>>;

/// Whoever reads standard output has gone: there is nothing left to do.
struct OutputClosed {};

/// Passes on what a function of the runtime returned; throws
/// std::runtime_error with its message if that means failure.
template <typename T> T *check(T *result) {
  if (!result)
    throw std::runtime_error(sherry_error_message());
  return result;
}
template <typename T> T check(T result) {
  if (result < 0)
    throw std::runtime_error(sherry_error_message());
  return result;
}

/// Seconds since it was made.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

/// Makes sure that the standard streams are open, that a closed pipe is an
/// error and not the end, and that the first SIGINT only sets interrupted().
void prepareProcess();
bool interrupted();

/// Writes to standard output at once. Throws OutputClosed or
/// std::runtime_error.
void print(std::string_view text);

/// The contents of a file, of standard input for "-".
std::string readText(const std::string &path);

std::vector<int32_t> tokenize(const sherry_model *model, std::string_view text,
                              unsigned flags);

/// What the program can be asked to do.
void generate(const sherry_model *model, const Options &options,
              double loadSeconds);
void scorePerplexity(const sherry_model *model, const Options &options);
void printInfo(const sherry_model *model, const Options &options);

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_SESSION_H
