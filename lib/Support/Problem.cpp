//===- Problem.cpp - Failures that a tool has a remedy for ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/Problem.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sherry;

char ProblemError::ID = 0;

Error sherry::makeError(Problem problem, const Twine &message) {
  return make_error<ProblemError>(problem, message.str());
}

StringRef sherry::findRemedy(ArrayRef<Remedy> remedies, Problem problem) {
  const auto *remedy = find_if(
      remedies, [&](const Remedy &entry) { return entry.problem == problem; });
  return remedy == remedies.end() ? "" : StringRef(remedy->text);
}

std::string sherry::explain(const ErrorInfoBase &info,
                            ArrayRef<Remedy> remedies) {
  std::string result = info.message();
  if (info.isA<ProblemError>())
    result += findRemedy(remedies,
                         static_cast<const ProblemError &>(info).getProblem());
  return result;
}

std::string sherry::explain(Error error, ArrayRef<Remedy> remedies) {
  std::string result;
  handleAllErrors(std::move(error), [&](const ErrorInfoBase &info) {
    result += (result.empty() ? "" : "\n") + explain(info, remedies);
  });
  return result;
}
