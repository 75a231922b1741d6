//===- RunToolTest.cpp - Tests of sherry-run ------------------------------===//
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

TEST_F(RunTool, Verify) {
  auto result = run("--verify");
  EXPECT_EQ(result.exitCode, 0) << result.error;
  EXPECT_EQ(result.out, "undamaged\n");
  std::string bytes = readBytes(demoPath());
  // The last of the weights that are no tokenizer.
  const size_t place = bytes.find("{\n \"version\"") - 1;
  ASSERT_LT(place, bytes.size());
  bytes[place] = 'x';
  const std::string damaged = folder.path("damaged.so");
  writeBytes(damaged, bytes);
  result = run("--verify", damaged);
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_CONTAINS(result.error,
                  "damaged.so: the weights do not match their checksum");
}

TEST_F(RunTool, GreedyTokens) {
  auto result = run("--tokens 5,6,7 -n 40 --temp 0 --ignore-eos "
                    "--print-tokens");
  EXPECT_EQ(result.exitCode, 0) << result.error;
  EXPECT_EQ(result.out, list(continued({5, 6, 7}, 40)));
  EXPECT_CONTAINS(result.error, "prefill: 3 tokens");
  EXPECT_CONTAINS(result.error, "decode:  39 tokens");
  // However it is computed.
  for (const char *options : {"--block 1", "--block 2 -t 1", "-t 3"})
    EXPECT_EQ(run(std::string("--tokens 5,6,7 -n 40 --temp 0 --ignore-eos "
                              "--print-tokens -q ") +
                  options)
                  .out,
              result.out);
}

TEST_F(RunTool, TextAndEcho) {
  auto result = run("-p 'the end' -n 0 -q");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_EQ(result.out, "the end\n");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(run("-p 'the end' -n 0 -q --no-echo").out, "\n");
  writeBytes(folder.path("prompt"), "the end");
  EXPECT_EQ(run("-f prompt -n 0 -q").out, "the end\n");
  EXPECT_EQ(shell("printf 'the end' | '" SHERRY_RUN "' '" + demoPath() +
                  "' -f - -n 0 -q >out 2>error")
                .out,
            "the end\n");
  EXPECT_EQ(run("-p '<|bos|>the' -n 0 --print-tokens").out, "260,257\n");
  EXPECT_EQ(run("-p '<|' -n 0 --print-tokens --no-special").out, "60,124\n");
  // Text comes out as it is generated: the same bytes as the tokens.
  const Tokens tokens = continued({'a'}, 30);
  auto end = std::find(tokens.begin(), tokens.end(), 261);
  auto model = openModel(demoPath());
  std::string text;
  for (auto it = tokens.begin(); it != end; ++it) {
    size_t size = 0;
    const char *bytes = sherry_token_bytes(model.get(), *it, &size);
    if (*it != 260)
      text.append(bytes, size);
  }
  EXPECT_EQ(run("-p a -n 30 --temp 0").out, text + "\n");
}

TEST_F(RunTool, Sampling) {
  const std::string command = "-p a -n 50 --temp 2 --top-k 0 --top-p 1 "
                              "--ignore-eos --print-tokens ";
  auto first = run(command + "--seed 1");
  EXPECT_EQ(first.out, run(command + "--seed 1").out);
  EXPECT_NE(first.out, run(command + "--seed 2").out);
  EXPECT_CONTAINS(first.error, "seed: 1\n");
  EXPECT_EQ(run("-p a --temp -1").exitCode, 1);
}

TEST_F(RunTool, StopsAtTheEnd) {
  // The token before the last that makes the demo model say EOS.
  int32_t token = 0;
  while (demoNext({0, token}, 2) != 261)
    ++token;
  auto result = run("--tokens 0," + std::to_string(token) +
                    " --temp 0 -n 10 --print-tokens");
  EXPECT_EQ(result.out, "0," + std::to_string(token) + "\n");
  result = run("-p abc --temp 0 -n -1 --ctx 10 --ignore-eos --print-tokens");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_CONTAINS(result.error, "the context of 10 positions is full");
  EXPECT_EQ(result.out, list(continued({'a', 'b', 'c'}, 8)));
}

TEST_F(RunTool, Info) {
  auto result = run("--info");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_CONTAINS(result.out, "name                      demo\n");
  EXPECT_CONTAINS(result.out, "16384 bytes\n");
  EXPECT_CONTAINS(run("--info=json").out, "{\"name\": \"demo\",");
  EXPECT_EQ(run("--info=xml").exitCode, 2);
}

