//===- reference.cpp - The whole forward pass in plain loops -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compiled models are compared with. Shares no code with the compiler and
// the runtime, knows nothing of packed layouts, and prefers to be obvious: one
// token at a time, activations in f32, sums in f64.
//
//===----------------------------------------------------------------------===//
#include "Model.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace {

struct Options : ModelOptions {
  std::string logits;
  std::vector<int64_t> tokens;
  int64_t greedy = 0;
};

void printTokens(const std::vector<int64_t> &tokens) {
  for (size_t i = 0; i < tokens.size(); ++i)
    std::cout << (i == 0 ? "" : ",") << tokens[i];
  std::cout << "\n";
}

/// Prints `count` tokens, each the most likely after those before it.
void generate(Model &model, Vector logits, int64_t count) {
  std::vector<int64_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(std::max_element(logits.begin(), logits.end()) -
                     logits.begin());
    logits = model.forward(tokens.back());
  }
  printTokens(tokens);
}

void run(Options options) {
  Model model(options);
  std::vector<Vector> logits;
  for (int64_t &token : options.tokens)
    logits.push_back(model.forwardWithoutTie(token));
  if (options.tieDistance > 0)
    printTokens(options.tokens);
  if (!options.logits.empty())
    writeNpy(options.logits, logits);
  if (options.greedy > 0)
    generate(model, logits.back(), options.greedy);
}

} // namespace

static int parseAndRun(int argc, char **argv) {
  Options options;
  CLI::App app("Runs a LLaMA checkpoint in plain loops.");
  app.add_option("model", options.model, "folder of the checkpoint")
      ->required();
  app.add_option("--tokens", options.tokens, "ids of the prompt")
      ->required()
      ->delimiter(',');
  app.add_option("--logits", options.logits,
                 "write f32 [tokens][vocabulary] as .npy");
  app.add_option("--tie-distance", options.tieDistance,
                 "replace tokens that make an activation fall closer to a tie "
                 "of two integers, and print the prompt")
      ->check(CLI::Range(0.0, 0.4));
  app.add_option("--greedy", options.greedy, "print so many more tokens");
  app.add_option("--granularity", options.ternary.granularity,
                 "instead of what config.json says")
      ->check(CLI::IsMember({"per_tensor", "per_channel", "per_group"}));
  app.add_option("--group-size", options.ternary.groupSize,
                 "instead of what config.json says")
      ->check(CLI::PositiveNumber);
  app.add_option("--scale-type", options.ternary.scaleType)
      ->check(CLI::IsMember({"f16", "f32"}));
  app.add_option("--head", options.head)
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0", "q6_K", "q4_0"}));
  app.add_option("--activations", options.activations)
      ->check(CLI::IsMember({"f32", "i8", "i8-token"}));
  app.add_option("--kv", options.kv)
      ->check(CLI::IsMember({"f32", "f16", "i8"}));
  app.add_flag("--no-quantize", options.noQuantize,
               "weights of linear layers in bf16, or as they are if "
               "activations are f32");
  app.add_flag("--keep-linear", options.keepLinear,
               "weights of linear layers as they are");
  app.add_option("--trits", options.trits,
                 "weights of linear layers are trits already, times a scale "
                 "for so many inputs");
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
}

int main(int argc, char **argv) {
  try {
    return parseAndRun(argc, argv);
  } catch (const std::exception &error) {
    std::cerr << "sherry-reference: " << error.what() << "\n";
    return 1;
  }
}
