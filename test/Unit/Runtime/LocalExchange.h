//===- LocalExchange.h - Ranks that are threads of a process ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_RUNTIME_LOCALEXCHANGE_H
#define SHERRY_TEST_UNIT_RUNTIME_LOCALEXCHANGE_H

#include "Exchange.h"
#include "sherry/support/Error.h"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace sherry::test {

/// Where the ranks meet.
class Meeting {
public:
  explicit Meeting(uint32_t size) : offers(size) {}

  uint32_t size() const { return static_cast<uint32_t>(offers.size()); }
  /// Gives `offer` to the others; `take` is called with those of all, which
  /// wait until it has returned on all ranks.
  template <typename Function>
  void meet(uint32_t rank, const void *offer, size_t bytes, Function take) {
    offers[rank] = {offer, bytes};
    wait();
    for (const Offer &other : offers)
      if (other.bytes != bytes)
        throw runtime::Error("ranks exchange " + std::to_string(bytes) +
                             " and " + std::to_string(other.bytes) + " bytes");
    take();
    wait();
  }
  const void *offerOf(uint32_t rank) const { return offers[rank].data; }

private:
  struct Offer {
    const void *data;
    size_t bytes;
  };

  void wait() {
    std::unique_lock<std::mutex> lock(mutex);
    const uint64_t round = rounds;
    if (++arrived == size()) {
      arrived = 0;
      ++rounds;
      allHaveArrived.notify_all();
      return;
    }
    allHaveArrived.wait(lock, [&] { return rounds != round; });
  }

  std::vector<Offer> offers;
  std::mutex mutex;
  std::condition_variable allHaveArrived;
  uint32_t arrived = 0;
  uint64_t rounds = 0;
};

class LocalExchange : public runtime::Exchange {
public:
  LocalExchange(Meeting &meeting, uint32_t rank)
      : meeting(meeting), mine(rank) {}

  uint32_t rank() const override { return mine; }
  uint32_t size() const override { return meeting.size(); }
  void allGather(const void *data, void *all, size_t bytes, bool) override {
    meeting.meet(mine, data, bytes, [&] {
      for (uint32_t rank = 0; rank < size(); ++rank)
        std::memcpy(static_cast<char *>(all) + rank * bytes,
                    meeting.offerOf(rank), bytes);
    });
  }
  void broadcast(void *data, size_t bytes) override {
    meeting.meet(mine, data, bytes, [&] {
      if (mine != 0)
        std::memcpy(data, meeting.offerOf(0), bytes);
    });
  }

private:
  Meeting &meeting;
  uint32_t mine;
};

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_RUNTIME_LOCALEXCHANGE_H
