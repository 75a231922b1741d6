//===- ChatRequest.cpp - Messages to tokens -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChatRequest.h"
#include "sherry/text/jinja/Json.h"

using namespace sherry;
using namespace sherry::serve;

static constexpr size_t kMostMessages = 4096;

const engine::ChatForm &sherry::serve::formOf(const Service &service) {
  if (!service.form)
    throw ApiError(service.formError, "messages", "no_chat_template");
  return *service.form;
}

/// Joins the texts of a list of parts.
static std::string joinParts(const Json &parts, const std::string &where) {
  std::string text;
  for (const Json &part : parts) {
    const bool isText = part.is_object() && part.contains("type") &&
                        part["type"] == "text" && part.contains("text") &&
                        part["text"].is_string();
    if (!isText)
      throw ApiError(where + ".content must have parts of the type text",
                     "messages");
    text += part["text"].get<std::string>();
  }
  return text;
}

/// Turns the calls of an answer into the form of templates, where arguments are
/// objects; in OpenAI's API arguments are JSON in a text.
static Json readCalls(Json calls, const std::string &where) {
  const ApiError wrong(where + ".tool_calls must be a list of functions with "
                               "a name and arguments in JSON",
                       "messages");
  if (!calls.is_array())
    throw wrong;
  for (Json &call : calls) {
    if (!call.is_object() || !call.contains("function") ||
        !call["function"].is_object() || !call["function"].contains("name") ||
        !call["function"].contains("arguments"))
      throw wrong;
    Json &arguments = call["function"]["arguments"];
    if (arguments.is_string())
      arguments = parseRequest(arguments.get<std::string>());
    if (!arguments.is_object())
      throw wrong;
  }
  return calls;
}

/// A message in the form of templates. The role has the origin of the template,
/// all other texts that of a message.
static jinja::Value toValue(const Json &message, const std::string &where) {
  if (!message.is_object() || !message.contains("role") ||
      !message["role"].is_string())
    throw ApiError(where + " must be an object with a role", "messages");
  std::string role = message["role"].get<std::string>();
  if (role == "developer")
    role = "system";
  if (role != "system" && role != "user" && role != "assistant" &&
      role != "tool")
    throw ApiError(where +
                       ".role must be system, developer, user, assistant or "
                       "tool",
                   "messages");
  jinja::Entries entries = {{"role", jinja::Text(role)}};
  const auto content = message.find("content");
  if (content == message.end() || content->is_null())
    entries.emplace_back("content", jinja::Text());
  else if (content->is_string())
    entries.emplace_back("content", jinja::Text(content->get<std::string>(),
                                                jinja::Origin::Message));
  else if (content->is_array())
    entries.emplace_back("content", jinja::Text(joinParts(*content, where),
                                                jinja::Origin::Message));
  else
    throw ApiError(where + ".content must be a text or a list of parts",
                   "messages");
  for (const char *name : {"name", "reasoning_content", "tool_call_id"}) {
    const auto field = message.find(name);
    if (field == message.end() || field->is_null())
      continue;
    if (!field->is_string())
      throw ApiError(where + "." + name + " must be a text", "messages");
    entries.emplace_back(
        jinja::Text(name),
        jinja::Text(field->get<std::string>(), jinja::Origin::Message));
  }
  if (message.contains("tool_calls") && !message["tool_calls"].is_null())
    entries.emplace_back(
        "tool_calls", jinja::fromJson(readCalls(message["tool_calls"], where),
                                      jinja::Origin::Message));
  for (const char *name : {"function_call", "refusal", "audio"})
    if (message.contains(name) && !message[name].is_null() &&
        !message[name].empty())
      throw ApiError(where + "." + name + " is not supported", "messages",
                     "unsupported_parameter");
  return jinja::Value::object(std::move(entries));
}

static jinja::Value readMessages(const Fields &fields) {
  const Json *messages = fields.find("messages");
  if (!messages || !messages->is_array() || messages->empty() ||
      messages->size() > kMostMessages)
    throw ApiError("must be a list of 1 to " + std::to_string(kMostMessages) +
                       " messages",
                   "messages");
  jinja::Values values;
  for (const Json &message : *messages)
    values.push_back(
        toValue(message, "messages[" + std::to_string(values.size()) + "]"));
  return jinja::Value::list(std::move(values));
}

ChatParts sherry::serve::writeChat(const Fields &fields, const Service &service,
                                   const Json &tools) {
  const engine::ChatForm &form = formOf(service);
  fields.refuse({"chat_template"});
  ChatSetting setting = form.setting();
  if (const Json *given = fields.find("chat_template_kwargs")) {
    if (!given->is_object())
      throw ApiError("must be an object", "chat_template_kwargs");
    for (const auto &[name, value] : given->items())
      if (name != "enable_thinking" || !value.is_boolean())
        throw ApiError("only enable_thinking, true or false, is supported",
                       "chat_template_kwargs", "unsupported_parameter");
      else
        setting.thinking = value.get<bool>();
  }
  if (!tools.empty())
    setting.tools = jinja::fromJson(tools, jinja::Origin::Message);
  const bool begins = fields.boolean("add_generation_prompt").value_or(true);
  const bool continues =
      fields.boolean("continue_final_message").value_or(false);
  if (begins && continues && fields.has("add_generation_prompt"))
    throw ApiError("cannot be combined with add_generation_prompt: true",
                   "continue_final_message");
  return form.write(readMessages(fields), setting,
                    continues ? ChatEnd::InAnswer
                    : begins  ? ChatEnd::BeforeAnswer
                              : ChatEnd::AfterMessages);
}
