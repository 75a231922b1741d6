//===- Run.h - Follows an automaton -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The possible meanings of the bytes so far are a set of threads, nearly always
// one or two. Each thread is a state before a byte, and a stack. Stacks share
// their lower frames, which never change, so forking a thread and undoing a
// step are fast.
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
  /// The threads after one byte, and the frames at this point.
  struct Mark {
    size_t threadsBegin, threadsEnd, frames;
  };

  /// Begins an answer. `program` must outlive the run.
  explicit Run(const Program &program);
  /// Continues an answer.
  Run(const Program &program, const std::vector<Frame> &frames,
      const std::vector<Thread> &threads);

  /// The mark at the beginning.
  Mark begin() const { return {0, initial.threads, initial.frames}; }
  /// Drops everything after `from` and takes `byte` there. Returns whether a
  /// thread is left; sets `after` to the mark after the byte.
  bool step(const Mark &from, uint8_t byte, Mark &after);
  /// The same with all of `bytes`.
  bool step(const Mark &from, std::string_view bytes, Mark &after);

  /// Limits the work of later steps, in units of about a nanosecond; beyond the
  /// limit they find no thread.
  void limit(size_t work) { left = work; }
  bool isSpent() const { return left == 0; }

  const Thread *threadsAt(const Mark &mark) const {
    return threads.data() + mark.threadsBegin;
  }
  size_t countAt(const Mark &mark) const {
    return mark.threadsEnd - mark.threadsBegin;
  }
  const Frame &frame(uint32_t index) const { return frames[index]; }

  /// Copies the threads at `mark` and the frames that they need.
  void take(const Mark &mark, std::vector<Frame> &toFrames,
            std::vector<Thread> &toThreads) const;

private:
  struct Item {
    StateId state;
    uint32_t top;
    uint32_t count; ///< begun iterations of a loop
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
  size_t left = SIZE_MAX;                 ///< of the allowed work
  size_t levelBegin = 0, levelFrames = 0; ///< of the step being taken
};

} // namespace sherry::grammar

#endif // SHERRY_GRAMMAR_RUN_H
