//===- Session.cpp - Owners and errors for sherry-run ---------------------===//
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
  // Else the first file that is opened would become a standard stream.
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
      std::abort();
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction action = {};
  action.sa_handler = [](int) { interruptSeen = 1; };
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
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

std::string sherry::run::readText(const std::string &path) {
  auto fail = [&] {
    throw std::runtime_error(path + ": cannot read: " + std::strerror(errno));
  };
  std::unique_ptr<FILE, decltype(&std::fclose)> file(nullptr, &std::fclose);
  if (path != "-") {
    file.reset(std::fopen(path.c_str(), "rb"));
    if (!file)
      fail();
  }
  FILE *input = file ? file.get() : stdin;
  std::string text;
  char buffer[1 << 16];
  while (size_t count = std::fread(buffer, 1, sizeof(buffer), input))
    text.append(buffer, count);
  if (std::ferror(input))
    fail();
  return text;
}

std::vector<int32_t> sherry::run::tokenize(const sherry_model *model,
                                           std::string_view text,
                                           unsigned flags) {
  // No token is shorter than a byte, but for the BOS token and a space that
  // the tokenizer may add to each piece.
  std::vector<int32_t> tokens(text.size() + 2);
  auto write = [&] {
    return check(sherry_tokenize(model, text.data(), text.size(), flags,
                                 tokens.data(),
                                 static_cast<int64_t>(tokens.size())));
  };
  int64_t count = write();
  if (static_cast<size_t>(count) > tokens.size()) {
    tokens.resize(static_cast<size_t>(count));
    write();
  }
  tokens.resize(static_cast<size_t>(count));
  return tokens;
}
