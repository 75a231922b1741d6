//===- Regex.h - Regular expressions on UTF-8 -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PCRE2 with Unicode properties, compiled to machine code where it can be, and
// with limits: expressions and texts come from strangers.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEXT_REGEX_H
#define SHERRY_TEXT_REGEX_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace sherry::runtime {

/// The processor time that all matches in one text may take: a hundred times
/// that of ordinary expressions.
class MatchBudget {
public:
  explicit MatchBudget(size_t textSize)
      : seconds(0.5 + 5e-6 * static_cast<double>(textSize)) {}

  /// Counts a match. Now and then, or if this one was slow, looks at the clock
  /// of the thread; throws Error if the time is over.
  void spend(bool isSlow);

private:
  double seconds;
  double start = -1; ///< not looked at yet
  uint32_t matches = 0;
};

class Regex {
public:
  /// Throws Error if `pattern` is not a valid expression of Oniguruma. A
  /// literal pattern matches itself.
  Regex(const std::string &pattern, bool literal);

  /// Passes on the matches in `text`, well-formed UTF-8, from left to right,
  /// without overlap. An empty match is passed on unless it touches the last
  /// one. Throws Error if matching takes too much time or memory.
  void findAll(std::string_view text, MatchBudget &budget,
               const std::function<void(size_t, size_t)> &onMatch) const;

private:
  struct FreeCode {
    void operator()(pcre2_real_code_8 *code) const;
  };
  using Code = std::unique_ptr<pcre2_real_code_8, FreeCode>;
  Code compile(const std::string &pattern, uint32_t options) const;
  bool findFrom(std::string_view text, size_t from, MatchBudget &budget,
                size_t &begin, size_t &end) const;
  Code code;
  Code anchored; ///< the same, at one position of the text only
};

/// The treatment of the matches of an expression and of the text between them,
/// under the names of Hugging Face tokenizers.
enum class SplitBehavior {
  Isolated,           ///< each is a piece
  Removed,            ///< matches are dropped
  Contiguous,         ///< matches without text between them are one piece
  MergedWithPrevious, ///< a match belongs to the text before it
  MergedWithNext      ///< a match belongs to the text after it
};

/// Cuts text by an expression.
class Splitter {
public:
  /// `inverts`: matches are treated as the text between matches, and vice
  /// versa.
  Splitter(const std::string &pattern, bool literal, SplitBehavior behavior,
           bool inverts)
      : regex(pattern, literal), behavior(behavior), inverts(inverts) {}

  /// Passes on the non-empty pieces of `text`, in order, as views of `text`.
  /// Throws as Regex does.
  void split(std::string_view text, MatchBudget &budget,
             const std::function<void(std::string_view)> &onPiece) const;

private:
  Regex regex;
  SplitBehavior behavior;
  bool inverts;
};

} // namespace sherry::runtime

#endif // SHERRY_TEXT_REGEX_H
