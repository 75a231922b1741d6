//===- Session.h - Streams and files of sherry-run --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Signals, standard streams, and the modes of the program.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_SESSION_H
#define SHERRY_TOOLS_RUN_SESSION_H

#include "Options.h"
#include "sherry/engine/Engine.h"
#include "sherry/owners.h"
#include "sherry/support/Files.h"

namespace sherry::run {

/// The reader of standard output has closed it, so the program ends.
struct OutputClosed {};

/// Makes sure that the standard streams are open, that writing to a closed pipe
/// is an error and does not end the process, and that the first SIGINT only
/// sets interrupted(), unless SIGINT is ignored.
void prepareProcess();
bool interrupted();
/// Prepares for the next SIGINT. Unless `restart`, it ends a read that waits.
void awaitInterrupt(bool restart);

/// Writes to standard output at once. Throws OutputClosed or
/// std::runtime_error.
void print(std::string_view text);

/// Reads a file, or standard input for "-", line by line; gives the lines of a
/// pipe as soon as they are written.
class LineReader {
public:
  /// This and next() throw std::runtime_error, which names the file.
  explicit LineReader(const std::string &path);
  /// Reads a line, without its line end; returns false after the last line.
  bool next(std::string &line);

private:
  std::string path;
  InputFile file;
};

/// The flags of sherry_tokenize that the options ask for.
unsigned tokenizeFlags(const Options &options);

/// An engine for one request at a time. Throws std::runtime_error if the
/// options do not fit together.
std::unique_ptr<engine::Engine> makeEngine(const sherry_model *model,
                                           const Options &options);
void printStatistics(const engine::Engine &engine, const Options &options,
                     double loadSeconds);

/// The modes of the program.
void generate(const sherry_model *model, const Options &options,
              double loadSeconds);
void chat(const sherry_model *model, const Options &options,
          double loadSeconds);
void scoreContinuations(const sherry_model *model, const Options &options);
void scorePerplexity(const sherry_model *model, const Options &options);
void printInfo(const sherry_model *model, const Options &options);

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_SESSION_H
