//===- OpenAiRoutes.cpp - Completions, chats and embeddings ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answers.h"
#include "ChatRequest.h"
#include "Routes.h"
#include "sherry/engine/Tokens.h"

using namespace sherry;
using namespace sherry::serve;

/// The most prompts, or inputs, of a request.
static constexpr size_t kMostPrompts = 256;

static std::vector<int32_t> toTokens(const std::string &text,
                                     const Fields &fields,
                                     const Service &service) {
  if (!sherry_model_has_tokenizer(service.model))
    throw ApiError("the model has no tokenizer; give token ids");
  if (text.size() > kMostText)
    throw ApiError("has a text of more than " + std::to_string(kMostText) +
                   " bytes");
  const bool isWhole = fields.boolean("add_special_tokens").value_or(true);
  return engine::tokenizeScored(service.model, text,
                                SHERRY_TOKENIZE_SPECIAL |
                                    (isWhole ? SHERRY_TOKENIZE_BOS : 0));
}

/// Reads a text, a list of texts, a list of tokens, or a list of lists of
/// tokens.
static std::vector<std::vector<int32_t>>
readPrompts(const Fields &fields, const char *name, const Service &service) {
  const Json *given = fields.find(name);
  if (!given)
    throw ApiError("is missing", name);
  if (given->is_string())
    return {toTokens(given->get<std::string>(), fields, service)};
  const std::string kinds = "must be a text, a list of texts, a list of "
                            "tokens, or a list of lists of tokens";
  if (!given->is_array() || given->empty())
    throw ApiError(kinds, name);
  if (given->front().is_number())
    return {serve::toTokens(*given, name, service)};
  if (given->size() > kMostPrompts)
    throw ApiError("has more than " + std::to_string(kMostPrompts) +
                       " prompts; send several requests",
                   name);
  std::vector<std::vector<int32_t>> result;
  for (const Json &entry : *given)
    if (entry.is_string())
      result.push_back(toTokens(entry.get<std::string>(), fields, service));
    else if (entry.is_array())
      result.push_back(serve::toTokens(entry, name, service));
    else
      throw ApiError(kinds, name);
  return result;
}

void sherry::serve::complete(Service &service, const ExchangePtr &exchange) {
  const Json body = parseRequest(exchange->request.body);
  const Fields fields(body);
  Parameters parameters = readParameters(fields, service, /*isChat=*/false);
  Prompts prompts;
  prompts.tokens = readPrompts(fields, "prompt", service);
  service.noteIgnored(fields);
  std::make_shared<Answers>(service, exchange, std::move(parameters),
                            std::move(prompts))
      ->submit();
}

void sherry::serve::completeChat(Service &service,
                                 const ExchangePtr &exchange) {
  const Json body = parseRequest(exchange->request.body);
  const Fields fields(body);
  fields.refuse({"prompt", "echo", "best_of"});
  Parameters parameters = readParameters(fields, service, /*isChat=*/true);
  const engine::ChatForm &form = formOf(service);
  Prompts prompts;
  prompts.isChat = true;
  prompts.tokens = {
      form.tokenize(writeChat(fields, service, parameters.tools.list))};
  service.noteIgnored(fields);
  prompts.endTokens = form.endTokens();
  prompts.endText = form.endText();
  std::make_shared<Answers>(service, exchange, std::move(parameters),
                            std::move(prompts))
      ->submit();
}

//===----------------------------------------------------------------------===//
// Embeddings
//===----------------------------------------------------------------------===//

namespace {

/// The embeddings of a reply, collected until all are computed.
struct Embeddings : std::enable_shared_from_this<Embeddings> {
  Embeddings(Service &service, ExchangePtr exchange)
      : service(service), exchange(std::move(exchange)) {}

  engine::Request makeRequest(size_t index, std::vector<int32_t> prompt,
                              engine::Pooling pooling);
  void end();
  void reply();

  Service &service;
  const ExchangePtr exchange;
  bool isBase64 = false;
  std::vector<std::vector<float>> vectors;
  size_t left = 0;
  bool hasReplied = false;
  std::atomic<bool> isFailed = false;
};

} // namespace

