//===- ChatTemplate.cpp - How chats are written as text -------------------===//
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

//===----------------------------------------------------------------------===//
// Templates that are built in
//===----------------------------------------------------------------------===//

/// LLaMA 3 (Meta's model card), without the date that some templates add.
static constexpr char llama3[] = R"({{ bos_token }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' }}
{{- message.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %})";

/// ChatML: Qwen and many others. No system message is made up.
static constexpr char chatML[] = R"({% for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})";

/// LLaMA 2 (Meta's llama/generation.py): a turn is a text of its own, and the
/// system's message a part of the first.
static constexpr char llama2[] = R"({% set bos = bos_token or '<s>' %}
{% for message in messages %}
{% if message.role == 'system' %}
{{- bos + '[INST] <<SYS>>\n' + message.content + '\n<</SYS>>\n\n' }}
{%- elif message.role == 'assistant' %}
{{- ' ' + message.content | trim + ' ' + (eos_token or '</s>') }}
{%- elif loop.previtem and loop.previtem.role == 'system' %}
{{- message.content.rstrip() + ' [/INST]' }}
{%- else %}
{{- bos + '[INST] ' + message.content | trim + ' [/INST]' }}
{%- endif %}
{%- endfor %})";

/// HunYuan, dense (Tencent's chat_template.jinja for Hunyuan-4B-Instruct and
/// Hy-MT): names have a full-width bar and a lower block for the space.
static constexpr char hunYuan[] = R"({{ bos_token }}
{%- set end = eos_token or '<｜hy_place▁holder▁no▁2｜>' %}
{%- for message in messages %}
{%- if message.role == 'system' %}
{{- message.content + '<｜hy_place▁holder▁no▁3｜>' }}
{%- elif message.role == 'user' %}
{{- '<｜hy_User｜>' + message.content }}
{%- else %}
{{- '<｜hy_Assistant｜>' + message.content + end }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<｜hy_Assistant｜>' }}
{%- if enable_thinking is false %}{{ '<think>\n\n</think>\n' }}{% endif %}
{%- endif %})";

static constexpr std::pair<std::string_view, const char *> builtIn[] = {
    {"llama-3", llama3},
    {"chatml", chatML},
    {"llama-2", llama2},
    {"hunyuan", hunYuan}};

const char *ChatTemplate::findBuiltIn(std::string_view name) {
  for (const auto &[known, text] : builtIn)
    if (known == name)
      return text;
  return nullptr;
}

std::string ChatTemplate::listNames() {
  std::string names;
  for (const auto &[name, text] : builtIn)
    names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

//===----------------------------------------------------------------------===//
// Chats
//===----------------------------------------------------------------------===//

Text ChatTemplate::render(const std::vector<ChatMessage> &messages,
                          const ChatSetting &setting, bool beginsAnswer) const {
  jinja::Values list;
  for (const ChatMessage &message : messages)
    list.push_back(jinja::Value::object(
        {{"role", nameOf(message.role)},
         {"content", Text(message.content, Origin::Message)}}));
  jinja::Entries variables = {{"messages", jinja::Value::list(std::move(list))},
                              {"add_generation_prompt", beginsAnswer}};
  if (setting.bosToken)
    variables.emplace_back("bos_token", Text(*setting.bosToken));
  if (setting.eosToken)
    variables.emplace_back("eos_token", Text(*setting.eosToken));
  if (setting.thinking)
    variables.emplace_back("enable_thinking", *setting.thinking);
  jinja::Environment environment;
  environment.now = setting.now;
  return form.render(variables, environment);
}

ChatParts ChatTemplate::write(const std::vector<ChatMessage> &messages,
                              const ChatSetting &setting,
                              bool beginsAnswer) const {
  const Text text = render(messages, setting, beginsAnswer);
  ChatParts parts;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    while (end < text.size() && text.originAt(end) == text.originAt(begin))
      ++end;
    parts.push_back({text.bytes().substr(begin, end - begin),
                     text.originAt(begin) == Origin::Template});
  }
  return parts;
}

std::string ChatTemplate::findAnswerEnd(const ChatSetting &setting) const {
  Text text;
  try {
    text =
        render({{Role::User, "q"}, {Role::Assistant, "a"}, {Role::User, "q"}},
               setting, /*beginsAnswer=*/true);
  } catch (const jinja::Error &) {
    return ""; // who takes turns otherwise
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
