//===- Answer.cpp - What a model says, as it is printed -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Answer.h"
#include "Logits.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

using namespace sherry;
using namespace sherry::run;
using Json = nlohmann::ordered_json;

Answer::Answer(const sherry_model *model, const Options &options)
    : model(model), options(options) {
  const bool hasTokenizer = sherry_model_has_tokenizer(model);
  printsText = hasTokenizer && !options.printTokens;
  if (hasTokenizer)
    stream.reset(check(sherry_text_stream_create(model)));
}

static std::string dump(const Json &event) {
  // Bytes that are no character have been replaced by the stream.
  return event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void Answer::printId(int32_t token) {
  print((isFirst ? "" : ",") + std::to_string(token));
  isFirst = false;
}

void Answer::addPrompt(int32_t token) {
  if (options.json)
    return;
  if (!printsText)
    return printId(token);
  size_t size;
  const char *text = check(sherry_text_stream_push(stream.get(), token, &size));
  print({text, size});
}

/// The text that a token completes and that cannot be the beginning of a text
/// that ends the answer.
std::string Answer::takeText(int32_t token, bool &isStopped) {
  size_t size;
  const char *text = check(sherry_text_stream_push(stream.get(), token, &size));
  held.append(text, size);
  size_t stop = std::string::npos, safe = held.size();
  for (const std::string &candidate : options.stops) {
    stop = std::min(stop, held.find(candidate));
    for (size_t tail = std::min(candidate.size(), held.size()); tail > 0;
         --tail)
      if (held.compare(held.size() - tail, tail, candidate, 0, tail) == 0) {
        safe = std::min(safe, held.size() - tail);
        break;
      }
  }
  isStopped = stop != std::string::npos;
  std::string result = held.substr(0, isStopped ? stop : safe);
  held.erase(0, isStopped ? held.size() : safe);
  return result;
}

bool Answer::add(int32_t token, const float *logits) {
  bool isStopped = false;
  std::string text;
  if (stream)
    text = takeText(token, isStopped);
  said += text;
  if (options.json)
    printToken(token, logits, text);
  else if (printsText)
    print(text);
  else
    printId(token);
  return !isStopped;
}

/// The likeliest tokens first.
static std::vector<int32_t> rankTokens(const float *logits, uint32_t vocabSize,
                                       uint32_t count) {
  std::vector<int32_t> tokens(vocabSize);
  std::iota(tokens.begin(), tokens.end(), 0);
  count = std::min(count, vocabSize);
  std::partial_sort(tokens.begin(), tokens.begin() + count, tokens.end(),
                    [&](int32_t a, int32_t b) {
                      return logits[a] != logits[b] ? logits[a] > logits[b]
                                                    : a < b;
                    });
  tokens.resize(count);
  return tokens;
}

void Answer::printToken(int32_t token, const float *logits,
                        std::string_view text) {
  Json event = {{"event", "token"}, {"token", token}};
  if (printsText)
    event["text"] = text;
  if (options.logprobs) {
    const uint32_t vocabSize = sherry_model_vocab_size(model);
    const LogSoftmax logSoftmax(logits, vocabSize);
    event["logprob"] = logSoftmax(token);
    Json top = Json::array();
    for (int32_t other : rankTokens(logits, vocabSize, *options.logprobs)) {
      Json entry = {{"token", other}, {"logprob", logSoftmax(other)}};
      if (printsText) {
        size_t size;
        const char *bytes = check(sherry_token_bytes(model, other, &size));
        entry["text"] = std::string(bytes, size);
      }
      top.push_back(std::move(entry));
    }
    event["top"] = std::move(top);
  }
  print(dump(event));
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
  case EndReason::Interrupted:
    return "interrupted";
  }
  return "";
}

void Answer::end(EndReason reason) {
  std::string rest = std::move(held);
  held.clear();
  if (stream) {
    size_t size;
    const char *text = sherry_text_stream_finish(stream.get(), &size);
    // What follows a text that ended the answer is no part of it.
    if (reason != EndReason::Stop)
      rest.append(text, size);
  }
  said += rest;
  if (!options.json)
    return print(printsText ? rest + "\n" : "\n");
  Json event = {{"event", "end"}, {"reason", describe(reason)}};
  if (printsText) {
    event["rest"] = rest;
    event["text"] = said;
  }
  print(dump(event));
}
