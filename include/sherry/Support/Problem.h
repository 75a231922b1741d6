//===- Problem.h - Failures that a tool has a remedy for --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries report problems; only a tool knows which of its options helps.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_PROBLEM_H
#define SHERRY_SUPPORT_PROBLEM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sherry {

enum class Problem {
  ScaleRange,          ///< f16 cannot hold a scale of trits
  BlockRange,          ///< f16 cannot hold a scale of a block
  UntrainedWeights,    ///< weights do not look trained to become trits
  NothingToProject,    ///< options for weights that the model does not have
  UnusedGroupSize,     ///< a group size without scales of groups
  UnusedStqScale,      ///< a type of scales that no tensor has
  IntegerStqScales,    ///< scales are read as integers
  CacheHeadSize,       ///< heads that an i8 cache cannot hold
  LaterStage,          ///< IR of a stage after the last stage to run
  UnknownPreTokenizer, ///< no name in GGUF files
  NeedsFolder,         ///< GGUF files cannot hold a property
  TritsWithoutPattern, ///< no 3:4-sparse or dense type holds these trits
  UnknownTrainingKey,
};

class ProblemError : public llvm::ErrorInfo<ProblemError> {
public:
  static char ID; // NOLINT(readability-identifier-naming): asked for by LLVM

  ProblemError(Problem problem, std::string text)
      : problem(problem), text(std::move(text)) {}

  Problem getProblem() const { return problem; }
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  Problem problem;
  std::string text;
};

llvm::Error makeError(Problem problem, const llvm::Twine &message);

/// The text that a tool appends to the message of a problem.
struct Remedy {
  Problem problem;
  std::string text;
};

/// The remedy of a problem; empty if the tool has none.
llvm::StringRef findRemedy(llvm::ArrayRef<Remedy> remedies, Problem problem);

/// The message of a failure, with its remedy.
std::string explain(const llvm::ErrorInfoBase &info,
                    llvm::ArrayRef<Remedy> remedies);
/// The messages of all failures, one per line.
std::string explain(llvm::Error error, llvm::ArrayRef<Remedy> remedies);

} // namespace sherry

#endif // SHERRY_SUPPORT_PROBLEM_H
