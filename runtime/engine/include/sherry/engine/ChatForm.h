//===- ChatForm.h - How a model's chats become tokens -----------*- C++ -*-===//
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
  std::optional<bool> thinking;     ///< that the template has to know of
  std::optional<std::tm> date; ///< that it has to write; today's if not set
  std::string system;          ///< that it has to take, unless empty
  bool bos = true;             ///< chats begin with BOS if the model's texts do
};

/// The template of a model, or another one, with the special tokens of the
/// model.
class ChatForm {
public:
  /// The model outlives the form. Throws std::runtime_error if there is no
  /// template that can be used, or if it has no use for an option.
  ChatForm(const sherry_model *model, const ChatFormOptions &options);

  /// What the template knows today besides messages.
  ChatSetting setting() const;

  /// The text of a chat, as ChatTemplate::write takes it. Throws
  /// jinja::Refusal if the template does not take this chat,
  /// std::runtime_error if it cannot be rendered.
  ChatParts write(const jinja::Value &messages, const ChatSetting &setting,
                  ChatEnd end) const;

  /// The tokens of a chat's text. BOS is there once: as the template says or
  /// else as the tokenizer does. Throws std::runtime_error if there are none.
  std::vector<int32_t> tokenize(const ChatParts &parts) const;
  /// The tokens of a chat up to where the model answers. Throws
  /// std::runtime_error.
  std::vector<int32_t> tokenize(const std::vector<ChatMessage> &messages) const;

  /// Tokens that end an answer, besides those that end all texts of the model.
  const std::vector<int32_t> &endTokens() const { return ends; }
  /// A text that ends an answer where no token comes before its end; else
  /// empty.
  const std::string &endText() const { return endWord; }

private:
  void probe(const ChatFormOptions &options) const;
  void findEnds();
  /// The one token that a name stands for, if it does.
  std::optional<int32_t>
  findToken(const std::optional<std::string> &name) const;
  struct PlacedToken {
    int32_t token;
    size_t place; ///< of its name
  };
  /// The first special token of a text.
  std::optional<PlacedToken> findSpecialToken(const std::string &text) const;

  const sherry_model *model;
  std::string origin; ///< of the template, in messages about it
  ChatTemplate form;
  ChatSetting defaults; ///< without the date
  std::optional<std::tm> date;
  bool wantsBos;
  std::vector<int32_t> bosOfTokenizer; ///< empty: it adds none
  std::vector<int32_t> bosTokens;      ///< all that count as BOS
  std::vector<int32_t> ends;
  std::string endWord;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_CHATFORM_H
