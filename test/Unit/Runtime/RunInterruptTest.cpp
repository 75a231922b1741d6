//===- RunInterruptTest.cpp - What SIGINT ends in sherry-run --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RunTool.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>

using namespace sherry::test;
using Tokens = std::vector<int32_t>;

/// Shell commands that wait until the process $pid handles interrupts and
/// sleeps, or has ended.
static const std::string untilItWaits =
    "seen=0; while [ $seen -lt 3 ] && [ -e /proc/$pid/status ]; do sleep 0.05; "
    "if grep -q 'State:.S' /proc/$pid/status && "
    "grep -q 'SigCgt:.*[2367abef]$' /proc/$pid/status; then "
    "seen=$((seen + 1)); else seen=0; fi; "
    "grep -q 'State:.Z' /proc/$pid/status && break; done; ";

TEST_F(RunTool, InterruptEndsWithStatistics) {
  // The pipe is full, so the program waits until the interrupt has come.
  auto result = shell(
      "mkfifo pipe; exec 3<>pipe; head -c 65536 /dev/zero >&3; " +
      interruptible + demoPath() +
      "' --tokens 1 -n -1 --ignore-eos --temp 0 --ctx 1024 --print-tokens "
      ">pipe 2>error & pid=$!; " +
      untilItWaits +
      "kill -INT $pid; "
      "cat pipe 3>&- >out & exec 3>&-; wait $pid; code=$?; wait; exit $code");
  EXPECT_EQ(result.exitCode, 130) << result.error;
  EXPECT_CONTAINS(result.error, "decode:");
  EXPECT_EQ(result.out.substr(65536), "1\n");
  // While the prompt is read.
  result = run("--tokens 1,2,3,4 --print-tokens", interrupts);
  EXPECT_EQ(result.exitCode, 130) << result.error;
  EXPECT_CONTAINS(result.error, "decode:  0 tokens");
  EXPECT_EQ(result.out, "1,2,3,4\n");
}

TEST_F(RunTool, AnInterruptThatIsIgnoredStaysSo) {
  const std::string arguments =
      "' --tokens 1,2,3,4 -n 0 --print-tokens >out 2>error";
  auto result =
      shell("trap '' INT; '" SHERRY_RUN "' '" + interrupts + arguments);
  EXPECT_EQ(result.exitCode, 0) << result.error;
  EXPECT_EQ(result.out, "1,2,3,4\n");
  EXPECT_EQ(shell(interruptible + interrupts + arguments).exitCode, 130);
}

TEST_F(RunTool, InterruptEndsWaiting) {
  for (const std::string &what :
       {std::string("--score pipe"),
        "--chat --template " + chatTemplate() + " <pipe"}) {
    auto result =
        shell("mkfifo pipe; exec 3<>pipe; " + interruptible + demoPath() +
              "' " + what + " >out 2>error 3>&- & pid=$!; " + untilItWaits +
              "kill -INT $pid; "
              "wait $pid; code=$?; rm pipe; exit $code");
    EXPECT_EQ(result.exitCode, 130) << what << result.error;
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(RunTool, InterruptLeavesPartOfThePerplexity) {
  std::string text(60, 'a');
  text[25] = 3;
  writeBytes(folder.path("part"), text.substr(0, 40));
  writeBytes(folder.path("text"), text);
  auto result = run("--perplexity text --window 20", interrupts);
  EXPECT_EQ(result.exitCode, 130);
  EXPECT_CONTAINS(result.error, "interrupted after 40 of 60 tokens");
  EXPECT_EQ(result.out, run("--perplexity part --window 20").out);
}

TEST_F(RunTool, InterruptDropsTheMessageThatIsRead) {
  const std::string command = interruptible + interrupts +
                              "' --chat --template " + chatTemplate() +
                              " --temp 0 -n 5 "
                              "--ignore-eos --print-tokens -q --history ";
  auto plain =
      shell("printf 'first\\nsecond\\n' | " + command + "plain >out 2>error");
  EXPECT_EQ(plain.exitCode, 0) << plain.error;
  // After the first block.
  auto result = shell("printf 'first\\nthis is a long \\003 message\\n"
                      "second\\n' | " +
                      command + "dropped >out 2>error");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_EQ(result.error, "sherry-run: interrupted: the message is dropped\n");
  EXPECT_EQ(result.out, plain.out);
  EXPECT_EQ(readBytes(folder.path("dropped")), readBytes(folder.path("plain")));
  // Token ids are printed, the history has text.
  const std::string history = readBytes(folder.path("plain"));
  EXPECT_CONTAINS(history, "\"second\"");
  EXPECT_EQ(history.find("\"content\": \"\""), std::string::npos);
}
