//===- ChatTemplate.cpp - Writes chats as text ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/ChatTemplate.h"

#include <algorithm>

using namespace sherry;
using jinja::Origin;
using jinja::Text;

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

jinja::Value sherry::toValue(const std::vector<ChatMessage> &messages) {
  jinja::Values list;
  for (const ChatMessage &message : messages)
    list.push_back(jinja::Value::object(
        {{"role", nameOf(message.role)},
         {"content", Text(message.content, Origin::Message)}}));
  return jinja::Value::list(std::move(list));
}

Text ChatTemplate::render(const jinja::Value &messages,
                          const ChatSetting &setting, bool beginsAnswer) const {
  jinja::Entries variables = {{"messages", messages},
                              {"add_generation_prompt", beginsAnswer}};
  if (setting.bosToken)
    variables.emplace_back("bos_token", Text(*setting.bosToken));
  if (setting.eosToken)
    variables.emplace_back("eos_token", Text(*setting.eosToken));
  if (setting.thinking)
    variables.emplace_back("enable_thinking", *setting.thinking);
  if (!setting.tools.isUndefined())
    variables.emplace_back("tools", setting.tools);
  jinja::Environment environment;
  environment.now = setting.now;
  return form.render(variables, environment);
}

ChatParts ChatTemplate::write(const jinja::Value &messages,
                              const ChatSetting &setting, ChatEnd end) const {
  const Text text = render(messages, setting, end == ChatEnd::BeforeAnswer);
  size_t size = text.size();
  if (end == ChatEnd::InAnswer)
    while (size > 0 && text.originAt(size - 1) == Origin::Template)
      --size;
  ChatParts parts;
  for (size_t begin = 0, end = 0; begin < size; begin = end) {
    while (end < size && text.originAt(end) == text.originAt(begin))
      ++end;
    parts.push_back({text.bytes().substr(begin, end - begin),
                     text.originAt(begin) == Origin::Template});
  }
  return parts;
}

std::string ChatTemplate::findAnswerEnd(const ChatSetting &setting) const {
  Text text;
  try {
    text = render(
        toValue({{Role::User, "q"}, {Role::Assistant, "a"}, {Role::User, "q"}}),
        setting, /*beginsAnswer=*/true);
  } catch (const jinja::Error &) {
    return ""; // the template refuses such turns
  }
  std::string result;
  bool isAfter = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.originAt(i) == Origin::Template) {
      if (isAfter)
        result += text.bytes()[i];
    } else if (isAfter)
      break;
    else
      isAfter = text.bytes()[i] == 'a';
  }
  return result.substr(
      std::min(result.find_first_not_of(" \t\r\n"), result.size()));
}
