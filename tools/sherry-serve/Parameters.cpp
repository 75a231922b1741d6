//===- Parameters.cpp - Parameters of answers -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Parameters.h"

#include <charconv>
#include <random>

using namespace sherry;
using namespace sherry::serve;

static constexpr size_t kMostChoices = 16;
static constexpr size_t kMostStops = 32, kMostStopBytes = 1000;
static constexpr size_t kMostBiases = 1024;
static constexpr int64_t kMostTopLogprobs = 20;
/// The default of OpenAI's API.
static constexpr int64_t kDefaultTokens = 16;

std::shared_ptr<sherry_sampler> Parameters::makeSampler(size_t index) const {
  sherry_sampler_options options = sampling;
  options.seed += index;
  options.biases = biases.data();
  options.n_biases = biases.size();
  sherry_sampler *sampler = sherry_sampler_create(&options);
  if (!sampler)
    throw ApiError(sherry_error_message());
  return {sampler, sherry_sampler_destroy};
}

static void readSampling(const Fields &fields, sherry_sampler_options &to) {
  auto take = [&](const char *name, float &value, double least, double most) {
    if (const auto given = fields.number(name, least, most))
      value = static_cast<float>(*given);
  };
  take("temperature", to.temperature, 0, 100);
  take("top_p", to.top_p, 0, 1);
  take("min_p", to.min_p, 0, 1);
  take("typical_p", to.typical_p, 0, 1);
  take("presence_penalty", to.presence_penalty, -100, 100);
  take("frequency_penalty", to.frequency_penalty, -100, 100);
  for (const char *name : {"repetition_penalty", "repeat_penalty"})
    take(name, to.repetition_penalty, 0.01, 100);
  // As for other servers, -1 stands for all.
  if (const auto count = fields.integer("top_k", -1, INT32_MAX))
    to.top_k = static_cast<uint32_t>(std::max<int64_t>(*count, 0));
  if (const auto count = fields.integer("repeat_last_n", 1, INT32_MAX))
    to.penalty_last_n = static_cast<uint32_t>(*count);
  // top_p 0 would leave no token; the likeliest one is kept.
  if (to.top_p == 0) {
    to.top_p = 1;
    to.top_k = 1;
  }
  if (const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX))
    to.seed = static_cast<uint64_t>(*seed);
  else
    to.seed = std::random_device()();
}

static std::vector<sherry_logit_bias> readBiases(const Fields &fields,
                                                 const Service &service) {
  constexpr const char *name = "logit_bias";
  const Json *object = fields.find(name);
  if (!object)
    return {};
  if (!object->is_object() || object->size() > kMostBiases)
    throw ApiError("must be an object of " + std::to_string(kMostBiases) +
                       " tokens at most",
                   name);
  std::vector<sherry_logit_bias> result;
  for (const auto &[key, value] : object->items()) {
    int32_t token = -1;
    const char *end = key.data() + key.size();
    const auto [at, error] = std::from_chars(key.data(), end, token);
    const auto vocabSize =
        static_cast<int32_t>(sherry_model_vocab_size(service.model));
    if (error != std::errc() || at != end || token < 0 || token >= vocabSize)
      throw ApiError("its names must be tokens from 0 to " +
                         std::to_string(vocabSize - 1),
                     name);
    const double bias = value.is_number() ? value.get<double>() : 1e9;
    if (!(bias >= -100 && bias <= 100))
      throw ApiError("its values must be numbers from -100 to 100", name);
    result.push_back({token, static_cast<float>(bias)});
  }
  return result;
}

static std::vector<std::string> readStops(const Fields &fields,
                                          const Service &service) {
  std::vector<std::string> stops = fields.texts("stop", kMostStops);
  for (const std::string &stop : stops)
    if (stop.empty() || stop.size() > kMostStopBytes)
      throw ApiError("its texts must have 1 to " +
                         std::to_string(kMostStopBytes) + " bytes",
                     "stop");
  if (!stops.empty() && !sherry_model_has_tokenizer(service.model))
    throw ApiError("the model has no tokenizer, and so no text that could end "
                   "the answer",
                   "stop");
  return stops;
}

static void readLogprobs(const Fields &fields, bool isChat, Parameters &to) {
  if (!isChat) {
    if (const auto count = fields.integer("logprobs", 0, kMostTopLogprobs))
      to.logprobs = static_cast<uint32_t>(*count);
    return;
  }
  const auto count = fields.integer("top_logprobs", 0, kMostTopLogprobs);
  if (fields.boolean("logprobs").value_or(false))
    to.logprobs = static_cast<uint32_t>(count.value_or(0));
  else if (count.value_or(0) > 0)
    throw ApiError("needs logprobs: true", "top_logprobs");
}

