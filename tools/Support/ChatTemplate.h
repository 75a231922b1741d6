//===- ChatTemplate.h - How chats are written as text -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models are trained on chats in one of a few forms. Their files describe it by
// a Jinja template; the forms that are known are recognised in it.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SUPPORT_CHATTEMPLATE_H
#define SHERRY_TOOLS_SUPPORT_CHATTEMPLATE_H

#include "Runtime.h"

#include <string>
#include <string_view>
#include <vector>

namespace sherry {

/// Who says something in a chat.
enum class Role { System, User, Assistant };
/// "system", "user" or "assistant".
const char *nameOf(Role role);

struct ChatMessage {
  Role role;
  std::string content;
};

/// A part of a chat's text: the name of a special token, or text in which names
/// of special tokens mean nothing.
struct ChatPart {
  std::string text;
  bool isSpecial;
};
using ChatParts = std::vector<ChatPart>;

/// A way to write chats. What it writes for a message does not depend on the
/// messages after it, so that a model can keep what it has read.
class ChatTemplate {
public:
  /// Null if there is none of this name.
  static const ChatTemplate *byName(std::string_view name);
  /// The one that a model's own template, in Jinja, amounts to; null if it is
  /// none of these.
  static const ChatTemplate *recognize(std::string_view jinja);
  /// Names of all, separated by ", ".
  static std::string listNames();

  virtual ~ChatTemplate() = default;
  virtual const char *name() const = 0;

  /// Writes a message of the system or the user. `before` are the messages
  /// before it; after BOS if there are none.
  virtual ChatParts write(const ChatMessage &message,
                          const std::vector<ChatMessage> &before) const = 0;
  /// What follows a message of the user and begins an answer.
  virtual ChatParts beginAnswer() const = 0;
  /// What ends an answer: the first part is what a model says itself.
  virtual ChatParts endAnswer() const = 0;

private:
  virtual bool matches(std::string_view jinja) const = 0;
};

/// The tokens of parts of a chat. Neighbours that are text are one text.
std::vector<int32_t> tokenizeChat(const sherry_model *model,
                                  const ChatParts &parts);

/// The tokens of a text; `flags` as sherry_tokenize takes them.
std::vector<int32_t> tokenize(const sherry_model *model, std::string_view text,
                              unsigned flags);

} // namespace sherry

#endif // SHERRY_TOOLS_SUPPORT_CHATTEMPLATE_H
