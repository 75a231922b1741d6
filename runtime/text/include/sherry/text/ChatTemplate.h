//===- ChatTemplate.h - How chats are written as text -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models are trained on chats that a Jinja template of their files writes; the
// same template writes them here.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_CHATTEMPLATE_H
#define SHERRY_TEXT_CHATTEMPLATE_H

#include "sherry/text/jinja/Template.h"

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

/// A part of a chat's text: what the template writes, where names of special
/// tokens are these tokens, or what a message says, where they are text.
struct ChatPart {
  std::string text;
  bool isSpecial;
};
using ChatParts = std::vector<ChatPart>;

/// What a template knows besides the messages.
struct ChatSetting {
  /// Names of the tokens; nothing: the template does not find them defined.
  std::optional<std::string> bosToken, eosToken;
  std::optional<bool> thinking; ///< its enable_thinking
  jinja::Value tools;           ///< a list in OpenAI's form, or not defined
  std::tm now = {};             ///< what strftime_now writes
};

/// The `messages` of a template.
jinja::Value toValue(const std::vector<ChatMessage> &messages);

/// Where the text of a chat ends.
enum class ChatEnd {
  AfterMessages,
  BeforeAnswer, ///< where the model is to answer
  InAnswer      ///< where the last message's content does
};

class ChatTemplate {
public:
  /// Throws jinja::LocatedError if the text is no template that is supported.
  explicit ChatTemplate(std::string_view jinja) : form(jinja) {}

  /// Writes the chat of a list of messages, objects as in OpenAI's form whose
  /// texts come from jinja::Origin::Message. Throws jinja::Refusal if the
  /// template does not take such a chat, else jinja::LocatedError if it cannot
  /// be rendered. Neighbours among the parts differ in isSpecial.
  ChatParts write(const jinja::Value &messages, const ChatSetting &setting,
                  ChatEnd end) const;
  /// What the template itself writes between an answer and the next message,
  /// without white space before it; empty if it does not say.
  std::string findAnswerEnd(const ChatSetting &setting) const;

private:
  jinja::Text render(const jinja::Value &messages, const ChatSetting &setting,
                     bool beginsAnswer) const;

  jinja::Template form;
};

} // namespace sherry

#endif // SHERRY_TEXT_CHATTEMPLATE_H
