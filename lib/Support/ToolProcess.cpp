//===- ToolProcess.cpp - The start of every tool --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/ToolProcess.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

using namespace llvm;

void sherry::catchSignals() {
  // Signals by which others end a program.
  constexpr int signals[] = {SIGHUP,  SIGINT,  SIGQUIT,
                             SIGTERM, SIGUSR2, SIGPIPE};
  struct sigaction before[std::size(signals)];
  for (size_t i = 0; i < std::size(signals); ++i)
    sigaction(signals[i], nullptr, &before[i]);
  // LLVM catches SIGPIPE only if there is a handler. This handler ends the
  // program without a message when the reader of a pipe has gone.
  sys::SetOneShotPipeSignalFunction([] { raise(SIGPIPE); });
  // Installs LLVM's handlers and does nothing else.
  sys::SetInterruptFunction(nullptr);
  for (size_t i = 0; i < std::size(signals); ++i)
    if (before[i].sa_handler == SIG_IGN)
      sigaction(signals[i], &before[i], nullptr);
}

/// Reports failures of the standard output. LLVM's streams end a program
/// abnormally if they are destroyed with an unchecked failure; streams of C++
/// ignore the failure.
static void finishStreams() {
  outs().flush();
  std::error_code code = outs().error();
  outs().clear_error();
  errno = 0;
  if (!code && !std::cout.flush())
    code =
        errno ? errnoAsErrorCode() : std::make_error_code(std::errc::io_error);
  if (code)
    WithColor::error(errs(), program_invocation_short_name)
        << "cannot write the standard output: " << code.message() << "\n";
  errs().clear_error();
  if (code)
    _exit(1);
}

void sherry::startTool() {
  catchSignals();
  // Handlers that are registered after the streams exist run before the streams
  // are destroyed.
  outs();
  errs();
  static std::ios_base::Init cout;
  std::atexit(finishStreams);
}