static void refuseUnsupported(const Fields &fields) {
  fields.refuse({"suffix",
                 "functions",
                 "function_call",
                 "audio",
                 "prediction",
                 "web_search_options",
                 "grammar",
                 "guided_json",
                 "guided_regex",
                 "guided_choice",
                 "guided_grammar",
                 "structured_outputs",
                 "json_schema",
                 "use_beam_search",
                 "length_penalty",
                 "min_tokens",
                 "prompt_logprobs",
                 "allowed_token_ids",
                 "bad_words",
                 "mirostat",
                 "dynatemp_range",
                 "dry_multiplier",
                 "xtc_probability",
                 "top_n_sigma",
                 "n_probs",
                 "id_slot",
                 "lora",
                 "documents",
                 "n_predict",
                 "truncate_prompt_tokens",
                 "include_stop_str_in_output",
                 "reasoning_effort"});
  const Json *modalities = fields.find("modalities");
  if (modalities && *modalities != Json::array({"text"}))
    throw ApiError("only text is supported", "modalities",
                   "unsupported_parameter");
}

Parameters sherry::serve::readParameters(const Fields &fields, Service &service,
                                         bool isChat) {
  refuseUnsupported(fields);
  fields.text("model"); // any name, because there is one model
  Parameters result;
  result.sampling = service.sampling;
  readSampling(fields, result.sampling);
  result.biases = readBiases(fields, service);
  result.stops = readStops(fields, service);
  if (const Json *tokens = fields.find("stop_token_ids")) {
    if (!tokens->is_array() || tokens->size() > kMostStops)
      throw ApiError("must be a list of " + std::to_string(kMostStops) +
                         " tokens at most",
                     "stop_token_ids");
    result.endTokens = toTokens(*tokens, "stop_token_ids", service);
  }
  if (!fields.boolean("cache_prompt").value_or(true))
    throw ApiError("must be true: the cache changes no answer", "cache_prompt",
                   "unsupported_parameter");
  readLogprobs(fields, isChat, result);
  result.maxTokens = isChat ? -1 : kDefaultTokens;
  for (const char *name : {"max_tokens", "max_completion_tokens"})
    if (const auto count = fields.integer(name, 0, INT32_MAX))
      result.maxTokens = *count;
  result.ignoresEos = fields.boolean("ignore_eos").value_or(false);
  result.grammar = service.grammars.find(fields.find("response_format"));
  if (result.grammar && result.ignoresEos)
    throw ApiError("cannot be combined with response_format", "ignore_eos");
  result.choices =
      static_cast<size_t>(fields.integer("n", 1, kMostChoices).value_or(1));
  result.bestOf = result.choices;
  result.isStream = fields.boolean("stream").value_or(false);
  result.returnsTokens = fields.boolean("return_token_ids").value_or(false);
  if (const Json *options = fields.find("stream_options")) {
    if (!result.isStream || !options->is_object())
      throw ApiError("must be an object, with stream: true", "stream_options");
    result.includesUsage =
        Fields(*options).boolean("include_usage").value_or(false);
  }
  if (isChat) {
    result.tools = readTools(fields, service.chatTemplate);
    if (!result.tools.list.empty() && result.grammar)
      throw ApiError("cannot be combined with tools", "response_format",
                     "unsupported_parameter");
    if (!result.tools.list.empty() && result.ignoresEos)
      throw ApiError("cannot be combined with tools", "ignore_eos");
    return result;
  }
  fields.refuse({"tools", "tool_choice"});
  result.echoes = fields.boolean("echo").value_or(false);
  if (const auto count = fields.integer("best_of", 1, kMostChoices)) {
    result.bestOf = static_cast<size_t>(*count);
    if (result.bestOf < result.choices)
      throw ApiError("must not be below n", "best_of");
    if (result.isStream && result.bestOf > result.choices)
      throw ApiError("cannot be above n in a stream", "best_of");
  }
  return result;
}

std::vector<int32_t> sherry::serve::toTokens(const Json &list, const char *name,
                                             const Service &service) {
  const int64_t vocabSize = sherry_model_vocab_size(service.model);
  std::vector<int32_t> result;
  for (const Json &token : list)
    result.push_back(
        static_cast<int32_t>(toInteger(token, name, 0, vocabSize - 1)));
  return result;
}