engine::Request Embeddings::makeRequest(size_t index,
                                        std::vector<int32_t> prompt,
                                        engine::Pooling pooling) {
  auto self = shared_from_this();
  engine::Request request;
  request.prompt = std::move(prompt);
  request.maxTokens = 0;
  request.pooling = pooling;
  request.owner = exchange->owner;
  request.onStart = [self, size = request.prompt.size()](size_t cached) {
    self->service.metrics.countTokens(size, cached);
  };
  request.onEmbedding = [self, index](const std::vector<float> &vector) {
    self->vectors[index] = vector;
  };
  request.onEnd = [self](const engine::EndEvent &event) {
    if (event.reason == engine::EndReason::Cancelled)
      self->isFailed = true;
    self->end();
  };
  request.onError = [self](const std::exception &error) {
    self->isFailed = true;
    if (!std::exchange(self->hasReplied, true))
      self->exchange->fail(ApiError(error.what(), "", "", 500));
    self->end();
  };
  request.isCancelled = [self] {
    return self->isFailed || self->exchange->isGone();
  };
  return request;
}

void Embeddings::end() {
  if (--left > 0 || std::exchange(hasReplied, true))
    return;
  if (isFailed)
    return exchange->fail(ApiError("cancelled", "", "", 503));
  service.worker.post([self = shared_from_this()] { self->reply(); });
}

static std::string toBase64(const std::vector<float> &vector) {
  constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto *bytes = reinterpret_cast<const unsigned char *>(vector.data());
  const size_t size = vector.size() * sizeof(float);
  std::string text;
  for (size_t i = 0; i < size; i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < size ? bytes[i + j] : 0U);
    for (size_t j = 0; j < 4; ++j)
      text += i + j > size ? '=' : digits[group >> (18 - 6 * j) & 63];
  }
  return text;
}

void Embeddings::reply() {
  Json data = Json::array();
  for (size_t i = 0; i < vectors.size(); ++i)
    data.push_back({{"object", "embedding"},
                    {"index", i},
                    {"embedding", isBase64 ? Json(toBase64(vectors[i]))
                                           : Json(vectors[i])}});
  const size_t tokens = exchange->usage.promptTokens;
  exchange->respond(
      200, {{"object", "list"},
            {"data", std::move(data)},
            {"model", service.name},
            {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

void sherry::serve::embed(Service &service, const ExchangePtr &exchange) {
  const Json body = parseRequest(exchange->request.body);
  const Fields fields(body);
  fields.refuse({"dimensions"});
  fields.text("model");
  auto embeddings = std::make_shared<Embeddings>(service, exchange);
  const std::string format = fields.text("encoding_format").value_or("float");
  if (format != "float" && format != "base64")
    throw ApiError("must be float or base64", "encoding_format");
  embeddings->isBase64 = format == "base64";
  engine::Pooling pooling = service.options.pooling;
  if (const auto name = fields.text("pooling")) {
    if (*name != "mean" && *name != "last")
      throw ApiError("must be mean or last", "pooling");
    pooling = *name == "mean" ? engine::Pooling::Mean : engine::Pooling::Last;
  }
  auto prompts = readPrompts(fields, "input", service);
  service.noteIgnored(fields);
  std::vector<engine::Request> requests;
  for (auto &prompt : prompts) {
    if (prompt.empty() || prompt.size() > service.scheduler.capacity())
      throw ApiError("each must have 1 to " +
                         std::to_string(service.scheduler.capacity()) +
                         " tokens",
                     "input", "context_length_exceeded");
    exchange->usage.promptTokens += prompt.size();
    requests.push_back(
        embeddings->makeRequest(requests.size(), std::move(prompt), pooling));
  }
  embeddings->left = requests.size();
  embeddings->vectors.resize(requests.size());
  if (requests.size() > service.scheduler.maxRequests())
    throw ApiError("has more texts than requests may wait", "input");
  if (!service.scheduler.reserve(requests.size()))
    throw ApiError("too many requests wait already; try again later", "",
                   "queue_full", 429);
  service.scheduler.submit(exchange->client(), std::move(requests));
}
