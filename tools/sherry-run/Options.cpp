//===- Options.cpp - The command line of sherry-run -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "../Support/CommandLine.h"

#include <random>

using namespace sherry;
using namespace sherry::run;

//===----------------------------------------------------------------------===//
// Modes
//===----------------------------------------------------------------------===//

namespace {
/// Modes of a run.
enum Mode : unsigned {
  Text = 1,
  Ids = 2,
  Chat = 4,
  Scores = 8,
  Perplexity = 16,
  Info = 32,
  Verify = 64,
  Continues = Text | Ids,
  Answers = Continues | Chat,
  Tokenizes = Text | Scores | Perplexity,
  Evaluates = Answers | Scores | Perplexity
};
} // namespace

/// The modes in which each option has an effect. An option whose effect the
/// value of another one removes (as --temp 0 does with --top-k) is not refused.
static const std::vector<OptionUse> optionTable = {
    {"--n-predict", Answers},
    {"--temp", Answers},
    {"--top-k", Answers},
    {"--top-p", Answers},
    {"--min-p", Answers},
    {"--typical-p", Answers},
    {"--seed", Answers},
    {"--repeat-penalty", Answers},
    {"--presence-penalty", Answers},
    {"--frequency-penalty", Answers},
    {"--repeat-last-n", Answers},
    {"--logit-bias", Answers},
    {"--stop", Answers},
    {"--context-shift", Answers},
    {"--keep", Answers},
    {"--ignore-eos", Answers},
    {"--no-bos", Tokenizes | Chat},
    {"--special", Tokenizes},
    {"--no-echo", Continues},
    {"--json", Answers},
    {"--logprobs", Answers},
    {"--print-tokens", Answers},
    {"--template", Chat},
    {"--system", Chat},
    {"--history", Chat},
    {"--thinking", Chat},
    {"--no-thinking", Chat},
    {"--date", Chat},
    {"--threads", Evaluates},
    {"--mmap", Evaluates},
    {"--ctx", Answers | Scores},
    {"--block", Evaluates},
    {"--draft", Answers},
    {"--draft-max", Answers},
    {"--logits", Continues},
    {"--window", Perplexity},
    {"--stride", Perplexity},
    {"--quiet", Evaluates},
};

/// The mode of the command line, and the option that sets it.
static std::pair<Mode, const char *> findMode(const CLI::App &app) {
  static constexpr std::pair<Mode, const char *> modes[] = {
      {Text, "--prompt"}, {Text, "--file"},    {Ids, "--tokens"},
      {Chat, "--chat"},   {Scores, "--score"}, {Perplexity, "--perplexity"},
      {Info, "--info"},   {Verify, "--verify"}};
  return *std::find_if(
      std::begin(modes), std::end(modes),
      [&](const auto &mode) { return app.count(mode.second); });
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static void addInput(CLI::App &app, Options &options) {
  CLI::App *input =
      app.add_option_group("Input", "Exactly one of these options is needed");
  input->require_option(1);
  input->add_option("-p,--prompt", options.prompt, "Continue this text");
  input->add_option("-f,--file", options.promptFile,
                    "Continue the text of this file; - is standard input");
  addNumber(*input, "--tokens", options.tokens,
            "Continue these token ids, separated by commas")
      ->delimiter(',');
  input->add_flag(
      "--chat", options.chat,
      "Chat with the model: each line of standard input is a message");
  input->add_option(
      "--score", options.scoreFile,
      "Print log-likelihoods for each line of this file, a JSON object with a "
      "\"context\" and a \"continuation\"; - is standard input");
  input->add_option("--perplexity", options.perplexityFile,
                    "Print the perplexity of the text of this file");
  input
      ->add_flag("--info{text}", options.info,
                 "Print the model's description; --info=json prints it as it "
                 "is stored")
      ->check(CLI::IsMember({"text", "json"}));
  input->add_flag("--verify", options.verify,
                  "Compare all weights with their checksum (the checksum of "
                  "the code is compared in every run)");
}

static sherry_logit_bias parseBias(const std::string &text) {
  const size_t equals = text.find('=');
  std::optional<int32_t> token;
  std::optional<float> bias;
  if (equals != std::string::npos) {
    token = parseNumber<int32_t>(text.substr(0, equals));
    bias = parseNumber<float>(text.substr(equals + 1));
  }
  if (!token || *token < 0 || !bias)
    throw CLI::ValidationError("--logit-bias", "'" + text +
                                                   "' is not TOKEN=BIAS, such "
                                                   "as 42=-1.5 or 42=-inf");
  return {*token, *bias};
}

static std::tm parseDate(const std::string &text) {
  int year, month, day, size = -1;
  std::tm date = {};
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &size) ==
          3 &&
      text.size() == 10 && size == 10) {
    date.tm_year = year - 1900;
    date.tm_mon = month - 1;
    date.tm_mday = day;
    // timegm() finds the day of the week, and changes the month of a day that
    // does not exist.
    const std::time_t time = timegm(&date);
    if (time != -1 && date.tm_mon == month - 1 && date.tm_mday == day)
      return date;
  }
  throw CLI::ValidationError("--date",
                             "'" + text + "' is not a date such as 2026-07-04");
}

