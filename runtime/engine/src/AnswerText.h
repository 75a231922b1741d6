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

/// Makes text of an answer's tokens; holds back what may be the beginning of a
/// text that ends the answer.
class AnswerText {
public:
  /// Without a tokenizer, all texts are empty. None of `stops` is empty.
  AnswerText(const sherry_model *model, std::vector<std::string> stops);

  /// The text that is complete with a token of the prompt.
  std::string pushPrompt(int32_t token) { return complete(token); }
  /// That with a token of the answer; `isStopped`: it ends here.
  std::string push(int32_t token, bool &isStopped);
  /// What was held back; `isStopped`: all that follows is no part of it.
  std::string finish(bool isStopped);

private:
  std::string complete(int32_t token);

  TextStream stream; ///< null: the model has no tokenizer
  std::vector<std::string> stops;
  std::string held;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_ANSWERTEXT_H
