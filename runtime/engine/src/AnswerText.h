//===- AnswerText.h - Tokens to text, up to where it ends -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_ANSWERTEXT_H
#define SHERRY_ENGINE_ANSWERTEXT_H

#include "sherry/owners.h"

#include <string>
#include <vector>

namespace sherry::engine {

/// Turns an answer's tokens into text; holds back text that may be the
/// beginning of a stop text.
class AnswerText {
public:
  /// Without a tokenizer, all texts are empty. None of `stops` is empty.
  AnswerText(const sherry_model *model, std::vector<std::string> stops);

  /// Appends a token of the prompt; returns the text that is complete now.
  std::string pushPrompt(int32_t token) { return complete(token); }
  /// Appends a token of the answer; returns the text that is complete now. Sets
  /// `isStopped` if a stop text ends the answer.
  std::string push(int32_t token, bool &isStopped);
  /// Returns the text that was held back. `isStopped`: a stop text has ended
  /// the answer.
  std::string finish(bool isStopped);

private:
  std::string complete(int32_t token);

  TextStream stream; ///< null: the model has no tokenizer
  std::vector<std::string> stops;
  std::string held;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ANSWERTEXT_H
