//===- Logprobs.cpp - Log probabilities as OpenAI's API has them ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Logprobs.h"
#include "sherry/engine/Tokens.h"
#include "sherry/text/Utf8.h"

#include <algorithm>

using namespace sherry;
using namespace sherry::serve;

size_t sherry::serve::countCharacters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
      }));
}

static bool isUtf8(std::string_view text) {
  for (size_t length; !text.empty(); text.remove_prefix(length))
    if (runtime::classifyUtf8(text, length) != runtime::Utf8::Character)
      return false;
  return true;
}

static std::string nameOf(const sherry_model *model, int32_t token) {
  const std::string_view bytes = engine::bytesOf(model, token);
  if (isUtf8(bytes))
    return std::string(bytes);
  std::string name = "bytes:";
  for (char byte : bytes) {
    char text[8];
    std::snprintf(text, sizeof(text), "\\x%02x",
                  static_cast<unsigned char>(byte));
    name += text;
  }
  return name;
}

Json sherry::serve::toCompletionLogprobs(
    const sherry_model *model, const std::vector<LoggedToken> &tokens) {
  Json names = Json::array(), logprobs = Json::array(), tops = Json::array(),
       offsets = Json::array();
  for (const LoggedToken &logged : tokens) {
    const std::string name = nameOf(model, logged.token);
    names.push_back(name);
    offsets.push_back(logged.offset);
    if (!logged.logprob) {
      logprobs.push_back(nullptr);
      tops.push_back(nullptr);
      continue;
    }
    logprobs.push_back(logged.logprob->logprob);
    // Of several tokens with the same text, the first, likeliest one counts.
    Json top = Json::object();
    for (const engine::TokenLogprob &other : logged.logprob->top)
      top.emplace(nameOf(model, other.token), other.logprob);
    top.emplace(name, logged.logprob->logprob);
    tops.push_back(std::move(top));
  }
  return {{"tokens", std::move(names)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

static Json describe(const sherry_model *model, int32_t token, double logprob) {
  const std::string_view bytes = engine::bytesOf(model, token);
  Json list = Json::array();
  for (char byte : bytes)
    list.push_back(static_cast<unsigned char>(byte));
  return {{"token", nameOf(model, token)},
          {"logprob", logprob},
          {"bytes", std::move(list)}};
}

Json sherry::serve::toChatLogprobs(const sherry_model *model,
                                   const std::vector<LoggedToken> &tokens) {
  Json content = Json::array();
  for (const LoggedToken &logged : tokens) {
    if (!logged.logprob)
      continue;
    Json entry = describe(model, logged.token, logged.logprob->logprob);
    Json top = Json::array();
    for (const engine::TokenLogprob &other : logged.logprob->top)
      top.push_back(describe(model, other.token, other.logprob));
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}
