//===- RunOptionsTest.cpp - Every option of sherry-run in every mode ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An option either changes what is written, or is refused.
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <sys/wait.h>

using namespace sherry::test;

namespace {

/// An option with a value that makes a difference.
struct Option {
  const char *name, *value;
  /// What it needs beside it.
  const char *needs = "";
  /// Whether it changes anything that can be seen.
  bool isSeen = true;
};

const Option options[] = {
    {"--n-predict", "3"},
    {"--temp", "5"},
    {"--top-k", "1"},
    {"--top-p", "1", "--temp 3"},
    {"--min-p", "1", "--temp 3"},
    {"--typical-p", "0.01", "--temp 3"},
    {"--seed", "2"},
    {"--repeat-penalty", "9"},
    {"--presence-penalty", "50"},
    {"--frequency-penalty", "50"},
    {"--repeat-last-n", "1", "--frequency-penalty 50"},
    {"--logit-bias", "65=1e30"},
    {"--stop", "A", "--logit-bias 65=1e30"},
    {"--context-shift", "", "-c FEW"},
    {"--keep", "10", "-c FEW --context-shift"},
    {"--ignore-eos", "", "--logit-bias 261=1e30"},
    {"--no-bos", ""},
    {"--no-special", ""},
    {"--no-echo", ""},
    {"--json", ""},
    {"--logprobs", "2", "--json"},
    {"--print-tokens", ""},
    {"--template", SHERRY_SOURCE_DIR "/test/Tools/Inputs/chatml.jinja"},
    {"--system", "x"},
    {"--history", "chat"},
    // The template says that it has no use for these.
    {"--thinking", ""},
    {"--no-thinking", ""},
    {"--date", "2026-07-04"},
    {"--threads", "3", "", /*isSeen=*/false},
    {"--mmap", "", "", /*isSeen=*/false},
    {"--ctx", "12"},
    {"--block", "1", "", /*isSeen=*/false},
    {"--draft", SHERRY_DEMO_DIR "/demo.so", "", /*isSeen=*/false},
    {"--draft-max", "0", "", /*isSeen=*/false},
    {"--logits", "x.npy"},
    {"--window", "4"},
    {"--stride", "2", "--window 4"},
    {"--quiet", "", "", /*isSeen=*/false},
};

/// Names in the table of sherry-run that stand for two options here.
const std::map<std::string, std::string> otherNames = {
    {"--special", "--no-special"}};

/// The options that choose what is done, with values.
const char *const modes[] = {"-p 'ab<|eos|>cdefghijkl'",
                             "-f text",
                             "--tokens 1,2,3",
                             "--chat",
                             "--score lines",
                             "--perplexity text",
                             "--info",
                             "--verify"};

bool isAnswered(const std::string &mode) {
  return mode.substr(0, 3) != "--s" && mode.substr(0, 4) != "--pe" &&
         mode != "--info" && mode != "--verify";
}

struct Result {
  int exitCode;
  std::string error, written; ///< without times
};

class RunOptions : public testing::Test {
protected:
  RunOptions() {
    writeBytes(folder.path("text"), "ab<|eos|>cdefghijkl");
    writeBytes(folder.path("lines"),
               R"({"context": "ab<|eos|>cdefghijkl", "continuation": "mn"})"
               "\n");
  }

  Result run(const std::string &arguments) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    for (const char *file : {"x.npy", "chat"})
      std::filesystem::remove(folder.path(file));
    const int status = std::system(
        ("cd '" + folder.path("") +
         "' && printf 'hi\\nho\\n' | '" SHERRY_RUN "' '" +
         demoPath("demo-sampling") + "' " + arguments + " >out 2>error")
            .c_str());
    EXPECT_TRUE(WIFEXITED(status)) << arguments;
    const std::string error = readBytes(folder.path("error"));
    std::string written = readBytes(folder.path("out"));
    for (const char *file : {"x.npy", "chat"})
      if (std::filesystem::exists(folder.path(file)))
        written += readBytes(folder.path(file));
    written += std::regex_replace(
        error, std::regex("load: .*|[0-9.]+ tokens/s|threads: [0-9]+"), "");
    return {WEXITSTATUS(status), error, written};
  }

  TempFolder folder;
};

} // namespace

TEST_F(RunOptions, HaveAnEffectOrAreRefused) {
  std::map<std::string, Result> without;
  for (const std::string mode : modes)
    for (const Option &option : options) {
      const std::string name = option.name;
      const bool isChat = mode == "--chat";
      // As many positions as make a context full.
      std::string base = mode + " " +
                         std::regex_replace(option.needs, std::regex("FEW"),
                                            isChat ? "220" : "16");
      if (isAnswered(mode) && name != "--n-predict")
        base += isChat ? " -n 60" : " -n 20";
      if (isAnswered(mode) && name != "--seed")
        base += " --seed 1";
      if (isChat && name != "--template")
        base += " --template " + chatTemplate();
      const std::string command = base + " " + name + " " + option.value;
      const Result with = run(command);
      if (with.exitCode == 2) {
        EXPECT_CONTAINS(with.error, "has no effect with --") << command;
        continue;
      }
      EXPECT_EQ(with.error.find("has no effect"), std::string::npos) << command;
      if (without.find(base) == without.end())
        without[base] = run(base);
      if (option.isSeen)
        EXPECT_NE(with.written, without[base].written) << command;
      else
        EXPECT_EQ(with.exitCode, 0) << command << with.error;
    }
}

TEST_F(RunOptions, AreAllTested) {
  std::set<std::string> known = {"--help", "--version"};
  for (const Option &option : options)
    known.insert(option.name);
  for (const auto &[name, tested] : otherNames)
    known.insert(name);
  // Modes.
  for (const char *name : {"--prompt", "--file", "--tokens", "--chat",
                           "--score", "--perplexity", "--info", "--verify"})
    known.insert(name);
  std::istringstream help(run("--help").written);
  const std::regex pattern("^ +(?:-[a-z],)?(--[a-z-]+).*");
  int count = 0;
  for (std::string line; std::getline(help, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, pattern))
      continue;
    EXPECT_EQ(known.count(match[1]), 1U) << line;
    ++count;
  }
  EXPECT_GE(count, 42);
}
