//===- Worker.h - The thread for all that is not evaluation -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_WORKER_H
#define SHERRY_TOOLS_SERVE_WORKER_H

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace sherry::serve {

/// A thread of low priority that does one task after the other: JSON, templates
/// and tokens must not take processor time from the evaluation.
class Worker {
public:
  Worker();
  ~Worker() { stop(); }

  /// Ends the thread after the current task. Tasks that have not begun are
  /// dropped.
  void stop();

  /// Adds a task. `work` must not throw. For any thread.
  void post(std::function<void()> work);

private:
  void run();

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool isStopping = false;
  std::thread thread;
};

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_WORKER_H
