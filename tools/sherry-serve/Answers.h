//===- Answers.h - Answers on their way to a client -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_ANSWERS_H
#define SHERRY_TOOLS_SERVE_ANSWERS_H

#include "Logprobs.h"
#include "Parameters.h"

namespace sherry::serve {

/// The prompts of a request.
struct Prompts {
  std::vector<std::vector<int32_t>> tokens;
  bool isChat = false;
  // Of a chat: the ends of its answers besides those that the client names.
  std::vector<int32_t> endTokens;
  std::string endText;
};

/// The choices of a reply: submits them to the scheduler, and sends the results
/// as a stream or, once all have ended, as a whole.
class Answers : public std::enable_shared_from_this<Answers> {
public:
  /// The service must outlive the answers.
  Answers(Service &service, ExchangePtr exchange, Parameters parameters,
          Prompts prompts);

  /// Submits the requests. Throws ApiError; if it returns, the exchange will
  /// get a reply.
  void submit();

private:
  struct Call {
    std::string id, name, arguments;
  };
  struct Choice {
    size_t index;
    size_t prompt;
    std::string text;
    std::optional<ToolParser> parser; ///< of a chat with tools
    std::vector<Call> calls;
    std::vector<LoggedToken> logged; ///< not sent yet
    std::vector<int32_t> tokens;
    size_t offset = 0;            ///< characters so far
    double sum = 0;               ///< of the answer's logprobs
    size_t count = 0, cached = 0; ///< tokens of the answer, cached ones
    engine::DraftCounts drafts;
    const char *finishReason = nullptr;
    Clock::time_point start, firstToken, lastToken, end;
  };

  void checkLogprobs() const;
  engine::Request makeRequest(Choice &choice);
  void onPrompt(Choice &choice, int32_t token, std::string_view text);
  void onToken(Choice &choice, const engine::TokenEvent &event);
  void onEnd(Choice &choice, const engine::EndEvent &event);
  void onError(const std::exception &error);

  Json makeHeader(bool isChunk) const;
  static Json makeMessage(const Choice &choice);
  Json makeChoice(const Choice &choice) const;
  Json makeChunk(Choice &choice, Json said);
  Json makeUsage() const;
  Json makeTimings() const;
  void say(Choice &choice, const std::string &text);
  void takeCalls(Choice &choice, const std::vector<ToolEvent> &events);
  void sendChunk(Choice &choice, Json said);
  void beginStream();
  void finish();
  void reply();
  void rankChoices();

  Service &service;
  const ExchangePtr exchange;
  const Parameters parameters;
  const Prompts prompts;
  const std::string id;
  const int64_t created;
  std::vector<Choice> choices;
  size_t left = 0; ///< choices that have not ended
  bool hasReplied = false;
  std::atomic<bool> isFailed = false; ///< no further output is needed
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_ANSWERS_H
