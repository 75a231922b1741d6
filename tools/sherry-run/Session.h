//===- Session.h - Streams and files of sherry-run ---------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program's dealings with its surroundings.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_SESSION_H
#define SHERRY_TOOLS_RUN_SESSION_H

#include "../Support/Runtime.h"
#include "Options.h"

#include <string_view>

namespace sherry::run {

/// Whoever reads standard output has gone: there is nothing left to do.
struct OutputClosed {};

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
