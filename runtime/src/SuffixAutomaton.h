//===- SuffixAutomaton.h - Finds repeated suffixes of a text ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUFFIXAUTOMATON_H
#define SHERRY_RUNTIME_SUFFIXAUTOMATON_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sherry::runtime {

/// The suffix automaton of a text of tokens (Blumer et al. 1985), built token
/// by token in linear time and memory, about 100 bytes per token. It finds the
/// longest suffix of the text that has occurred before.
class SuffixAutomaton {
public:
  SuffixAutomaton();

  /// Appends a token. Throws Error if the text is too long (2^30 tokens).
  void push(int32_t token);

  /// A match of the longest suffix of the text that has occurred before.
  /// `length` is the number of tokens of the suffix, and `continuation` [size]
  /// are the tokens that followed an earlier occurrence, a recent one of
  /// several; valid until the next push(). If the last token is new, `length`
  /// is 0 and there are no tokens.
  struct Match {
    size_t length;
    const int32_t *continuation;
    size_t size;
  };
  Match match() const;

  const std::vector<int32_t> &tokens() const { return text; }
  size_t size() const { return text.size(); }

private:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Suffixes that end at the same positions; the longest has `length` tokens.
  struct State {
    uint32_t length;
    uint32_t link;  ///< the state of the next shorter suffixes
    uint32_t end;   ///< tokens up to the end of an occurrence
    uint32_t edges; ///< the first edge, or kNone
  };
  struct Edge {
    uint32_t from;
    int32_t token;
    uint32_t to;
    uint32_t next; ///< next edge of the same state, or kNone
  };

  uint32_t find(uint32_t state, int32_t token) const;
  size_t slotOf(uint32_t state, int32_t token) const;
  void add(uint32_t from, int32_t token, uint32_t to);
  void grow();
  uint32_t clone(uint32_t state, uint32_t length);

  std::vector<int32_t> text;
  std::vector<State> states;
  std::vector<Edge> edges;
  /// Numbers of edges by state and token, with open addressing. The size is a
  /// power of two, and at most half of the slots are in use.
  std::vector<uint32_t> table;
  uint32_t last = 0;     ///< the state of the whole text
  uint32_t matchEnd = 0; ///< see match()
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUFFIXAUTOMATON_H
