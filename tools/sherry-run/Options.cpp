//===- Options.cpp - The command line of sherry-run -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "../Support/ChatTemplate.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <random>

using namespace sherry::run;

static void addInput(CLI::App &app, Options &options) {
  CLI::App *input = app.add_option_group(
      "Input", "What to do: exactly one of these is needed");
  input->require_option(1);
  input->add_option("-p,--prompt", options.prompt, "Continue this text");
  input->add_option("-f,--file", options.promptFile,
                    "Continue the text of this file, - for standard input");
  input
      ->add_option("--tokens", options.tokens,
                   "Continue these token ids, separated by commas")
      ->delimiter(',');
  input->add_flag("--chat", options.chat,
                  "Talk with the model: messages are lines of standard input");
  input->add_option(
      "--score", options.scoreFile,
      "Log-likelihoods: for each line of this file, a JSON object "
      "with a \"context\" and a \"continuation\"; - for standard "
      "input");
  input->add_option("--perplexity", options.perplexityFile,
                    "Score the text of this file");
  input
      ->add_flag("--info{text}", options.info,
                 "Print the model's description; --info=json as it is stored")
      ->check(CLI::IsMember({"text", "json"}));
}

static sherry_logit_bias parseBias(const std::string &text) {
  const size_t equals = text.find('=');
  char *end = nullptr, *tokenEnd = nullptr;
  const long token = std::strtol(text.c_str(), &tokenEnd, 10);
  const float bias = equals == std::string::npos
                         ? 0
                         : std::strtof(text.c_str() + equals + 1, &end);
  if (!end || *end != '\0' || end == text.c_str() + equals + 1 ||
      tokenEnd != text.c_str() + equals || token < 0 || token > INT32_MAX)
    throw CLI::ValidationError("--logit-bias", "'" + text +
                                                   "' is not TOKEN=BIAS, such "
                                                   "as 42=-1.5 or 42=-inf");
  return {static_cast<int32_t>(token), bias};
}

static void addGeneration(CLI::App &app, Options &options) {
  sherry_sampler_options &sampling = options.sampling;
  app.add_option("-n,--n-predict", options.length,
                 "Tokens to generate, -1 for no limit")
      ->capture_default_str();
  app.add_option("--temp", sampling.temperature,
                 "Temperature, 0 always takes the likeliest token")
      ->capture_default_str();
  app.add_option("--top-k", sampling.top_k,
                 "Choose among the k likeliest tokens, 0 among all")
      ->capture_default_str();
  app.add_option("--top-p", sampling.top_p,
                 "Choose among the likeliest tokens of this total probability")
      ->capture_default_str();
  app.add_option("--seed", sampling.seed,
                 "Seed of the choices, random by default");
  app.add_option("--min-p", sampling.min_p,
                 "Choose among tokens with this part of the likeliest one's "
                 "probability")
      ->capture_default_str();
  app.add_option("--typical-p", sampling.typical_p,
                 "Choose among the most typical tokens of this total "
                 "probability, 0 for all")
      ->capture_default_str();
  app.add_option("--repeat-penalty", sampling.repetition_penalty,
                 "Divide the logits of tokens that have occurred, 0 for none")
      ->capture_default_str();
  app.add_option("--presence-penalty", sampling.presence_penalty,
                 "Subtract this from the logits of tokens that have occurred")
      ->capture_default_str();
  app.add_option("--frequency-penalty", sampling.frequency_penalty,
                 "Subtract this for every time that a token has occurred")
      ->capture_default_str();
  app.add_option("--repeat-last-n", sampling.penalty_last_n,
                 "Tokens that penalties look back, 0 for no penalties")
      ->capture_default_str();
  app.add_option_function<std::vector<std::string>>(
         "--logit-bias",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts)
             options.biases.push_back(parseBias(text));
         },
         "TOKEN=BIAS: add to the logit of a token id, -inf forbids it")
      ->delimiter(',');
  app.add_option("--stop", options.stops,
                 "End the answer before this text; may be given many times")
      ->allow_extra_args(false);
  app.add_flag("--context-shift", options.contextShift,
               "When the context is full, forget the older half of it and read "
               "the rest anew, instead of ending");
  app.add_option(
         "--keep", options.keep,
         "First tokens that are never forgotten (default: the first; of "
         "chats, what comes before the first question)")
      ->needs("--context-shift");
  app.add_flag("--ignore-eos", options.ignoreEos,
               "Continue after the end of the text");
}

