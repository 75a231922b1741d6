//===- Template.h - Jinja templates of chats --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The subset of the Jinja language that chat templates use, with the settings
// of Hugging Face transformers: trim_blocks and lstrip_blocks, immutable
// values, break and continue. Templates are not trusted: their time and memory
// are limited, and everything that is not supported is an error that names the
// line.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_TEMPLATE_H
#define SHERRY_TEXT_JINJA_TEMPLATE_H

#include "sherry/text/jinja/Value.h"

#include <cstdint>
#include <ctime>
#include <memory>

namespace sherry::jinja {

/// The settings of a rendering, besides the variables.
struct Environment {
  std::tm now = {}; ///< the time that strftime_now writes
  /// The most steps of a rendering; a step is a value, or 64 bytes of text.
  uint64_t maxSteps = 20'000'000;
  /// The most bytes that texts, lists and objects may take at a time.
  size_t maxBytes = size_t{1} << 26;
};

class Template {
public:
  /// Throws LocatedError if `source` is not a supported template.
  explicit Template(std::string_view source);
  Template(Template &&) noexcept;
  ~Template();

  /// Throws Refusal if the template calls raise_exception, else LocatedError.
  Text render(const Entries &variables, const Environment &environment) const;

private:
  struct Tree;
  std::unique_ptr<const Tree> tree;
};

} // namespace sherry::jinja

#endif // SHERRY_TEXT_JINJA_TEMPLATE_H
