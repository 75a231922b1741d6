//===- ChatForm.h - Turns chats into tokens ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_CHATFORM_H
#define SHERRY_ENGINE_CHATFORM_H

#include "sherry/sherry.h"
#include "sherry/text/ChatTemplate.h"

#include <optional>
#include <string>
#include <vector>

namespace sherry::engine {

struct ChatFormOptions {
  std::optional<std::string> jinja; ///< a template; else the model's own
  std::string origin;               ///< of `jinja`, in messages about it
  std::optional<bool> thinking;     ///< enable_thinking of the template
  std::optional<std::tm> date;      ///< strftime_now of the template; today
  std::string system;               ///< message of the system; empty: none
  bool bos = true; ///< chats begin with BOS if the model's texts do
};

/// A chat template, the model's or another one, with the special tokens of the
/// model.
class ChatForm {
public:
  /// The model must outlive the form. Throws std::runtime_error if there is no
  /// usable template, or if the template ignores an option that is set.
  ChatForm(const sherry_model *model, const ChatFormOptions &options);

  /// The variables of the template besides the messages, with the date of
  /// today.
  ChatSetting setting() const;

  /// The text of a chat; see ChatTemplate::write. Throws jinja::Refusal if the
  /// template refuses the chat, std::runtime_error if it cannot be rendered.
  ChatParts write(const jinja::Value &messages, const ChatSetting &setting,
                  ChatEnd end) const;

  /// The tokens of a chat's text. BOS occurs once: written by the template, or
  /// else added by the tokenizer. Throws std::runtime_error if there are no
  /// tokens.
  std::vector<int32_t> tokenize(const ChatParts &parts) const;
  /// The tokens of a chat up to the point where the model answers. Throws
  /// std::runtime_error.
  std::vector<int32_t> tokenize(const std::vector<ChatMessage> &messages) const;

  /// Tokens that end an answer, besides those that end all texts of the model.
  const std::vector<int32_t> &endTokens() const { return ends; }
  /// A text that ends an answer, if the template writes no end token there;
  /// else empty.
  const std::string &endText() const { return endWord; }

private:
  void probe(const ChatFormOptions &options) const;
  void findEnds();
  /// The token that has this name; nothing if no single token has it.
  std::optional<int32_t>
  findToken(const std::optional<std::string> &name) const;
  struct PlacedToken {
    int32_t token;
    size_t place; ///< offset of its name in the text
  };
  /// The first special token of a text.
  std::optional<PlacedToken> findSpecialToken(const std::string &text) const;

  const sherry_model *model;
  std::string origin; ///< of the template, for messages
  ChatTemplate form;
  ChatSetting defaults; ///< without the date
  std::optional<std::tm> date;
  bool wantsBos;
  std::vector<int32_t> bosOfTokenizer; ///< empty: adds none
  std::vector<int32_t> bosTokens;      ///< all that count as BOS
  std::vector<int32_t> ends;
  std::string endWord;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_CHATFORM_H
