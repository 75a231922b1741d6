//===- Vocabulary.cpp - The tokens that an answer may go on with ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Within a string nearly all tokens are allowed, and following all of them
// takes long. So the tokens that stay within any string are found once; for
// them only the number of characters matters.
//
//===----------------------------------------------------------------------===//
#include "sherry/grammar/Vocabulary.h"

#include "Json.h"
#include "Trie.h"

#include <algorithm>
#include <stdexcept>

using namespace sherry::grammar;

/// The most work of a mask: about 50 ms, because many answers may wait for it.
static constexpr size_t kMostWork = 50'000'000;
/// The number of threads that are followed if a mask takes longer.
static constexpr size_t kFewThreads = 8;

struct Vocabulary::Data {
  /// A token that stays within a string, and the number of characters that it
  /// begins.
  struct Inner {
    uint32_t characters, token;
  };

  size_t size = 0;
  Trie all;
  Trie others;              ///< all tokens except `inner`
  std::vector<Inner> inner; ///< the shortest first
  std::vector<uint32_t> innerMask;

  void findInner(const std::vector<std::string_view> &tokens);
  void setInner(uint32_t characters, uint32_t *mask) const;
  void follow(const Program &program, Run &run, uint32_t *mask) const;
};

// Follows all tokens from the beginning of a string.
void Vocabulary::Data::findInner(const std::vector<std::string_view> &tokens) {
  Builder builder;
  Budget budget;
  JsonStates states(builder, budget);
  // With a limit that no token reaches, frames count characters.
  const StateId start = states.string({0, kNoLimit - 1});
  const auto program = builder.finish(start, states.character());
  Run run(*program);
  Run::Mark begin;
  run.step(run.begin(), '"', begin);
  std::vector<bool> isInner(tokens.size());
  all.walk(
      run, begin,
      [&](const Run::Mark &mark, const uint32_t *first, const uint32_t *last) {
        const Thread &thread = *std::max_element(
            run.threadsAt(mark), run.threadsAt(mark) + run.countAt(mark),
            [](const Thread &a, const Thread &b) {
              return (a.top != kNoFrame) < (b.top != kNoFrame);
            });
        if (thread.top == kNoFrame)
          return false; // the string has ended
        // Between characters, the frame counts the next one, too.
        const uint32_t characters =
            run.frame(thread.top).count -
            (thread.state == program->character() ? 1 : 0);
        for (; first != last; ++first) {
          isInner[*first] = true;
          inner.push_back({characters, *first});
        }
        return true;
      });
  std::sort(inner.begin(), inner.end(), [](const Inner &a, const Inner &b) {
    return a.characters < b.characters;
  });
  innerMask.resize((tokens.size() + 31) / 32);
  std::vector<uint32_t> rest;
  for (uint32_t token = 0; token < tokens.size(); ++token) {
    if (isInner[token])
      innerMask[token / 32] |= uint32_t{1} << token % 32;
    else if (!tokens[token].empty())
      rest.push_back(token);
  }
  others = Trie(tokens, std::move(rest));
}

// Sets the bits of inner tokens that begin at most `characters` characters.
void Vocabulary::Data::setInner(uint32_t characters, uint32_t *mask) const {
  if (inner.empty())
    return;
  if (inner.back().characters <= characters) {
    for (size_t i = 0; i < innerMask.size(); ++i)
      mask[i] |= innerMask[i];
    return;
  }
  for (const Inner &it : inner) {
    if (it.characters > characters)
      break;
    mask[it.token / 32] |= uint32_t{1} << it.token % 32;
  }
}

Vocabulary::Vocabulary(const std::vector<std::string_view> &tokens) {
  uint64_t bytes = tokens.size();
  for (const std::string_view token : tokens)
    bytes += token.size();
  if (bytes >= uint64_t{1} << 31)
    throw std::length_error("a vocabulary has 2^31 bytes or more");
  auto result = std::make_unique<Data>();
  result->size = tokens.size();
  std::vector<uint32_t> ids;
  for (uint32_t token = 0; token < tokens.size(); ++token)
    if (!tokens[token].empty())
      ids.push_back(token);
  result->all = Trie(tokens, std::move(ids));
  result->findInner(tokens);
  data = std::move(result);
}

Vocabulary::~Vocabulary() = default;

size_t Vocabulary::size() const { return data->size; }

namespace {

/// Checks whether all threads are within strings without restrictions.
class InString {
public:
  InString(const Program &program, const Run &run) : program(program) {
    const Thread *threads = run.threadsAt(run.begin());
    for (size_t i = 0; i < run.countAt(run.begin()); ++i)
      isAll &= look(run, threads[i]);
    // Twice the number of threads must not be too many.
    isAll &= 2 * run.countAt(run.begin()) <= kMaxThreads;
  }

  explicit operator bool() const { return isAll && characters > 0; }
  /// The most characters that may follow before the string ends.
  uint32_t left() const { return characters; }

private:
  bool look(const Run &run, const Thread &thread) {
    const State &state = program.state(thread.state);
    if (thread.state == program.character()) {
      const Frame &frame = run.frame(thread.top);
      const State &loop = program.state(frame.state);
      characters = std::max(characters, loop.max == kNoLimit
                                            ? kNoLimit
                                            : loop.max - frame.count + 1);
      return true;
    }
    // The end of the string, which no inner token takes.
    return state.op == Op::Bytes && state.second == state.first + 1 &&
           program.edges(state.first)->low == '"' &&
           program.edges(state.first)->high == '"';
  }

  const Program &program;
  bool isAll = true;
  uint32_t characters = 0;
};

} // namespace

// Fills the mask with the tokens that go on from the beginning of `run`.
void Vocabulary::Data::follow(const Program &program, Run &run,
                              uint32_t *mask) const {
  std::fill_n(mask, (size + 31) / 32, 0);
  const InString inString(program, run);
  if (inString)
    setInner(inString.left(), mask);
  (inString ? others : all)
      .walk(
          run, run.begin(),
          [&](const Run::Mark &, const uint32_t *first, const uint32_t *last) {
            for (; first != last; ++first)
              mask[*first / 32] |= uint32_t{1} << *first % 32;
            return true;
          });
}

void sherry::grammar::allowedTokens(const Matcher &matcher,
                                    const Vocabulary &vocabulary,
                                    uint32_t *mask) {
  const Program &program = matcher.program();
  Run run(program, matcher.frames, matcher.threads);
  run.limit(kMostWork);
  vocabulary.data->follow(program, run, mask);
  if (!run.isSpent())
    return;
  // A few threads suffice, because each thread can be completed.
  std::vector<Thread> threads = matcher.threads;
  threads.resize(std::min(kFewThreads, threads.size()));
  Run few(program, matcher.frames, threads);
  few.limit(kMostWork);
  vocabulary.data->follow(program, few, mask);
}
