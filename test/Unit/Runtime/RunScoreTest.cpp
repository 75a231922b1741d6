//===- RunScoreTest.cpp - Logits, perplexities and scores of sherry-run ---===//
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

TEST_F(RunTool, Logits) {
  auto result = run("--tokens 9,8,7,6 -n 0 --block 3 --logits x.npy");
  EXPECT_EQ(result.exitCode, 0) << result.error;
  const std::string npy = readBytes(folder.path("x.npy"));
  ASSERT_EQ(npy.size(), 128U + 4 * 262 * 4);
  EXPECT_EQ(npy.substr(0, 8), std::string("\x93NUMPY\x01\0", 8));
  EXPECT_EQ(npy.substr(8, 2), std::string("\x76\0", 2)); // 128 - 10
  EXPECT_CONTAINS(npy.substr(0, 128),
                  "{'descr': '<f4', 'fortran_order': False, "
                  "'shape': (4, 262), }");
  EXPECT_EQ(npy[127], '\n');
  for (size_t row = 0; row < 4; ++row) {
    std::vector<float> logits(262);
    std::memcpy(logits.data(), npy.data() + 128 + row * 262 * 4, 262 * 4);
    EXPECT_EQ(std::max_element(logits.begin(), logits.end()) - logits.begin(),
              demoNext({9, 8, 7, 6}, row + 1));
  }
  // Errors leave no file, and the one that was there.
  EXPECT_EQ(run("--tokens 9,999 --logits y.npy").exitCode, 1);
  EXPECT_EQ(run("--tokens 9,999 --logits x.npy").exitCode, 1);
  EXPECT_EQ(readBytes(folder.path("x.npy")), npy);
  for (const auto &entry : std::filesystem::directory_iterator(folder.path("")))
    EXPECT_EQ(entry.path().string().find(".npy."), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.path("y.npy")));
  result = run("-p a --logits no/such/x.npy");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.error, "no/such/x.npy");
  EXPECT_CONTAINS(result.error, "cannot write: No such file");
  EXPECT_EQ(run("-p a -n 0 --logits /dev/null").exitCode, 0);
  EXPECT_EQ(run("-p a -n 0 --logits /dev/full").exitCode, 1);
}

TEST_F(RunTool, Perplexity) {
  // Logits are -distance / 4, the distance from demoNext upwards, modulo 262.
  std::string text;
  for (int i = 0; i < 45; ++i)
    text += static_cast<char>('A' + i * 7 % 26);
  writeBytes(folder.path("text"), text);
  double sum = 0;
  for (int distance = 0; distance < 262; ++distance)
    sum += std::exp(-0.25 * distance);
  auto expectScores = [&](const Result &result, Tokens tokens,
                          std::optional<int32_t> bos, int expectedCount) {
    double nll = 0;
    int count = 0;
    if (bos)
      tokens.insert(tokens.begin(), *bos);
    for (size_t begin = 0; begin < tokens.size(); begin += 20) {
      Tokens window(tokens.begin() + begin,
                    tokens.begin() + std::min(begin + 20, tokens.size()));
      if (bos)
        window[0] = *bos;
      for (size_t i = 1; i < window.size(); ++i, ++count)
        nll += std::log(sum) +
               0.25 * ((window[i] - demoNext(window, i) + 262) % 262);
    }
    EXPECT_EQ(result.exitCode, 0) << result.error;
    double printedNll = 0, printedPerplexity = 0;
    int printedCount = 0;
    ASSERT_EQ(std::sscanf(result.out.c_str(),
                          "nll: %lf\ntokens: %d\nperplexity: %lf\n",
                          &printedNll, &printedCount, &printedPerplexity),
              3)
        << result.out;
    EXPECT_NEAR(printedNll, nll, 1e-3);
    EXPECT_EQ(printedCount, expectedCount);
    EXPECT_EQ(count, expectedCount);
    EXPECT_NEAR(printedPerplexity / std::exp(nll / count), 1, 1e-6);
  };
  const Tokens tokens(text.begin(), text.end());
  const std::string command = "--perplexity text --window 20";
  expectScores(run(command), tokens, std::nullopt, 42);
  // Texts that begin with BOS: each window does.
  const std::string bos = demoPath("demo-bos");
  expectScores(run(command, bos), tokens, 260, 43);
  expectScores(run(command + " --no-bos", bos), tokens, std::nullopt, 42);
  EXPECT_EQ(run("--perplexity text --window 1").exitCode, 1);
  EXPECT_EQ(run("--perplexity text --window 2000").exitCode, 1);
  EXPECT_EQ(run("--perplexity /dev/null").exitCode, 1);
}

