//===- Session.cpp - Code that the modes of sherry-run share --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Session.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace sherry;
using namespace sherry::run;

static volatile std::sig_atomic_t interruptSeen = 0;

void sherry::run::prepareProcess() {
  // Otherwise the first file that is opened would become a standard stream.
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
      std::abort();
  std::signal(SIGPIPE, SIG_IGN);
  awaitInterrupt(/*restart=*/true);
}

void sherry::run::awaitInterrupt(bool restart) {
  interruptSeen = 0;
  // Shells start background commands with SIGINT ignored.
  struct sigaction before;
  if (sigaction(SIGINT, nullptr, &before) == 0 && before.sa_handler == SIG_IGN)
    return;
  struct sigaction action = {};
  action.sa_handler = [](int) { interruptSeen = 1; };
  // The next SIGINT ends the program.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | (restart ? SA_RESTART : 0);
  sigaction(SIGINT, &action, nullptr);
}

bool sherry::run::interrupted() { return interruptSeen != 0; }

void sherry::run::print(std::string_view text) {
  while (!text.empty()) {
    ssize_t count = write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EPIPE)
      throw OutputClosed();
    if (count < 0)
      throw std::runtime_error(
          std::string("cannot write to standard output: ") +
          std::strerror(errno));
    text.remove_prefix(static_cast<size_t>(count));
  }
}

LineReader::LineReader(const std::string &path)
    : path(path), file(openInput(path)) {}

bool LineReader::next(std::string &line) {
  char *buffer = nullptr;
  size_t capacity = 0;
  const ssize_t size = getline(&buffer, &capacity, file.get());
  if (size > 0)
    line.assign(buffer, static_cast<size_t>(size));
  std::free(buffer);
  if (size <= 0) {
    if (std::ferror(file.get()) && !interrupted())
      failToRead(path);
    return false;
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
    line.pop_back();
  return true;
}

unsigned sherry::run::tokenizeFlags(const Options &options) {
  return (options.bos ? SHERRY_TOKENIZE_BOS : 0) |
         (options.special ? SHERRY_TOKENIZE_SPECIAL : 0);
}

std::unique_ptr<engine::Engine>
sherry::run::makeEngine(const sherry_model *model, const Options &options) {
  auto engine = std::make_unique<engine::Engine>(model, options.context);
  engine->setDrafts(options.drafts);
  if (options.contextShift && options.keep >= engine->capacity() - 1)
    throw std::runtime_error(
        "--keep " + std::to_string(options.keep) + " leaves no room in the " +
        std::to_string(engine->capacity()) +
        " positions of the context; use a smaller --keep or a larger --ctx");
  return engine;
}

void sherry::run::printStatistics(const engine::Engine &engine,
                                  const Options &options, double loadSeconds) {
  const engine::Speed &prefill = engine.prefillSpeed();
  const engine::Speed &decode = engine.decodeSpeed();
  std::fprintf(stderr,
               "\nload:    %.3f s\n"
               "prefill: %lld tokens, %.1f tokens/s\n"
               "decode:  %lld tokens, %.1f tokens/s\n",
               loadSeconds, static_cast<long long>(prefill.tokens),
               prefill.perSecond(), static_cast<long long>(decode.tokens),
               decode.perSecond());
  const engine::DraftCounts &drafts = engine.draftCounts();
  if (drafts.drafted > 0)
    std::fprintf(stderr, "drafts:  %lld tokens, %lld accepted\n",
                 static_cast<long long>(drafts.drafted),
                 static_cast<long long>(drafts.accepted));
  std::fprintf(stderr, "threads: %u, seed: %llu\n", engine.threads(),
               static_cast<unsigned long long>(options.sampling.seed));
}
