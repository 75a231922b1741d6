//===- SuffixAutomaton.h - How a text went on before ------------*- C++ -*-===//
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

/// The suffix automaton of a text of tokens (Blumer et al. 1985), which grows
/// token by token: linear in time and memory, about 100 bytes a token. It knows
/// of each end of the text the longest part that has occurred before.
class SuffixAutomaton {
public:
  SuffixAutomaton();

  /// Appends a token. Throws Error if the text is too long (2^30 tokens).
  void push(int32_t token);

  /// What follows an earlier place where the text has its longest suffix that
  /// occurs twice: `continuation` [size] are tokens of the text, valid until
  /// the next push(), and `length` the tokens of that suffix. Of several such
  /// places it is one that was seen lately. 0 and no tokens: the last token is
  /// new.
  struct Match {
    size_t length;
    const int32_t *continuation;
    size_t size;
  };
  Match match() const;

  size_t size() const { return text.size(); }

private:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Suffixes that end at the same places; the longest has `length` tokens.
  struct State {
    uint32_t length;
    uint32_t link;  ///< the state of the next shorter suffixes
    uint32_t end;   ///< tokens up to the end of an occurrence
    uint32_t edges; ///< the first, or kNone
  };
  struct Edge {
    uint32_t from;
    int32_t token;
    uint32_t to;
    uint32_t next; ///< of the same state, or kNone
  };

  uint32_t find(uint32_t state, int32_t token) const;
  size_t slotOf(uint32_t state, int32_t token) const;
  void add(uint32_t from, int32_t token, uint32_t to);
  void grow();
  uint32_t clone(uint32_t state, uint32_t length);

  std::vector<int32_t> text;
  std::vector<State> states;
  std::vector<Edge> edges;
  /// Numbers of edges by state and token, open addressing; a power of two, at
  /// most half of them in use.
  std::vector<uint32_t> table;
  uint32_t last = 0;     ///< the state of the whole text
  uint32_t matchEnd = 0; ///< see match()
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUFFIXAUTOMATON_H