TEST_F(RunTool, LogitsThatAreNoNumbersAreErrors) {
  // In each way that the logits are used, in the same words.
  const std::string model = demoPath("demo-nan");
  writeBytes(folder.path("text"), "abc\adef");
  writeBytes(folder.path("lines"),
             "{\"context\": \"a\", \"continuation\": \"\\u0007b\"}\n"
             "{\"context\": \"a\", \"continuation\": \"b\"}\n");
  for (const char *arguments :
       {"--tokens 1,7 -n 1 --temp 0", "--tokens 1,7 -n 1 --temp 1",
        "--tokens 1,7 -n 1 --json --logprobs 1",
        "--tokens 1,7,2 --logits x.npy", "--perplexity text",
        "--score lines"}) {
    auto result = run(arguments, model);
    EXPECT_EQ(result.exitCode, 1) << arguments;
    EXPECT_CONTAINS(result.out + result.error,
                    "the model's logits are not numbers; if the weights of its "
                    "checkpoint are, its activations leave the range of a "
                    "16-bit type: compile it with a cache of i8 or f32, or "
                    "with activations of f32");
    EXPECT_EQ(result.out.find("nan"), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find("null"), std::string::npos) << result.out;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path("x.npy")));
  // The other lines have their scores.
  EXPECT_CONTAINS(run("--score lines", model).out, "\n{\"loglikelihood\":-");
}

TEST_F(RunTool, NamesOfSpecialTokensAreTokensWhereTextsAreScored) {
  writeBytes(folder.path("text"), "hi<|eos|>hi");
  writeBytes(folder.path("lines"),
             R"({"context": "hi", "continuation": "<|eos|>"})"
             "\n");
  EXPECT_CONTAINS(run("--perplexity text").out, "tokens: 4\n");
  EXPECT_CONTAINS(run("--perplexity text --special").out, "tokens: 4\n");
  EXPECT_CONTAINS(run("--perplexity text --no-special").out, "tokens: 10\n");
  EXPECT_CONTAINS(run("--score lines").out, "\"tokens\":1,");
  EXPECT_CONTAINS(run("--score lines --special").out, "\"tokens\":1,");
  EXPECT_CONTAINS(run("--score lines --no-special").out, "\"tokens\":7,");
}

