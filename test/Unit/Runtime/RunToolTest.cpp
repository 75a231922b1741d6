//===- RunToolTest.cpp - Tests of sherry-run ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the program on the demo model.
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>
#include <sys/wait.h>

using namespace sherry::test;
using Tokens = std::vector<int32_t>;

/// Where SIGINT is ignored, as in jobs in the background of a shell, the
/// program would leave it so.
static const std::string interruptible =
    "env --default-signal=INT '" SHERRY_RUN "' '";

namespace {

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
  static Tokens continued(Tokens tokens, size_t count) {
    for (size_t i = 0; i < count; ++i)
      tokens.push_back(demoNext(tokens, tokens.size()));
    return tokens;
  }
  static std::string list(const Tokens &tokens) {
    std::string text;
    for (int32_t token : tokens)
      text += (text.empty() ? "" : ",") + std::to_string(token);
    return text + "\n";
  }

  TempFolder folder;
  /// A model that the token 3 interrupts.
  const std::string interrupts = demoPath("demo-interrupts");
};

} // namespace

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
                  "damaged.so: the weights have another checksum");
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
  EXPECT_CONTAINS(result.error, "\"sampling.top_k\": 1.5, which is no number "
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
                  "'99999999999999999999' is no whole number from "
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
  expectError("-p a", "ABI version 0", demoPath("demo-old-version"));
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
  for (const char *what : {"--score pipe", "--chat --template llama-3 <pipe"}) {
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
                              "' --chat --template llama-3 --temp 0 -n 5 "
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

TEST_F(RunTool, HistoriesAreWrittenToWhatIsThere) {
  auto chat = [&](const std::string &input, const std::string &options) {
    return shell("printf '" + input + "' | '" SHERRY_RUN "' '" + demoPath() +
                 "' --chat --template llama-3 -n 3 -q " + options +
                 " >out 2>error");
  };
  // A link stays; an empty file is an empty history.
  ASSERT_EQ(
      shell("touch out error real; ln -s real link; mkfifo pipe").exitCode, 0);
  EXPECT_EQ(chat("x\\n", "--system s --history link").exitCode, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  const std::string history = readBytes(folder.path("real"));
  EXPECT_CONTAINS(history, "\"s\"");
  auto result =
      shell("cat pipe >copy & printf '/load real\\n/save pipe\\n' | "
            "'" SHERRY_RUN "' '" +
            demoPath() + "' --chat --template llama-3 -q >out 2>error; wait");
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
                           "' --chat --template llama-3 -n 4 --temp 0 "
                           "--logit-bias 259=1e30 --stop k "
                           "-q --history chat >out 2>error";
  EXPECT_EQ(shell(chat).exitCode, 0);
  EXPECT_CONTAINS(readBytes(folder.path("chat")),
                  "\"role\": \"assistant\",\n  \"content\": \"\"");
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
  EXPECT_CONTAINS(answers[1], "{\"id\":8,\"error\":\"the continuation is no "
                              "token of its own: both texts together are 1 "
                              "tokens, the context alone 1;");
  EXPECT_CONTAINS(answers[2], "the continuation is empty");
  EXPECT_EQ(answers[3],
            "{\"error\":\"the \\\"id\\\" must be a text or a number\","
            "\"line\":4}");
  EXPECT_CONTAINS(answers[4], "must be an object");
}
