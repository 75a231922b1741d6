//===- Tools.h - Functions that a chat may call -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models write calls in the form that they were trained with: Qwen and Hermes
// between <tool_call> and </tool_call>, LLaMA 3 as an answer that is JSON. A
// call, once begun, is a call of one of the request's tools, with arguments
// that match its schema.
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

/// The form that occurs in the text of a template; nothing if no known form
/// does.
std::optional<ToolForm> findToolForm(const std::string &chatTemplate);

/// The tools of a request.
struct Tools {
  Json list; ///< as the client gave them; empty: none may be called
  ToolForm form;
  bool mustCall = false;  ///< the answer is one call or several
  bool mayRepeat = false; ///< there may be several calls
  /// The grammar of a call after its `open`.
  std::optional<grammar::Grammar> call;
  /// The grammar of an answer that must call.
  std::optional<grammar::Grammar> answer;
};

/// Reads "tools", "tool_choice" and "parallel_tool_calls" for a model with this
/// template. Throws ApiError.
Tools readTools(const Fields &fields, const std::string &chatTemplate);

/// A part of an answer with calls.
struct ToolEvent {
  enum class Kind { Content, Call, Arguments } kind;
  std::string text; ///< content, the name of the function, or arguments
};

/// Divides an answer into content and calls while its text comes.
class ToolParser {
public:
  /// The form must outlive the parser.
  explicit ToolParser(const ToolForm &form) : form(&form) {}

  std::vector<ToolEvent> push(std::string_view text);
  /// Ends the answer; returns the events of the text that was held back.
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
  // Nesting depth within arguments.
  size_t depth = 0;
  bool isText = false, isEscaped = false;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_TOOLS_H
