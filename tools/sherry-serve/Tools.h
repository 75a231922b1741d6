//===- Tools.h - Functions that a chat may call -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models write calls as they were trained to: Qwen and Hermes between
// <tool_call> and </tool_call>, LLaMA 3 as an answer that is JSON. A call, once
// it has begun, is one that is asked for, with arguments that meet its schema.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_TOOLS_H
#define SHERRY_TOOLS_SERVE_TOOLS_H

#include "Json.h"
#include "sherry/grammar/Grammar.h"

#include <optional>
#include <string>
#include <vector>

namespace sherry::serve {

/// How a model writes calls: OPEN{"name": NAME, ARGUMENTS: {...}}CLOSE.
struct ToolForm {
  std::string open, close; ///< empty: the call is the whole answer
  std::string arguments;   ///< the name of their field
};

/// The form that a template's text shows; nothing: none that is known.
std::optional<ToolForm> findToolForm(const std::string &chatTemplate);

/// The tools of a request.
struct Tools {
  Json list; ///< as the client gave them; empty: none may be called
  ToolForm form;
  bool mustCall = false;  ///< the answer is a call, or several
  bool mayRepeat = false; ///< there may be several
  /// Of a call behind its `open`.
  std::optional<grammar::Grammar> call;
  /// Of an answer that must call.
  std::optional<grammar::Grammar> answer;
};

/// Reads "tools", "tool_choice" and "parallel_tool_calls" for a model whose
/// template has this text. Throws ApiError.
Tools readTools(const Fields &fields, const std::string &chatTemplate);

/// A piece of an answer with calls.
struct ToolEvent {
  enum class Kind { Content, Call, Arguments } kind;
  std::string text; ///< content, the name of the function, or arguments
};

/// Takes an answer apart as its text comes.
class ToolParser {
public:
  /// The form outlives it.
  explicit ToolParser(const ToolForm &form) : form(&form) {}

  std::vector<ToolEvent> push(std::string_view text);
  /// What was held back, at the end.
  std::vector<ToolEvent> finish();
  /// Whether a call has begun and not ended.
  bool isInCall() const { return place != Place::Content; }

private:
  enum class Place { Content, Head, Arguments, Tail };

  bool step(std::vector<ToolEvent> &events);
  bool readContent(std::vector<ToolEvent> &events);
  bool readHead(std::vector<ToolEvent> &events);
  bool readArguments(std::vector<ToolEvent> &events);
  bool readTail();

  const ToolForm *form;
  Place place = Place::Content;
  bool hasContent = false, isAfterCall = false;
  std::string held;
  // Within arguments.
  size_t depth = 0;
  bool isText = false, isEscaped = false;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_TOOLS_H
