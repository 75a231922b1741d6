//===- Run.h - Follows an automaton -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the bytes so far may mean is a set of threads, nearly always one or two:
// each is a state before a byte and a stack. Stacks share their lower frames,
// which never change, so that threads fork and steps are taken back at once.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_GRAMMAR_RUN_H
#define SHERRY_GRAMMAR_RUN_H

#include "Program.h"
#include "sherry/grammar/Matcher.h"

#include <algorithm>

namespace sherry::grammar {

inline constexpr uint32_t kNoFrame = UINT32_MAX;

class Run {
public:
  /// The threads after one byte, and what was there with them.
  struct Mark {
    size_t threadsBegin, threadsEnd, frames;
  };

  /// Begins an answer. `program` must live as long.
  explicit Run(const Program &program);
  /// Goes on with one.
  Run(const Program &program, const std::vector<Frame> &frames,
      const std::vector<Thread> &threads);

  /// Where it has begun.
  Mark begin() const { return {0, initial.threads, initial.frames}; }
  /// Drops all that came after `from`, and takes `byte` there. Returns whether
  /// a thread is left; `after` is where it has come to.
  bool step(const Mark &from, uint8_t byte, Mark &after);
  /// The same with all of `bytes`.
  bool step(const Mark &from, std::string_view bytes, Mark &after);

  /// Lets steps find no thread once they have taken so much work, about a
  /// nanosecond for each unit.
  void limit(size_t work) { left = work; }
  bool isSpent() const { return left == 0; }

  const Thread *threadsAt(const Mark &mark) const {
    return threads.data() + mark.threadsBegin;
  }
  size_t countAt(const Mark &mark) const {
    return mark.threadsEnd - mark.threadsBegin;
  }
  const Frame &frame(uint32_t index) const { return frames[index]; }

  /// Gives the threads at `mark` and the frames that they need.
  void take(const Mark &mark, std::vector<Frame> &toFrames,
            std::vector<Thread> &toThreads) const;

private:
  struct Item {
    StateId state;
    uint32_t top;
    uint32_t count; ///< how often a loop has begun
  };
  uint32_t depth(uint32_t top) const {
    return top == kNoFrame ? 0 : frames[top].depth;
  }
  void enter(const Item &item);
  void expand(const Item &item);
  void addThread(StateId state, uint32_t top);
  uint32_t push(StateId state, uint32_t count, uint32_t parent);
  void spend(size_t work) { left -= std::min(left, work); }

  const Program &program;
  std::vector<Frame> frames;
  std::vector<Thread> threads;
  std::vector<Item> work;
  struct {
    size_t threads, frames;
  } initial;
  size_t left = SIZE_MAX;                 ///< of the work that may be done
  size_t levelBegin = 0, levelFrames = 0; ///< of the step being taken
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_RUN_H
