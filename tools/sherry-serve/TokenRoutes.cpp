//===- TokenRoutes.cpp - Tokens and templates -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChatRequest.h"
#include "Parameters.h"
#include "Routes.h"
#include "Tools.h"
#include "sherry-abi/metadata.h"
#include "sherry/engine/Tokens.h"

using namespace sherry;
using namespace sherry::serve;

static void requireTokenizer(const Service &service) {
  if (!sherry_model_has_tokenizer(service.model))
    throw ApiError("the model has no tokenizer");
}

/// Takes "content" or "prompt", as different servers name it.
void sherry::serve::tokenize(Service &service, const ExchangePtr &exchange) {
  requireTokenizer(service);
  const Json body = parseRequest(exchange->request.body);
  const Fields fields(body);
  const auto text =
      fields.has("content") ? fields.text("content") : fields.text("prompt");
  if (!text)
    throw ApiError("is missing", "prompt");
  if (text->size() > kMostText)
    throw ApiError("must have " + std::to_string(kMostText) + " bytes at most");
  const bool isVllm = fields.has("prompt");
  const bool addsBos =
      fields.boolean(isVllm ? "add_special_tokens" : "add_special")
          .value_or(isVllm);
  const bool hasNames = fields.boolean("parse_special").value_or(true);
  const bool hasPieces = fields.boolean("with_pieces").value_or(false);
  service.noteIgnored(fields);
  const std::vector<int32_t> tokens =
      engine::tokenize(service.model, *text,
                       (addsBos ? SHERRY_TOKENIZE_BOS : 0) |
                           (hasNames ? SHERRY_TOKENIZE_SPECIAL : 0));
  Json list = tokens;
  if (hasPieces) {
    list = Json::array();
    for (int32_t token : tokens)
      list.push_back(
          {{"id", token},
           {"piece", std::string(engine::bytesOf(service.model, token))}});
  }
  exchange->respond(200, {{"tokens", std::move(list)},
                          {"count", tokens.size()},
                          {"max_model_len", service.scheduler.capacity()}});
}

void sherry::serve::detokenize(Service &service, const ExchangePtr &exchange) {
  requireTokenizer(service);
  const Json body = parseRequest(exchange->request.body);
  const Fields fields(body);
  const Json *list = fields.find("tokens");
  service.noteIgnored(fields);
  if (!list || !list->is_array())
    throw ApiError("must be a list of tokens", "tokens");
  std::string text;
  const TextStream stream(check(sherry_text_stream_create(service.model)));
  size_t size;
  for (int32_t token : toTokens(*list, "tokens", service)) {
    const char *piece =
        check(sherry_text_stream_push(stream.get(), token, &size));
    text.append(piece, size);
  }
  const char *rest = check(sherry_text_stream_finish(stream.get(), &size));
  text.append(rest, size);
  exchange->respond(200, {{"content", text}, {"prompt", text}});
}

void sherry::serve::tellTokenizer(Service &service,
                                  const ExchangePtr &exchange) {
  requireTokenizer(service);
  const Json &description = service.description;
  const Json names =
      description.value(metadata::kSpecialTokens, Json::object());
  Json result = Json::object();
  auto tell = [&](const char *name, int32_t token) {
    if (names.contains(name))
      result[name] = names[name];
    else if (token >= 0)
      result[name] = std::string(engine::bytesOf(service.model, token));
  };
  const Json ends = description.value(metadata::kEosTokenIds, Json::array());
  tell("bos_token", sherry_model_bos_token(service.model));
  tell("eos_token", ends.empty() ? -1 : ends.front().get<int32_t>());
  tell("pad_token", -1);
  result["chat_template"] = description.value(metadata::kChatTemplate, "");
  result["vocab_size"] = sherry_model_vocab_size(service.model);
  exchange->respond(200, result);
}

void sherry::serve::applyTemplate(Service &service,
                                  const ExchangePtr &exchange) {
  const Json body = parseRequest(exchange->request.body);
  const Fields fields(body);
  const ChatParts parts =
      writeChat(fields, service, readTools(fields, service.chatTemplate).list);
  service.noteIgnored(fields);
  std::string text;
  for (const ChatPart &part : parts)
    text += part.text;
  exchange->respond(
      200, {{"prompt", text}, {"tokens", formOf(service).tokenize(parts)}});
}
