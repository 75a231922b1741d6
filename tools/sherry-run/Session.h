//===- Session.h - Streams and files of sherry-run --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program's dealings with its surroundings.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_SESSION_H
#define SHERRY_TOOLS_RUN_SESSION_H

#include "Options.h"
#include "sherry/engine/Engine.h"
#include "sherry/owners.h"
#include "sherry/support/Files.h"

namespace sherry::run {

/// Whoever reads standard output has gone: there is nothing left to do.
struct OutputClosed {};

/// Makes sure that the standard streams are open, that a closed pipe is an
/// error and not the end, and that the first SIGINT only sets interrupted(),
/// unless it is ignored.
void prepareProcess();
bool interrupted();
/// Waits for the next SIGINT. Unless `restart`, it ends a read that waits.
void awaitInterrupt(bool restart);

/// Writes to standard output at once. Throws OutputClosed or
/// std::runtime_error.
void print(std::string_view text);

/// Reads a file, or standard input for "-", line by line: a pipe gives its
/// lines when they come.
class LineReader {
public:
  /// Throws std::runtime_error naming the file, as does next().
  explicit LineReader(const std::string &path);
  /// A line without its end; false after the last.
  bool next(std::string &line);

private:
  std::string path;
  InputFile file;
};

/// What the options say of BOS and of names of special tokens, as
/// sherry_tokenize takes it.
unsigned tokenizeFlags(const Options &options);

/// An engine for one request at a time. Throws std::runtime_error if the
/// options do not fit together.
std::unique_ptr<engine::Engine> makeEngine(const sherry_model *model,
                                           const Options &options);
void printStatistics(const engine::Engine &engine, const Options &options,
                     double loadSeconds);

/// What the program can be asked to do.
void generate(const sherry_model *model, const Options &options,
              double loadSeconds);
void chat(const sherry_model *model, const Options &options,
          double loadSeconds);
void scoreContinuations(const sherry_model *model, const Options &options);
void scorePerplexity(const sherry_model *model, const Options &options);
void printInfo(const sherry_model *model, const Options &options);

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_SESSION_H
