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

/// Does one thing after the other at a low priority: JSON, templates and
/// tokens must not take the processors from those who evaluate.
class Worker {
public:
  Worker();
  ~Worker() { stop(); }

  /// Ends the thread, after what it is doing. What has not begun never will.
  void stop();

  /// `work` must not throw. From any thread.
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
