//===- Chat.h - Conversations with a model ----------------------*- C++ -*-===//
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

/// A conversation: questions and answers, of which the last answer may be under
/// way. Chats may share an engine. The engine and the form must outlive the
/// chat, and the chat must outlive its requests.
class Chat {
public:
  Chat(Engine &engine, const ChatForm &form) : engine(engine), form(form) {}
  Chat(const Chat &) = delete;
  Chat &operator=(const Chat &) = delete;

  /// Forgets all messages and begins with `before`: an optional message of the
  /// system, then questions with their answers.
  void begin(Messages before);

  /// Asks a question; the last one must have been answered. `request` says how
  /// to answer; its prompt is ignored, and the end tokens and stops of chats
  /// are added to its own. If the request lets the context shift, the chat
  /// forgets its oldest turns, about half of those that it may forget; turns
  /// that begin within the first `keep` tokens stay. If the request fails, or
  /// ends before its prompt has been read, the question is removed from the
  /// chat. Throws PromptTooLong, and std::runtime_error as ChatForm and Engine
  /// do.
  Engine::Id ask(std::string question, Request request);

  const Messages &messages() const { return all; }
  /// The messages of an empty chat: the message of the system, if there is one.
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
  std::string said; ///< text of the answer that is under way
  // The model sees the first `numKept` messages and those from `firstShown`, a
  // question, on.
  size_t numKept = 0, firstShown = 0;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_CHAT_H
