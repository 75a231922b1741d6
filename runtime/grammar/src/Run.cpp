//===- Run.cpp - Follows an automaton -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Run.h"

#include <algorithm>

using namespace sherry::grammar;

Run::Run(const Program &program) : program(program) {
  enter({program.start(), kNoFrame, 0});
  initial = {threads.size(), frames.size()};
}

Run::Run(const Program &program, const std::vector<Frame> &frames,
         const std::vector<Thread> &threads)
    : program(program), frames(frames),
      threads(threads), initial{threads.size(), frames.size()} {}

bool Run::step(const Mark &from, uint8_t byte, Mark &after) {
  threads.resize(from.threadsEnd);
  frames.resize(from.frames);
  levelBegin = from.threadsEnd;
  levelFrames = from.frames;
  spend(4 * (from.threadsEnd - from.threadsBegin));
  if (isSpent()) {
    after = {levelBegin, levelBegin, levelFrames};
    return false;
  }
  for (size_t i = from.threadsBegin; i < from.threadsEnd; ++i) {
    const Thread thread = threads[i];
    const State &state = program.state(thread.state);
    if (state.op != Op::Bytes)
      continue; // the answer has ended
    const Edge *edge = program.edges(state.first);
    for (const Edge *end = program.edges(state.second); edge != end; ++edge) {
      if (byte < edge->low || byte > edge->high)
        continue;
      // The most frequent case, which needs no closure.
      if (program.state(edge->target).op == Op::Bytes) {
        if (depth(thread.top) + program.need(edge->target) <= kMaxDepth)
          addThread(edge->target, thread.top);
      } else {
        enter({edge->target, thread.top, 0});
      }
      break;
    }
  }
  after = {levelBegin, threads.size(), frames.size()};
  return after.threadsBegin != after.threadsEnd;
}

bool Run::step(const Mark &from, std::string_view bytes, Mark &after) {
  Mark mark = from;
  for (const char byte : bytes)
    if (!step(mark, static_cast<uint8_t>(byte), mark))
      return false;
  after = mark;
  return true;
}

void Run::enter(const Item &item) {
  work.push_back(item);
  while (!work.empty()) {
    const Item next = work.back();
    work.pop_back();
    if (depth(next.top) + program.need(next.state) <= kMaxDepth)
      expand(next);
  }
}

void Run::expand(const Item &item) {
  const State &state = program.state(item.state);
  switch (state.op) {
  case Op::Bytes:
    addThread(item.state, item.top);
    break;
  case Op::Return:
    if (item.top == kNoFrame) {
      addThread(kReturn, kNoFrame);
    } else {
      const Frame &frame = frames[item.top];
      work.push_back({frame.state, frame.parent, frame.count});
    }
    break;
  case Op::Fork:
    for (uint32_t i = state.first; i < state.second; ++i)
      work.push_back({program.target(i), item.top, 0});
    break;
  case Op::Call:
    // A call before a return needs no frame.
    work.push_back(
        {state.first,
         state.second == kReturn ? item.top : push(state.second, 0, item.top),
         0});
    break;
  case Op::Loop:
    if (item.count >= state.min)
      work.push_back({state.second, item.top, 0});
    if (item.count < state.max) {
      // Without a maximum, all counts beyond the minimum are equivalent.
      const uint32_t count = state.max == kNoLimit
                                 ? std::min(item.count + 1, state.min)
                                 : item.count + 1;
      work.push_back({state.first, push(item.state, count, item.top), 0});
    }
    break;
  }
}

void Run::addThread(StateId state, uint32_t top) {
  spend(4 + threads.size() - levelBegin);
  for (size_t i = levelBegin; i < threads.size(); ++i)
    if (threads[i].state == state && threads[i].top == top)
      return;
  // Threads that are left out are not needed: each of the others can be
  // completed.
  if (threads.size() - levelBegin < kMaxThreads)
    threads.push_back({state, top});
}

uint32_t Run::push(StateId state, uint32_t count, uint32_t parent) {
  spend(4 + frames.size() - levelFrames);
  // Reuses equal frames; otherwise threads that differ only in copies of frames
  // would multiply.
  for (size_t i = levelFrames; i < frames.size(); ++i)
    if (frames[i].state == state && frames[i].count == count &&
        frames[i].parent == parent)
      return static_cast<uint32_t>(i);
  frames.push_back({state, count, parent, depth(parent) + 1});
  return static_cast<uint32_t>(frames.size() - 1);
}

void Run::take(const Mark &mark, std::vector<Frame> &toFrames,
               std::vector<Thread> &toThreads) const {
  std::vector<uint32_t> places(mark.frames, kNoFrame);
  std::vector<uint32_t> path;
  toFrames.clear();
  toThreads.clear();
  for (size_t i = mark.threadsBegin; i < mark.threadsEnd; ++i) {
    path.clear();
    for (uint32_t f = threads[i].top; f != kNoFrame && places[f] == kNoFrame;
         f = frames[f].parent)
      path.push_back(f);
    while (!path.empty()) {
      const Frame &frame = frames[path.back()];
      places[path.back()] = static_cast<uint32_t>(toFrames.size());
      toFrames.push_back(
          {frame.state, frame.count,
           frame.parent == kNoFrame ? kNoFrame : places[frame.parent],
           frame.depth});
      path.pop_back();
    }
    toThreads.push_back({threads[i].state, threads[i].top == kNoFrame
                                               ? kNoFrame
                                               : places[threads[i].top]});
  }
}