TEST_F(RunTool, SamplingValuesOfTheModel) {
  EXPECT_CONTAINS(
      run("--info").out,
      "sampling                  --temp 0.8 --top-k 40 --top-p 0.95 "
      "--min-p 0 --typical-p 0 --repeat-penalty 0\n");
  const std::string model = demoPath("demo-sampling");
  EXPECT_CONTAINS(run("--info", model).out,
                  "sampling                  --temp 0.7 --top-k 20 --top-p 0.6 "
                  "--min-p 0 --typical-p 0 --repeat-penalty 1.05\n");
  const std::string command =
      "-p a -n 50 --seed 1 --ignore-eos --print-tokens ";
  const std::string values =
      "--temp 0.7 --top-k 20 --top-p 0.6 --repeat-penalty 1.05";
  const std::string bos = demoPath("demo-bos");
  EXPECT_EQ(run(command, model).out, run(command + values, bos).out);
  EXPECT_NE(run(command, model).out, run(command, bos).out);
  // Options come first.
  EXPECT_EQ(
      run(command + "--top-k 1 --temp 2", model).out,
      run(command + "--top-k 1 --temp 2 --top-p 0.6 --repeat-penalty 1.05", bos)
          .out);
  const std::string wrong = demoPath("demo-wrong-sampling");
  auto result = run("-p a", wrong);
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.error,
                  "\"sampling.top_k\": 1.5, which is not a number "
                  "for --top-k; compile the model again");
  EXPECT_EQ(run("-p a -n 1 --top-k 2", wrong).exitCode, 0);
}

TEST_F(RunTool, UsageErrors) {
  for (const char *arguments :
       {"", "-p a -f b", "-p a --perplexity b", "-p", "--tokens x", "-p a -n x",
        "-p a -t -1", "-p a --window 5", "--nonsense", "--info --logits x",
        "--chat --logits x", "--score a --logits x", "-p a --stop ''",
        // What no type can hold, and what is no decimal number.
        "-p a --seed 18446744073709551616", "-p a --seed -1",
        "-p a -n 99999999999999999999", "-p a --temp 1e-50", "-p a --temp 1e50",
        "-p a --top-k 4294967296", "-p a -n 010x", "-p a -n 0x10",
        "-p a --logit-bias 1=1e-50", "-p a --logit-bias 4294967297=1",
        "--tokens 1,4294967297"})
    EXPECT_EQ(run(arguments).exitCode, 2) << arguments;
  EXPECT_EQ(run("--tokens 010 -n 0 --print-tokens").out, "10\n");
  EXPECT_CONTAINS(run("-p a -n 99999999999999999999").error,
                  "'99999999999999999999' is not a whole number from "
                  "-9223372036854775808 to 9223372036854775807");
  auto help = run("--help");
  EXPECT_EQ(help.exitCode, 0);
  EXPECT_CONTAINS(help.out, "--top-k, --top-p, --min-p and --typical-p");
  EXPECT_EQ(
      shell("touch out; '" SHERRY_RUN "' --help >/dev/full 2>error").exitCode,
      1);
  EXPECT_CONTAINS(run("--version").out, "sherry-run 0.");
}

TEST_F(RunTool, RuntimeErrors) {
  auto expectError = [&](const std::string &arguments, const char *message,
                         const std::string &model = demoPath()) {
    auto result = run(arguments, model);
    EXPECT_EQ(result.exitCode, 1) << arguments;
    EXPECT_CONTAINS(result.error, "sherry-run: error: ");
    EXPECT_CONTAINS(result.error, message);
  };
  expectError("-p a", "absent.so: cannot open", "absent.so");
  expectError("-p a", "ABI version 3", demoPath("demo-old-version"));
  expectError("-p a", "without a tokenizer", demoPath("demo-no-tokenizer"));
  expectError("-p '' --no-bos", "the prompt is empty");
  expectError("--tokens 262", "token 262 is not in [0, 262)");
  expectError("--tokens -1", "token -1");
  expectError("-p 'abcdef' --ctx 5", "the prompt has 6 tokens, the context 5");
  expectError("-p a --ctx 99999", "at most 1024");
  expectError("-p abcdefgh --ctx 8 --context-shift --keep 7",
              "--keep 7 leaves no room in the 8 positions of the context");
  expectError("-f absent", "absent: cannot read");
  expectError("-f .", ".: cannot read: Is a directory");
}

TEST_F(RunTool, WithoutTokenizer) {
  auto result = run("--tokens 5,6 -n 3 --temp 0 --ignore-eos",
                    demoPath("demo-no-tokenizer"));
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_EQ(result.out, list(continued({5, 6}, 3)));
  EXPECT_CONTAINS(result.error, "printing token ids");
}

