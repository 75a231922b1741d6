//===- ChatForm.h - How a model's chats become tokens -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_CHATFORM_H
#define SHERRY_TOOLS_RUN_CHATFORM_H

#include "Session.h"

namespace sherry::run {

using Messages = std::vector<ChatMessage>;

/// The template of a model, or the one that the user asks for, with the special
/// tokens of the model.
class ChatForm {
public:
  /// Throws std::runtime_error if there is no template that can be used, as
  /// does tokenize().
  ChatForm(const sherry_model *model, const Options &options);

  /// The tokens of a chat; `beginsAnswer`: up to where the model answers. BOS
  /// is there once: as the template says or else as the tokenizer does.
  std::vector<int32_t> tokenize(const Messages &messages,
                                bool beginsAnswer) const;

  /// Tokens that end an answer, besides those that end all texts of the model.
  const std::vector<int32_t> &endTokens() const { return ends; }
  /// A text that ends an answer where no token comes before its end; else
  /// empty.
  const std::string &endText() const { return endWord; }

private:
  ChatParts write(const Messages &messages, const ChatSetting &setting,
                  bool beginsAnswer) const;
  void probe(const Options &options) const;
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
  ChatSetting setting;
  bool wantsBos;
  std::vector<int32_t> bosOfTokenizer; ///< empty: it adds none
  std::vector<int32_t> bosTokens;      ///< all that count as BOS
  std::vector<int32_t> ends;
  std::string endWord;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_CHATFORM_H
