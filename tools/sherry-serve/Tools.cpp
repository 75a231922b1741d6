//===- Tools.cpp - Functions that a chat may call -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Tools.h"

#include <algorithm>
#include <set>
#include <utility>

using namespace sherry;
using namespace sherry::serve;

static constexpr size_t kMostTools = 128;
static constexpr size_t kMostToolBytes = 64 << 10;
static constexpr uint32_t kMostCalls = 16;

std::optional<ToolForm>
sherry::serve::findToolForm(const std::string &chatTemplate) {
  auto has = [&](const char *text) {
    return chatTemplate.find(text) != std::string::npos;
  };
  if (!has("tools"))
    return std::nullopt;
  if (has("<tool_call>"))
    return ToolForm{"<tool_call>", "</tool_call>", "arguments"};
  if (has("\"parameters\": "))
    return ToolForm{"", "", "parameters"};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

static std::string nameOf(const Json &tool) {
  return tool["function"]["name"].get<std::string>();
}

static void checkTool(const Json &tool, size_t index) {
  const std::string where = "tools[" + std::to_string(index) + "]";
  const bool isFunction =
      tool.is_object() && tool.contains("type") && tool["type"] == "function" &&
      tool.contains("function") && tool["function"].is_object();
  if (!isFunction)
    throw ApiError(where + " must be of the type function", "tools");
  const Json &function = tool["function"];
  const auto name = function.find("name");
  const bool isNamed = name != function.end() && name->is_string() &&
                       !name->get_ref<const std::string &>().empty() &&
                       name->get_ref<const std::string &>().size() <= 64;
  auto isPlain = [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '_' || letter == '-';
  };
  if (!isNamed ||
      !std::all_of(name->get_ref<const std::string &>().begin(),
                   name->get_ref<const std::string &>().end(), isPlain))
    throw ApiError(where + ".function.name must have 1 to 64 of a-z, A-Z, 0-9, "
                           "_ and -",
                   "tools");
  if (function.contains("parameters") && !function["parameters"].is_null() &&
      !function["parameters"].is_object())
    throw ApiError(where + ".function.parameters must be a schema", "tools");
}

/// The schema of a function's arguments, which are an object.
static std::string schemaOf(const Json &tool, size_t index) {
  const Json &function = tool["function"];
  Json schema = {{"type", "object"}};
  if (!function.contains("parameters") || function["parameters"].is_null())
    schema["properties"] = Json::object();
  else
    schema.update(function["parameters"]);
  if (schema["type"] != "object")
    throw ApiError("tools[" + std::to_string(index) +
                       "].function.parameters must be of the type object",
                   "tools", "invalid_json_schema");
  return dump(schema);
}

/// The parts of a call. `isAny`: any object is allowed as arguments.
static grammar::Sequence makeCall(const Json &tool, const ToolForm &form,
                                  size_t index, bool isAny) {
  const char *line = form.open.empty() ? "" : "\n";
  return {grammar::Part::literal(std::string(line) + "{\"name\": \"" +
                                 nameOf(tool) + "\", \"" + form.arguments +
                                 "\": "),
          grammar::Part::document(isAny ? R"({"type": "object"})"
                                        : schemaOf(tool, index)),
          grammar::Part::literal(std::string("}") + line + form.close)};
}

static bool isStrict(const Json &tool) {
  const Json &function = tool["function"];
  return function.contains("strict") && function["strict"] == true;
}

static void makeGrammars(Tools &tools) {
  std::vector<bool> isAny(tools.list.size(), false);
  while (true) {
    grammar::Format call, answer;
    for (size_t i = 0; i < tools.list.size(); ++i) {
      grammar::Sequence parts =
          makeCall(tools.list[i], tools.form, i, isAny[i]);
      call.alternatives.push_back(parts);
      parts.front().text = tools.form.open + parts.front().text;
      answer.alternatives.push_back(std::move(parts));
    }
    if (tools.mayRepeat && !tools.form.open.empty())
      answer.max = kMostCalls;
    answer.separator = "\n";
    try {
      if (tools.mustCall)
        tools.answer.emplace(answer);
      else
        tools.call.emplace(call);
      return;
    } catch (const grammar::SchemaError &error) {
      // If the schema of a function that is not strict is not supported, any
      // arguments are allowed.
      const size_t index = error.alternative();
      if (index >= isAny.size() || isAny[index] || isStrict(tools.list[index]))
        throw ApiError("tools[" + std::to_string(index) +
                           "].function.parameters: " + error.what(),
                       "tools", "invalid_json_schema");
      isAny[index] = true;
    }
  }
}

/// Keeps only the tools that "tool_choice" allows.
static void readChoice(const Fields &fields, Tools &tools) {
  constexpr const char *name = "tool_choice";
  const Json *choice = fields.find(name);
  if (!choice || *choice == "auto")
    return;
  if (*choice == "none") {
    tools.list = Json::array();
  } else if (*choice == "required") {
    tools.mustCall = true;
  } else if (choice->is_object() && choice->contains("function") &&
             (*choice)["function"].is_object() &&
             (*choice)["function"].contains("name")) {
    const Json wanted = (*choice)["function"]["name"];
    Json left = Json::array();
    for (const Json &tool : tools.list)
      if (tool["function"]["name"] == wanted)
        left.push_back(tool);
    if (left.empty())
      throw ApiError("names no function of tools", name);
    tools.list = std::move(left);
    tools.mustCall = true;
  } else {
    throw ApiError("must be none, auto, required, or name a function", name);
  }
}

Tools sherry::serve::readTools(const Fields &fields,
                               const std::string &chatTemplate) {
  Tools tools;
  tools.mayRepeat = fields.boolean("parallel_tool_calls").value_or(true);
  const Json *list = fields.find("tools");
  if (!list || (list->is_array() && list->empty())) {
    const Json *choice = fields.find("tool_choice");
    if (choice && *choice != "none" && *choice != "auto")
      throw ApiError("needs tools", "tool_choice");
    return tools;
  }
  if (!list->is_array() || list->size() > kMostTools)
    throw ApiError("must be a list of " + std::to_string(kMostTools) +
                       " functions at most",
                   "tools");
  if (dump(*list).size() > kMostToolBytes)
    throw ApiError("has more than " + std::to_string(kMostToolBytes) + " bytes",
                   "tools");
  std::set<std::string> names;
  for (size_t i = 0; i < list->size(); ++i) {
    checkTool((*list)[i], i);
    if (!names.insert(nameOf((*list)[i])).second)
      throw ApiError("has a function twice", "tools");
  }
  tools.list = *list;
  readChoice(fields, tools);
  if (tools.list.empty())
    return tools;
  const auto form = findToolForm(chatTemplate);
  if (!form)
    throw ApiError("the model's chat template shows no calls of a form that is "
                   "known: those of Qwen and Hermes, or of LLaMA 3",
                   "tools", "unsupported_parameter");
  tools.form = *form;
  makeGrammars(tools);
  return tools;
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

std::vector<ToolEvent> ToolParser::push(std::string_view text) {
  held += text;
  std::vector<ToolEvent> events;
  while (step(events))
    ;
  return events;
}

std::vector<ToolEvent> ToolParser::finish() {
  std::vector<ToolEvent> events;
  // A call that was cut off before its arguments is content.
  if (!held.empty() && place == Place::Content)
    events.push_back({ToolEvent::Kind::Content, held});
  else if (place == Place::Head)
    events.push_back({ToolEvent::Kind::Content, form->open + held});
  held.clear();
  return events;
}

/// Parses the next part of the held text; returns false if more text is needed.
bool ToolParser::step(std::vector<ToolEvent> &events) {
  switch (place) {
  case Place::Content:
    return readContent(events);
  case Place::Head:
    return readHead(events);
  case Place::Arguments:
    return readArguments(events);
  case Place::Tail:
    return readTail();
  }
  return false;
}

/// The offset in `held` where `text` begins, or may begin once more text comes.
static size_t findBeginning(const std::string &held, const std::string &text) {
  const size_t whole = held.find(text);
  if (whole != std::string::npos)
    return whole;
  for (size_t size = std::min(held.size(), text.size() - 1); size > 0; --size)
    if (held.compare(held.size() - size, size, text, 0, size) == 0)
      return held.size() - size;
  return held.size();
}

bool ToolParser::readContent(std::vector<ToolEvent> &events) {
  if (held.empty())
    return false;
  // A new line separates two calls.
  if (std::exchange(isAfterCall, false) && held.front() == '\n')
    held.erase(0, 1);
  if (form->open.empty()) {
    // The first letter decides whether the answer is a call.
    if (!hasContent && !held.empty() && held.front() == '{') {
      place = Place::Head;
      return true;
    }
  }
  const size_t end =
      form->open.empty() ? held.size() : findBeginning(held, form->open);
  if (end > 0) {
    hasContent = true;
    events.push_back({ToolEvent::Kind::Content, held.substr(0, end)});
    held.erase(0, end);
  }
  if (form->open.empty() || held.size() < form->open.size())
    return false;
  held.erase(0, form->open.size());
  place = Place::Head;
  return true;
}

bool ToolParser::readHead(std::vector<ToolEvent> &events) {
  const std::string name = "{\"name\": \"";
  const std::string after = "\", \"" + form->arguments + "\": ";
  const size_t begin = held.find(name);
  const size_t end = held.find(after);
  if (begin == std::string::npos || end == std::string::npos)
    return false;
  const size_t first = begin + name.size();
  events.push_back({ToolEvent::Kind::Call, held.substr(first, end - first)});
  held.erase(0, end + after.size());
  place = Place::Arguments;
  depth = 0;
  isText = isEscaped = false;
  return true;
}

bool ToolParser::readArguments(std::vector<ToolEvent> &events) {
  size_t end = 0;
  bool isWhole = false;
  for (; end < held.size() && !isWhole; ++end) {
    const char letter = held[end];
    if (isText) {
      isText = isEscaped || letter != '"';
      isEscaped = !isEscaped && letter == '\\';
    } else if (letter == '"') {
      isText = true;
    } else if (letter == '{' || letter == '[') {
      ++depth;
    } else if ((letter == '}' || letter == ']') && depth > 0) {
      isWhole = --depth == 0;
    }
  }
  if (end > 0)
    events.push_back({ToolEvent::Kind::Arguments, held.substr(0, end)});
  held.erase(0, end);
  if (isWhole)
    place = Place::Tail;
  return isWhole;
}

bool ToolParser::readTail() {
  const std::string tail = form->open.empty() ? "}" : "}\n" + form->close;
  if (held.size() < tail.size())
    return false;
  held.erase(0, tail.size());
  place = Place::Content;
  hasContent = isAfterCall = true;
  return !held.empty();
}
