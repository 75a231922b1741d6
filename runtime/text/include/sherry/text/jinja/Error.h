//===- Error.h - Errors of templates ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_ERROR_H
#define SHERRY_TEXT_JINJA_ERROR_H

#include <stdexcept>
#include <string>

namespace sherry::jinja {

/// A template that cannot be read or rendered. The message has no line yet.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An error whose message has the line of the template.
struct LocatedError : Error {
  LocatedError(size_t line, const std::string &what)
      : Error("line " + std::to_string(line) + ": " + what) {}
};

/// The template itself refuses the chat, by raise_exception.
struct Refusal : Error {
  using Error::Error;
};

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_ERROR_H
