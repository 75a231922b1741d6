//===- RunTool.h - Runs sherry-run on the demo model ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_RUNTIME_RUNTOOL_H
#define SHERRY_TEST_UNIT_RUNTIME_RUNTOOL_H

#include "TestSupport.h"

#include <cstdlib>
#include <sys/wait.h>

namespace sherry::test {

/// Where SIGINT is ignored, as in jobs in the background of a shell, the
/// program would leave it so.
inline const std::string interruptible =
    "env --default-signal=INT '" SHERRY_RUN "' '";

struct Result {
  int exitCode;
  std::string out, error;
};

class RunTool : public testing::Test {
protected:
  /// Runs the program with arguments in the shell's syntax, in the folder.
  Result run(const std::string &arguments,
             const std::string &model = demoPath()) {
    return shell(interruptible + model + "' " + arguments +
                 " >out 2>error </dev/null");
  }
  Result shell(const std::string &command) {
    // Threads that spin for each other take seconds on a busy machine.
    setenv("OMP_WAIT_POLICY", "passive", 1);
    int status = std::system(
        ("cd '" + folder.path("") + "' || exit; " + command).c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), readBytes(folder.path("out")),
            readBytes(folder.path("error"))};
  }

  /// The prompt and what the demo model makes of it, greedily.
  static std::vector<int32_t> continued(std::vector<int32_t> tokens,
                                        size_t count) {
    for (size_t i = 0; i < count; ++i)
      tokens.push_back(demoNext(tokens, tokens.size()));
    return tokens;
  }
  static std::string list(const std::vector<int32_t> &tokens) {
    std::string text;
    for (int32_t token : tokens)
      text += (text.empty() ? "" : ",") + std::to_string(token);
    return text + "\n";
  }

  TempFolder folder;
  /// A model that the token 3 interrupts.
  const std::string interrupts = demoPath("demo-interrupts");
};

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_RUNTIME_RUNTOOL_H
