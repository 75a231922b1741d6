//===- Answer.cpp - Prints the answer of a model --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "sherry/engine/Tokens.h"

#include <nlohmann/json.hpp>

using namespace sherry;
using namespace sherry::run;
using engine::EndReason;
using Json = nlohmann::ordered_json;

Answer::Answer(const sherry_model *model, const Options &options)
    : model(model), options(options),
      printsText(sherry_model_has_tokenizer(model) && !options.printTokens) {}

void Answer::attachTo(engine::Request &request) {
  request.maxTokens = options.length;
  request.stops = options.stops;
  request.ignoreEos = options.ignoreEos;
  if (options.json)
    request.logprobs = options.logprobs;
  request.contextShift = options.contextShift;
  request.keep = options.keep;
  request.continuesText = options.echo;
  if (options.echo)
    request.onPrompt = [this](int32_t token, std::string_view text) {
      printPrompt(token, text);
    };
  request.onToken = [this](const engine::TokenEvent &event) {
    printToken(event);
  };
  request.onEnd = [this](const engine::EndEvent &event) { printEnd(event); };
  request.isCancelled = interrupted;
}

static std::string dump(const Json &event) {
  // Malformed UTF-8 becomes U+FFFD.
  return event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void Answer::printId(int32_t token) {
  print((isFirst ? "" : ",") + std::to_string(token));
  isFirst = false;
}

void Answer::printPrompt(int32_t token, std::string_view text) {
  if (options.json)
    return;
  if (printsText)
    print(text);
  else
    printId(token);
}

void Answer::printToken(const engine::TokenEvent &event) {
  said += event.text;
  if (!options.json)
    return printsText ? print(event.text) : printId(event.token);
  Json line = {{"event", "token"}, {"token", event.token}};
  if (printsText)
    line["text"] = event.text;
  if (event.logprob) {
    line["logprob"] = event.logprob->logprob;
    Json top = Json::array();
    for (const engine::TokenLogprob &other : event.logprob->top) {
      Json entry = {{"token", other.token}, {"logprob", other.logprob}};
      if (printsText)
        entry["text"] = std::string(engine::bytesOf(model, other.token));
      top.push_back(std::move(entry));
    }
    line["top"] = std::move(top);
  }
  print(dump(line));
}

static const char *describe(EndReason reason) {
  switch (reason) {
  case EndReason::Eos:
    return "eos";
  case EndReason::Stop:
    return "stop";
  case EndReason::Length:
    return "length";
  case EndReason::ContextFull:
    return "context full";
  case EndReason::Cancelled:
    return "interrupted";
  }
  return "";
}

void Answer::printEnd(const engine::EndEvent &event) {
  ending = event;
  said += event.rest;
  if (!options.json)
    return print(printsText ? event.rest + "\n" : "\n");
  Json line = {{"event", "end"}, {"reason", describe(event.reason)}};
  if (printsText) {
    line["rest"] = event.rest;
    line["text"] = said;
  }
  print(dump(line));
}