static void addText(CLI::App &app, Options &options) {
  app.add_flag("!--no-bos", options.bos,
               "Do not begin with the model's BOS token");
  app.add_flag("--special,!--no-special", options.special,
               "Take names of special tokens in the prompt as these tokens "
               "(default), or as text");
  app.add_flag("!--no-echo", options.echo, "Do not print the prompt");
  app.add_flag("--json", options.json,
               "Print events, a JSON object in each line: every token, and why "
               "the answer ended");
  app.add_option("--logprobs", options.logprobs,
                 "Give each token's log probability, and those of the n "
                 "likeliest tokens in its place")
      ->needs("--json");
  app.add_flag("--print-tokens", options.printTokens,
               "Print token ids, separated by commas, instead of text, those "
               "of a --stop too");
}

static void addChat(CLI::App &app, Options &options) {
  app.add_option("--template", options.chatTemplate,
                 "How the model's chats are written: " +
                     sherry::ChatTemplate::listNames() +
                     " (default: as its own template says)")
      ->check([](const std::string &name) -> std::string {
        if (sherry::ChatTemplate::byName(name))
          return "";
        return "'" + name + "' is none of " + sherry::ChatTemplate::listNames();
      })
      ->needs("--chat");
  app.add_option("--system", options.system,
                 "The system's message, with which a chat begins; that of "
                 "--history must be the same")
      ->needs("--chat");
  app.add_option("--history", options.history,
                 "Go on with the chat of this file, if it is there, and write "
                 "the chat to it after each answer: a JSON list of messages")
      ->needs("--chat");
}

static void addExecution(CLI::App &app, Options &options) {
  app.add_option("-t,--threads", options.context.threads,
                 "Threads (default: physical cores; at most: processors)");
  app.add_flag("--mmap", options.map,
               "Leave the weights in the file, shared with other processes, "
               "instead of copying them to faster memory");
  app.add_option("-c,--ctx", options.context.context,
                 "Positions of the context (default: the model's maximum, at "
                 "most 4096)");
  app.add_option("--block", options.context.block,
                 "Prompt tokens evaluated in one go (default: the model's "
                 "maximum)");
  app.add_option("--logits", options.logitsFile,
                 "Write the prompt's logits [tokens][vocabulary] to this .npy "
                 "file")
      ->excludes("--perplexity")
      ->excludes("--score")
      ->excludes("--chat")
      ->excludes("--info");
  app.add_option("--window", options.window,
                 "Tokens scored together by --perplexity (default: the "
                 "model's maximum, at most 512)")
      ->needs("--perplexity");
  app.add_option("--stride", options.stride,
                 "Tokens from one window of --perplexity to the next; what "
                 "windows share is scored once, and gives context (default: "
                 "the window)")
      ->needs("--perplexity");
  app.add_flag("-q,--quiet", options.quiet, "Print no statistics");
}

std::optional<int> sherry::run::parseOptions(int argc, char **argv,
                                             Options &options) {
  CLI::App app("Runs a model that sherry-compile wrote.", "sherry-run");
  app.set_version_flag("--version",
                       std::string("sherry-run ") + sherry_version());
  app.add_option("model", options.model, "The compiled model, a .so file")
      ->required();
  addInput(app, options);
  addGeneration(app, options);
  addText(app, options);
  addChat(app, options);
  addExecution(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? Success : UsageError;
  }
  for (const std::string &stop : options.stops)
    if (stop.empty()) {
      std::fputs("sherry-run: error: --stop needs a text\n", stderr);
      return UsageError;
    }
  if (options.chat && app.count("--n-predict") == 0)
    options.length = -1;
  // To the runtime, 0 stands for the default.
  if (options.sampling.penalty_last_n == 0)
    options.sampling.repetition_penalty = options.sampling.presence_penalty =
        options.sampling.frequency_penalty = 0;
  options.sampling.biases = options.biases.data();
  options.sampling.n_biases = options.biases.size();
  if (app.count("--seed") == 0)
    options.sampling.seed = std::random_device()();
  return std::nullopt;
}
