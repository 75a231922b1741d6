//===- ChatTemplate.cpp - How chats are written as text -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChatTemplate.h"

using namespace sherry;

const char *sherry::nameOf(Role role) {
  switch (role) {
  case Role::System:
    return "system";
  case Role::User:
    return "user";
  case Role::Assistant:
    return "assistant";
  }
  return "";
}

static bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

static std::string_view trim(std::string_view text) {
  constexpr const char *spaces = " \t\r\n";
  const size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos)
    return "";
  return text.substr(begin, text.find_last_not_of(spaces) + 1 - begin);
}

static ChatPart special(std::string text) { return {std::move(text), true}; }
static ChatPart plain(std::string_view text) {
  return {std::string(text), false};
}

namespace {

/// LLaMA 3 (Meta's model card), without the date that some templates add.
class Llama3 : public ChatTemplate {
  const char *name() const override { return "llama-3"; }
  bool matches(std::string_view jinja) const override {
    return contains(jinja, "<|start_header_id|>") &&
           contains(jinja, "<|eot_id|>");
  }
  static ChatParts begin(Role role, std::string_view content) {
    return {special("<|start_header_id|>"), plain(nameOf(role)),
            special("<|end_header_id|>"), plain("\n\n" + std::string(content))};
  }
  ChatParts write(const ChatMessage &message,
                  const std::vector<ChatMessage> &) const override {
    ChatParts parts = begin(message.role, trim(message.content));
    parts.push_back(special("<|eot_id|>"));
    return parts;
  }
  ChatParts beginAnswer() const override { return begin(Role::Assistant, ""); }
  ChatParts endAnswer() const override { return {special("<|eot_id|>")}; }
};

/// ChatML: Qwen and many others. No system message is made up.
class ChatML : public ChatTemplate {
  const char *name() const override { return "chatml"; }
  bool matches(std::string_view jinja) const override {
    return contains(jinja, "<|im_start|>") && contains(jinja, "<|im_end|>");
  }
  static ChatParts begin(Role role, std::string_view content) {
    return {special("<|im_start|>"),
            plain(nameOf(role) + ("\n" + std::string(content)))};
  }
  ChatParts write(const ChatMessage &message,
                  const std::vector<ChatMessage> &) const override {
    ChatParts parts = begin(message.role, message.content);
    parts.push_back(special("<|im_end|>"));
    parts.push_back(plain("\n"));
    return parts;
  }
  ChatParts beginAnswer() const override { return begin(Role::Assistant, ""); }
  ChatParts endAnswer() const override {
    return {special("<|im_end|>"), plain("\n")};
  }
};

/// LLaMA 2 (Meta's llama/generation.py): a turn is a text of its own, and the
/// system's message a part of the first.
class Llama2 : public ChatTemplate {
  const char *name() const override { return "llama-2"; }
  bool matches(std::string_view jinja) const override {
    return contains(jinja, "[INST]") && contains(jinja, "<<SYS>>");
  }
  ChatParts write(const ChatMessage &message,
                  const std::vector<ChatMessage> &before) const override {
    const std::string content(trim(message.content));
    if (message.role == Role::System)
      return {plain("[INST] <<SYS>>\n" + content + "\n<</SYS>>\n\n")};
    ChatParts parts;
    // BOS begins the first turn anyway.
    if (!before.empty() && before.back().role == Role::Assistant)
      parts.push_back(special("<s>"));
    const bool isInside = !before.empty() && before.back().role == Role::System;
    parts.push_back(plain((isInside ? "" : "[INST] ") + content + " [/INST]"));
    return parts;
  }
  ChatParts beginAnswer() const override { return {}; }
  ChatParts endAnswer() const override { return {special("</s>")}; }
};

/// HunYuan, dense (Tencent's chat_template.jinja for Hunyuan-4B-Instruct and
/// Hy-MT): names have a full-width bar and a lower block for the space.
class HunYuan : public ChatTemplate {
  static ChatPart token(const std::string &name) {
    return special("<\uff5chy_" + name + "\uff5c>");
  }
  static ChatPart placeholder(const std::string &number) {
    return token("place\u2581holder\u2581no\u2581" + number);
  }
  const char *name() const override { return "hunyuan"; }
  bool matches(std::string_view jinja) const override {
    return contains(jinja, token("User").text) &&
           contains(jinja, token("Assistant").text);
  }
  ChatParts write(const ChatMessage &message,
                  const std::vector<ChatMessage> &) const override {
    if (message.role == Role::System)
      return {plain(message.content), placeholder("3")};
    return {token("User"), plain(message.content)};
  }
  ChatParts beginAnswer() const override { return {token("Assistant")}; }
  ChatParts endAnswer() const override { return {placeholder("2")}; }
};

} // namespace

static const std::vector<const ChatTemplate *> &listTemplates() {
  static const Llama3 llama3;
  static const ChatML chatML;
  static const Llama2 llama2;
  static const HunYuan hunYuan;
  static const std::vector<const ChatTemplate *> all = {&llama3, &chatML,
                                                        &llama2, &hunYuan};
  return all;
}

const ChatTemplate *ChatTemplate::byName(std::string_view name) {
  for (const ChatTemplate *candidate : listTemplates())
    if (candidate->name() == name)
      return candidate;
  return nullptr;
}

const ChatTemplate *ChatTemplate::recognize(std::string_view jinja) {
  for (const ChatTemplate *candidate : listTemplates())
    if (candidate->matches(jinja))
      return candidate;
  return nullptr;
}

std::string ChatTemplate::listNames() {
  std::string names;
  for (const ChatTemplate *candidate : listTemplates())
    names += (names.empty() ? "" : ", ") + std::string(candidate->name());
  return names;
}

std::vector<int32_t> sherry::tokenizeChat(const sherry_model *model,
                                          const ChatParts &parts) {
  std::vector<int32_t> result;
  for (size_t i = 0; i < parts.size();) {
    const bool isSpecial = parts[i].isSpecial;
    std::string text = parts[i++].text;
    while (!isSpecial && i < parts.size() && !parts[i].isSpecial)
      text += parts[i++].text;
    const std::vector<int32_t> tokens =
        tokenize(model, text, isSpecial ? SHERRY_TOKENIZE_SPECIAL : 0);
    result.insert(result.end(), tokens.begin(), tokens.end());
  }
  return result;
}

std::vector<int32_t> sherry::tokenize(const sherry_model *model,
                                      std::string_view text, unsigned flags) {
  // No token is shorter than a byte, but for the BOS token and a space that
  // the tokenizer may add to each piece.
  std::vector<int32_t> tokens(text.size() + 2);
  auto write = [&] {
    return check(sherry_tokenize(model, text.data(), text.size(), flags,
                                 tokens.data(),
                                 static_cast<int64_t>(tokens.size())));
  };
  int64_t count = write();
  if (static_cast<size_t>(count) > tokens.size()) {
    tokens.resize(static_cast<size_t>(count));
    write();
  }
  tokens.resize(static_cast<size_t>(count));
  return tokens;
}
