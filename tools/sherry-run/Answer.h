//===- Answer.h - Prints the answer of a model ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_ANSWER_H
#define SHERRY_TOOLS_RUN_ANSWER_H

#include "Session.h"
#include "sherry/engine/Engine.h"

namespace sherry::run {

/// Prints the answer of a model, token by token: as text, as token ids, or as
/// events, each a JSON object on a line of its own.
class Answer {
public:
  Answer(const sherry_model *model, const Options &options);

  /// Sets the handlers of `request` so that its answer is printed here, as the
  /// options say. The request must end before this object is destroyed.
  void attachTo(engine::Request &request);

  /// The answer's text so far.
  const std::string &text() const { return said; }
  /// How the answer ended; nothing until it has.
  const std::optional<engine::EndEvent> &end() const { return ending; }

private:
  void printId(int32_t token);
  void printPrompt(int32_t token, std::string_view text);
  void printToken(const engine::TokenEvent &event);
  void printEnd(const engine::EndEvent &event);

  const sherry_model *model;
  const Options &options;
  bool printsText; ///< else ids
  std::string said;
  bool isFirst = true;
  std::optional<engine::EndEvent> ending;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_ANSWER_H