TEST_F(RunTool, ContextsBeginAsInTheHarness) {
  auto score = [&](const std::string &context, const std::string &continuation,
                   const char *model, const char *options = "") {
    writeBytes(folder.path("line"), R"({"context": ")" + context +
                                        R"(", "continuation": ")" +
                                        continuation + "\"}\n");
    return run(std::string("--score line ") + options, demoPath(model));
  };
  // -distance / 4 of the token, less the logarithm of the sum of exp.
  auto expected = [](const Tokens &tokens, size_t begin) {
    double sum = 0, score = 0;
    for (int distance = 0; distance < 262; ++distance)
      sum += std::exp(-0.25 * distance);
    for (size_t i = begin; i < tokens.size(); ++i)
      score -= std::log(sum) +
               0.25 * ((tokens[i] - demoNext(tokens, i) + 262) % 262);
    return score;
  };
  auto expectScore = [&](const Result &result, const Tokens &tokens,
                         size_t begin) {
    double printed = 0;
    int count = 0;
    ASSERT_EQ(std::sscanf(result.out.c_str(),
                          R"({"loglikelihood":%lf,"tokens":%d)", &printed,
                          &count),
              2)
        << result.out << result.error;
    EXPECT_EQ(static_cast<size_t>(count), tokens.size() - begin);
    EXPECT_NEAR(printed, expected(tokens, begin), 1e-6);
  };
  // An empty one is BOS, whether texts begin with it or not, else the first
  // EOS, unless the continuation has it already.
  expectScore(score("", "hi", "demo"), {260, 'h', 'i'}, 1);
  expectScore(score("", "hi", "demo-bos"), {260, 'h', 'i'}, 1);
  expectScore(score("", "hi", "demo-bos", "--no-bos"), {260, 'h', 'i'}, 1);
  expectScore(score("", "hi", "demo-no-bos"), {261, 'h', 'i'}, 1);
  expectScore(score("", "<|eos|>hi", "demo-no-bos"), {261, 'h', 'i'}, 1);
  expectScore(score(" ", "hi", "demo-no-bos"), {261, ' ', 'h', 'i'}, 1);
  // BOS comes once, whether the text has it or the tokenizer adds it.
  expectScore(score("a", "b", "demo-bos"), {260, 'a', 'b'}, 2);
  expectScore(score("<|bos|>a", "b", "demo-bos"), {260, 'a', 'b'}, 2);
  expectScore(score("<|bos|><|bos|>a", "b", "demo"), {260, 260, 'a', 'b'}, 3);
  auto result = score("", "hi", "demo-neither");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.out, "the context is empty, and the model has neither "
                              "a BOS nor an EOS token to begin with");
}

TEST_F(RunTool, TwoBosTokensAreNoticed) {
  const std::string bos = demoPath("demo-bos");
  auto result = run("-p '<|bos|>a' -n 0 --print-tokens", bos);
  EXPECT_EQ(result.out, "260,260,97\n");
  EXPECT_CONTAINS(result.error, "the prompt begins with two BOS tokens");
  for (const char *arguments :
       {"-p '<|bos|>a' --no-bos", "-p a", "-p '<|bos|>a' --no-special",
        "-p '<|bos|><|bos|>' --no-bos"})
    EXPECT_EQ(run(std::string(arguments) + " -n 0 -q", bos).error, "")
        << arguments;
}

TEST_F(RunTool, ScoresOneLineAfterTheOther) {
  writeBytes(folder.path("lines"),
             "{\"id\": 7, \"context\": \"a\", \"continuation\": \"b\"}\n"
             "{\"id\": 8, \"context\": \"t\", \"continuation\": \"he\"}\n"
             "{\"id\": 9, \"context\": \"a\", \"continuation\": \"\"}\n"
             "{\"id\": " +
                 std::string(1000000, '[') + std::string(1000000, ']') +
                 ", \"context\": \"a\", \"continuation\": \"b\"}\n\n"
                 "[]\n"
                 "{\"id\": 7, \"context\": \"a\", \"continuation\": \"b\"}\n"
                 "\n");
  auto result = run("--score lines -q");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.error, "lines: 4 of 8 lines have an error");
  std::istringstream lines(result.out);
  std::vector<std::string> answers;
  for (std::string line; std::getline(lines, line);)
    answers.push_back(line);
  ASSERT_EQ(answers.size(), 6U) << result.out;
  EXPECT_CONTAINS(answers[0], "{\"id\":7,\"loglikelihood\":");
  EXPECT_EQ(answers[5], answers[0]);
  EXPECT_CONTAINS(answers[1], "{\"id\":8,\"error\":\"the continuation has no "
                              "token of its own: both texts together are 1 "
                              "tokens, the context alone 1;");
  EXPECT_CONTAINS(answers[2], "the continuation is empty");
  EXPECT_EQ(answers[3],
            "{\"error\":\"the \\\"id\\\" must be a text or a number\","
            "\"line\":4}");
  EXPECT_CONTAINS(answers[4], "must be an object");
}