TEST_F(RunTool, ClosedOutputEndsQuietly) {
  const std::string command =
      "'" SHERRY_RUN "' '" + demoPath() + "' -p a -n 1000 --ignore-eos -q";
  auto result = shell("{ " + command +
                      " 2>error; echo $? >code; } | true; "
                      "touch out");
  EXPECT_EQ(readBytes(folder.path("code")), "0\n");
  EXPECT_EQ(result.error, "");
  result = shell("touch out; " + command + " >&- 2>error");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_EQ(result.error, "");
  result = shell("touch out; " + command + " >/dev/full 2>error");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.error, "cannot write to standard output");
}

TEST_F(RunTool, HistoriesAreWrittenToWhatIsThere) {
  auto chat = [&](const std::string &input, const std::string &options) {
    return shell("printf '" + input + "' | '" SHERRY_RUN "' '" + demoPath() +
                 "' --chat --template " + chatTemplate() + " -n 3 -q " +
                 options + " >out 2>error");
  };
  // A link stays; an empty file is an empty history.
  ASSERT_EQ(
      shell("touch out error real; ln -s real link; mkfifo pipe").exitCode, 0);
  EXPECT_EQ(chat("x\\n", "--system s --history link").exitCode, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  const std::string history = readBytes(folder.path("real"));
  EXPECT_CONTAINS(history, "\"s\"");
  auto result = shell("cat pipe >copy & printf '/load real\\n/save pipe\\n' | "
                      "'" SHERRY_RUN "' '" +
                      demoPath() + "' --chat --template " + chatTemplate() +
                      " -q >out 2>error; wait");
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(std::filesystem::is_fifo(folder.path("pipe")));
  EXPECT_EQ(readBytes(folder.path("copy")), history);
  // Its first message cannot be another one.
  EXPECT_EQ(chat("x\\n", "--system s --history real").exitCode, 0);
  result = chat("x\\n", "--system t --history real");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.error, "real: the chat does not begin with the");
  // Between fences nothing is a command.
  EXPECT_EQ(chat("\"\"\"\\n/exit\\n\"\"\"\\n", "--history quoted").exitCode, 0);
  EXPECT_CONTAINS(readBytes(folder.path("quoted")), "\"/exit\"");
}

TEST_F(RunTool, PenaltiesOfNoTokens) {
  const std::string command =
      "-p aaaaaaaa -n 20 --temp 0 --ignore-eos --print-tokens ";
  const std::string plain = run(command).out;
  const std::string penalty = command + "--frequency-penalty 9 ";
  EXPECT_NE(run(penalty).out, plain);
  EXPECT_EQ(run(penalty + "--repeat-last-n 0").out, plain);
}

TEST_F(RunTool, StopTextsEndTokens) {
  const Tokens tokens = continued({5, 6, 7}, 40);
  auto letter = std::find_if(tokens.begin() + 5, tokens.end(),
                             [](int32_t id) { return id >= 'A' && id <= 'Z'; });
  ASSERT_NE(letter, tokens.end());
  const std::string command =
      "--tokens 5,6,7 -n 40 --temp 0 --ignore-eos --print-tokens --stop " +
      std::string(1, static_cast<char>(*letter));
  EXPECT_EQ(run(command).out, list(Tokens(tokens.begin(), letter + 1)));
  auto result = run(command, demoPath("demo-no-tokenizer"));
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_CONTAINS(result.error, "the model has no tokenizer");
}

TEST_F(RunTool, NothingFollowsAStopText) {
  // The token 259 is a k and the first byte of a character.
  const std::string command = "--tokens 5 -n 4 --temp 0 --logit-bias 259=1e30 "
                              "--stop k -q ";
  EXPECT_EQ(run(command + "--no-echo").out, "\n");
  EXPECT_CONTAINS(run(command + "--json").out,
                  R"({"event":"end","reason":"stop","rest":"","text":""})");
  // Without a stop text, what never became a character comes in the end.
  EXPECT_EQ(
      run("--tokens 5 -n 1 --temp 0 --logit-bias 259=1e30 -q --no-echo").out,
      "k\xe2\n");
  const std::string chat = "printf 'x\\n' | '" SHERRY_RUN "' '" + demoPath() +
                           "' --chat --template " + chatTemplate() +
                           " -n 4 --temp 0 "
                           "--logit-bias 259=1e30 --stop k "
                           "-q --history chat >out 2>error";
  EXPECT_EQ(shell(chat).exitCode, 0);
  EXPECT_CONTAINS(readBytes(folder.path("chat")),
                  "\"role\": \"assistant\",\n  \"content\": \"\"");
}