static void addSampling(CLI::App &app, Options &options) {
  sherry_sampler_options &sampling = options.sampling;
  addNumber(app, "--temp", sampling.temperature,
            "Temperature; 0 always takes the likeliest token (default: the "
            "model's, else 0.8)");
  addNumber(app, "--top-k", sampling.top_k,
            "Choose among the k likeliest tokens; 0: among all (default: the "
            "model's, else 40)");
  addNumber(app, "--top-p", sampling.top_p,
            "Choose among the likeliest tokens of this total probability "
            "(default: the model's, else 0.95)");
  addNumber(app, "--min-p", sampling.min_p,
            "Choose among tokens with at least this fraction of the likeliest "
            "token's probability (default: the model's, else 0)");
  addNumber(app, "--typical-p", sampling.typical_p,
            "Choose among the most typical tokens of this total probability; "
            "0: among all (default: the model's, else 0)");
  addNumber(app, "--seed", sampling.seed,
            "Seed of the random choices (default: random)");
  addNumber(app, "--repeat-penalty", sampling.repetition_penalty,
            "Divide the logits of tokens that have occurred by this; 0: no "
            "penalty (default: the model's, else 0)");
  addNumber(app, "--presence-penalty", sampling.presence_penalty,
            "Subtract this from the logits of tokens that have occurred")
      ->capture_default_str();
  addNumber(
      app, "--frequency-penalty", sampling.frequency_penalty,
      "Subtract this from the logit of a token for each of its occurrences")
      ->capture_default_str();
  addNumber(app, "--repeat-last-n", sampling.penalty_last_n,
            "Number of last tokens that penalties apply to; 0: no penalties")
      ->capture_default_str();
  app.add_option_function<std::vector<std::string>>(
         "--logit-bias",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts)
             options.biases.push_back(parseBias(text));
         },
         "TOKEN=BIAS: add BIAS to the logit of a token id; -inf forbids the "
         "token")
      ->delimiter(',');
}

static void addGeneration(CLI::App &app, Options &options) {
  addNumber(
      app, "-n,--n-predict", options.length,
      "Tokens to generate; -1: no limit (default: 128; in chats: no limit)");
  app.add_option("--stop", options.stops,
                 "End the answer before this text; may be given many times")
      ->allow_extra_args(false)
      ->check([](const std::string &text) {
        return text.empty() ? "it needs a text" : "";
      });
  CLI::Option *shift =
      app.add_flag("--context-shift", options.contextShift,
                   "When the context is full, forget its older half and read "
                   "the rest again, instead of ending");
  addNumber(app, "--keep", options.keep,
            "Number of first tokens that --context-shift keeps (default: 1; in "
            "chats: the tokens before the first question)")
      ->needs(shift);
  app.add_flag("--ignore-eos", options.ignoreEos,
               "Continue after the end of the text");
}

static void addText(CLI::App &app, Options &options) {
  app.add_flag("!--no-bos", options.bos,
               "Do not begin the text with the model's BOS token");
  app.add_flag(
      "--special,!--no-special", options.special,
      "Read names of special tokens in a text as these tokens (default), or as "
      "text; in messages of chats they are always text");
  CLI::Option *noEcho =
      app.add_flag("!--no-echo", options.echo, "Do not print the prompt");
  CLI::Option *json =
      app.add_flag("--json", options.json,
                   "Print events, a JSON object per line: every token of the "
                   "answer, and why the answer ended")
          ->excludes(noEcho);
  addNumber(app, "--logprobs", options.logprobs,
            "Add the log probabilities of each token and of the n likeliest "
            "tokens at its position")
      ->needs(json);
  app.add_flag("--print-tokens", options.printTokens,
               "Print token ids, separated by commas, instead of text, "
               "including those of a --stop text");
}

