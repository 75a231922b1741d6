//===- Template.h - Jinja templates, as chats are written by ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of the Jinja language that chat templates are written in, with the
// settings of Hugging Face transformers: trim_blocks and lstrip_blocks, values
// that do not change, break and continue. Templates come from strangers: what
// they may take is limited, and all else is an error that names the line.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_JINJA_TEMPLATE_H
#define SHERRY_TEXT_JINJA_TEMPLATE_H

#include "sherry/text/jinja/Value.h"

#include <cstdint>
#include <ctime>
#include <memory>

namespace sherry::jinja {

/// What a template is rendered with, besides its variables.
struct Environment {
  std::tm now = {}; ///< of strftime_now
  /// Steps that it may take, each a value or 64 bytes of text.
  uint64_t maxSteps = 20'000'000;
  /// Bytes that its texts, lists and objects may take at a time.
  size_t maxBytes = size_t{1} << 26;
};

class Template {
public:
  /// Throws LocatedError if the text is no template that is supported.
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
