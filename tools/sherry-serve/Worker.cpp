//===- Worker.cpp - The thread for all that is not evaluation -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Worker.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace sherry::serve;

static constexpr int kNice = 10;

Worker::Worker() : thread([this] { run(); }) {}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex);
    isStopping = true;
  }
  changed.notify_all();
  if (thread.joinable())
    thread.join();
}

void Worker::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(work));
  }
  changed.notify_one();
}

void Worker::run() {
  // Linux has a priority for each thread. If this fails, everything works, but
  // slower.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)),
                    kNice);
  while (true) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return isStopping || !queue.empty(); });
      if (isStopping)
        return;
      work = std::move(queue.front());
      queue.pop_front();
    }
    work();
  }
}
