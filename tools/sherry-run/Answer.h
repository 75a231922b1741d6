//===- Answer.h - What a model says, as it is printed -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_ANSWER_H
#define SHERRY_TOOLS_RUN_ANSWER_H

#include "Session.h"

namespace sherry::run {

/// Why an answer ended.
enum class EndReason { Eos, Stop, Length, ContextFull, Interrupted };

/// Prints what a model says, token by token: as text, as token ids, or as
/// events, each a JSON object in a line of its own.
class Answer {
public:
  Answer(const sherry_model *model, const Options &options);

  /// A token of the prompt: printed if the options say so.
  void addPrompt(int32_t token);
  /// A token of the answer that the model picked by its logits [vocab_size].
  /// What may be the beginning of a text that ends the answer is held back.
  /// Returns false if such a text is there.
  bool add(int32_t token, const float *logits);
  /// Prints what was held back, but for a text that ended the answer.
  void end(EndReason reason);

  /// The answer's text so far.
  const std::string &text() const { return said; }

private:
  void printId(int32_t token);
  void printToken(int32_t token, const float *logits, std::string_view text);
  std::string takeText(int32_t token, bool &isStopped);

  const sherry_model *model;
  const Options &options;
  TextStream stream; ///< null: the model has no tokenizer
  bool printsText;   ///< else ids
  std::string held, said;
  bool isFirst = true;
};

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_ANSWER_H
