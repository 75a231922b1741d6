//===- AnswerText.cpp - Tokens to text, up to where it ends ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AnswerText.h"

#include <algorithm>

using namespace sherry;
using namespace sherry::engine;

AnswerText::AnswerText(const sherry_model *model,
                       std::vector<std::string> endTexts)
    : stops(std::move(endTexts)) {
  if (sherry_model_has_tokenizer(model))
    stream.reset(check(sherry_text_stream_create(model)));
}

std::string AnswerText::complete(int32_t token) {
  if (!stream)
    return {};
  size_t size;
  const char *text = check(sherry_text_stream_push(stream.get(), token, &size));
  return {text, size};
}

std::string AnswerText::push(int32_t token, bool &isStopped) {
  held += complete(token);
  size_t stop = std::string::npos, safe = held.size();
  for (const std::string &candidate : stops) {
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

std::string AnswerText::finish(bool isStopped) {
  std::string rest = std::move(held);
  held.clear();
  if (!stream)
    return rest;
  size_t size;
  const char *text = sherry_text_stream_finish(stream.get(), &size);
  if (!isStopped)
    rest.append(text, size);
  return rest;
}