static void addChat(CLI::App &app, Options &options) {
  app.add_option("--template", options.chatTemplate,
                 "Write chats by the Jinja template in this file (default: the "
                 "model's own template)")
      ->check(CLI::ExistingFile);
  app.add_option("--system", options.system,
                 "The system's message, with which a chat begins; must equal "
                 "the one in --history");
  app.add_option("--history", options.history,
                 "Continue the chat in this file, a JSON list of messages, if "
                 "it exists; write the chat to it after each answer");
  CLI::Option *thinking = app.add_flag_callback(
      "--thinking", [&options] { options.thinking = true; },
      "Let the model think before it answers, if its template has "
      "enable_thinking (default: the template's)");
  app.add_flag_callback(
         "--no-thinking", [&options] { options.thinking = false; },
         "Let the model answer without thinking")
      ->excludes(thinking);
  app.add_option_function<std::string>(
      "--date",
      [&options](const std::string &text) { options.date = parseDate(text); },
      "YYYY-MM-DD: the date that the template writes into a chat (default: "
      "today)");
}

static void addExecution(CLI::App &app, Options &options) {
  addNumber(app, "-t,--threads", options.context.threads,
            "Threads (default: physical cores; at most: processors)");
  app.add_flag("--mmap", options.map,
               "Leave the weights in the file, shared with other processes, "
               "instead of copying them to faster memory");
  addNumber(app, "-c,--ctx", options.context.context,
            "Positions of the context (default: the model's maximum, at most "
            "4096)");
  addNumber(app, "--block", options.context.block,
            "Prompt tokens evaluated together (default: the model's maximum)");
  app.add_option("--draft", options.draft,
                 "A smaller compiled model of the same vocabulary, which "
                 "drafts tokens, too")
      ->check(CLI::ExistingFile);
  addNumber(app, "--draft-max", options.drafts.most,
            "Most tokens that are drafted and checked together, if this is "
            "faster; 0: none. Drafts change no token of the answer")
      ->capture_default_str();
  app.add_option("--logits", options.logitsFile,
                 "Write the prompt's logits [tokens][vocabulary] to this .npy "
                 "file");
  addNumber(app, "--window", options.window,
            "Tokens scored together by --perplexity (default: the model's "
            "maximum, at most 512)");
  addNumber(app, "--stride", options.stride,
            "Distance in tokens between windows of --perplexity; tokens in the "
            "overlap are scored once and give context (default: the window)");
  app.add_flag("-q,--quiet", options.quiet, "Print no statistics");
}

std::optional<int> sherry::run::parseOptions(int argc, char **argv,
                                             Options &options) {
  CLI::App app("Runs a compiled model.", "sherry-run");
  app.footer(
      "How the next token is chosen: biases and penalties change the logits, "
      "the\ntemperature divides them, then --top-k, --top-p, --min-p and "
      "--typical-p exclude tokens,\nin this order, as in Hugging Face "
      "transformers. (llama.cpp applies the temperature last.)\nThe model's "
      "values are those of its generation_config.json or GGUF file; --info\n"
      "prints them.\n"
      "An option that has no effect in the chosen mode is an error.");
  app.set_version_flag("--version",
                       std::string("sherry-run ") + sherry_version());
  app.add_option("model", options.model, "The compiled model, a .so file")
      ->required();
  addInput(app, options);
  addSampling(app, options);
  addGeneration(app, options);
  addText(app, options);
  addChat(app, options);
  addExecution(app, options);
  if (auto exitCode = parseCommandLine(app, argc, argv, [&] {
        const auto [mode, name] = findMode(app);
        refuseWithoutEffect(app, optionTable, mode, name);
        if (!options.draft.empty() && options.drafts.most == 0)
          throw CLI::ValidationError(
              "--draft", "has no effect with --draft-max 0; leave it out");
      }))
    return exitCode;
  for (const OptionUse &use : optionTable)
    if (app.count(use.name) > 0)
      options.given.insert(use.name);
  if (options.chat && !options.isGiven("--n-predict"))
    options.length = -1;
  options.sampling.biases = options.biases.data();
  options.sampling.n_biases = options.biases.size();
  if (!options.isGiven("--seed"))
    options.sampling.seed = std::random_device()();
  return std::nullopt;
}
