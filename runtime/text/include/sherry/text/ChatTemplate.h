//===- ChatTemplate.h - Writes chats as text --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models are trained on chats that a Jinja template writes; the template comes
// with the model and writes chats here, too.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_CHATTEMPLATE_H
#define SHERRY_TEXT_CHATTEMPLATE_H

#include "sherry/text/jinja/Template.h"

#include <string>
#include <string_view>
#include <vector>

namespace sherry {

/// The author of a message.
enum class Role { System, User, Assistant };
/// "system", "user" or "assistant".
const char *nameOf(Role role);

struct ChatMessage {
  Role role;
  std::string content;
};

/// A part of a chat's text: either written by the template, where names of
/// special tokens become these tokens, or copied from a message, where they
/// stay text.
struct ChatPart {
  std::string text;
  bool isSpecial;
};
using ChatParts = std::vector<ChatPart>;

/// The variables of a template besides the messages.
struct ChatSetting {
  /// Names of the tokens; nothing: undefined in the template.
  std::optional<std::string> bosToken, eosToken;
  std::optional<bool> thinking; ///< its enable_thinking
  jinja::Value tools;           ///< a list in OpenAI's form, or undefined
  std::tm now = {};             ///< the time that strftime_now writes
};

/// The value of the variable `messages` of a template.
jinja::Value toValue(const std::vector<ChatMessage> &messages);

/// Where the text of a chat ends.
enum class ChatEnd {
  AfterMessages,
  BeforeAnswer, ///< at the point where the model is to answer
  InAnswer      ///< at the end of the last message's content
};

class ChatTemplate {
public:
  /// Throws jinja::LocatedError if `jinja` is not a supported template.
  explicit ChatTemplate(std::string_view jinja) : form(jinja) {}

  /// Writes a chat. `messages` is a list of objects in OpenAI's form, whose
  /// texts have the origin jinja::Origin::Message. Adjacent parts differ in
  /// isSpecial. Throws jinja::Refusal if the template refuses the chat,
  /// jinja::LocatedError if it cannot be rendered.
  ChatParts write(const jinja::Value &messages, const ChatSetting &setting,
                  ChatEnd end) const;
  /// The text that the template itself writes between an answer and the next
  /// message, without white space before it; empty if it writes none.
  std::string findAnswerEnd(const ChatSetting &setting) const;

private:
  jinja::Text render(const jinja::Value &messages, const ChatSetting &setting,
                     bool beginsAnswer) const;

  jinja::Template form;
};

} // namespace sherry

#endif // SHERRY_TEXT_CHATTEMPLATE_H
