//===- Link.h - Exchanges, counted, and slower on demand --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_LINK_H
#define SHERRY_RUNTIME_LINK_H

#include "Exchange.h"

#include <atomic>
#include <memory>

namespace sherry::runtime {

/// Forwards to another exchange and counts its bytes. It can simulate a
/// network: a rank then waits `latency` seconds more for the messages of the
/// others, plus the time that their bytes take one after the other.
class Link : public Exchange {
public:
  explicit Link(std::unique_ptr<Exchange> exchange)
      : exchange(std::move(exchange)) {}

  /// Simulates a network. `bandwidth` is in bytes per second, at least 1;
  /// `latency` in seconds, above 0 and at most 10. Throws Error otherwise.
  void simulate(double bandwidth, double latency);
  /// Bytes that allGather() has received from the other ranks in calls.
  uint64_t bytesReceived() const { return received; }

  uint32_t rank() const override { return exchange->rank(); }
  uint32_t size() const override { return exchange->size(); }
  void allGather(const void *mine, void *all, size_t bytes,
                 bool isPatient) override;
  void broadcast(void *data, size_t bytes) override;
  void end() override { exchange->end(); }
  void leave(int exitCode) override { exchange->leave(exitCode); }

private:
  double secondsOf(size_t bytes) const;

  std::unique_ptr<Exchange> exchange;
  double perByte = 0, latency = 0; ///< seconds; 0: no simulation
  bool hasMessage = false;         ///< from rank 0, since the last exchange
  std::atomic<uint64_t> received = 0;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_LINK_H
