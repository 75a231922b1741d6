//===- Chat.h - Talks with a model ------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_CHAT_H
#define SHERRY_ENGINE_CHAT_H

#include "sherry/engine/ChatForm.h"
#include "sherry/engine/Engine.h"

namespace sherry::engine {

using Messages = std::vector<ChatMessage>;

/// Questions and answers, the last answer perhaps under way. Chats share an
/// engine; engine and form outlive them, and a chat its questions.
class Chat {
public:
  Chat(Engine &engine, const ChatForm &form) : engine(engine), form(form) {}
  Chat(const Chat &) = delete;
  Chat &operator=(const Chat &) = delete;

  /// Forgets all and begins with these messages: perhaps the system's, then
  /// questions and their answers.
  void begin(Messages before);

  /// Asks a question once the last one is answered. `request` says how to
  /// answer, by all but its prompt; its end tokens and stops are added to those
  /// of chats. Where it lets the context shift, the oldest turns are forgotten,
  /// about half of those that may be; those that begin within its first `keep`
  /// tokens stay. Of a request that fails, or ends before its prompt is read,
  /// the chat is as if it had not been asked. Throws PromptTooLong, and
  /// std::runtime_error as ChatForm and Engine do.
  Engine::Id ask(std::string question, Request request);

  const Messages &messages() const { return all; }
  /// The chat without what was said but for the system's message.
  Messages beginning() const;

private:
  std::vector<int32_t> write(size_t first) const;
  size_t countTokensBefore(size_t question) const;
  size_t countKept(size_t keep) const;
  std::vector<int32_t> shorten(size_t keep);
  std::vector<int32_t> makePrompt(bool shifts, size_t keep);

  Engine &engine;
  const ChatForm &form;
  Messages all;
  std::string said; ///< of the answer that is under way
  // What the model sees: messages in front that are kept, and those from a
  // question on.
  size_t numKept = 0, firstShown = 0;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_CHAT_H
