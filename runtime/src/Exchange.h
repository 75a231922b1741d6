//===- Exchange.h - Connects a rank with the others -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_EXCHANGE_H
#define SHERRY_RUNTIME_EXCHANGE_H

#include <cstddef>
#include <cstdint>

namespace sherry::runtime {

/// The connection of a rank with the other ranks of its model. All ranks make
/// the same calls in the same order and with the same sizes, one at a time,
/// from any thread. A call throws Error if a rank is gone; all later calls then
/// throw, too.
class Exchange {
public:
  virtual ~Exchange() = default;

  virtual uint32_t rank() const = 0;
  virtual uint32_t size() const = 0;

  /// Copies the `bytes` bytes at `mine` of all ranks, in the order of the
  /// ranks, to `all` [size() * bytes]. If `isPatient`, ranks wait for each
  /// other without a limit; else a rank that is minutes late counts as gone.
  virtual void allGather(const void *mine, void *all, size_t bytes,
                         bool isPatient) = 0;
  /// Copies the `bytes` bytes at `data` of rank 0 to `data` of the other ranks,
  /// which wait without a limit.
  virtual void broadcast(void *data, size_t bytes) = 0;
  /// Ends the connection; all ranks know that there are no more calls.
  virtual void end() {}
  /// Disconnects after end(); to be called last. If this is not possible, the
  /// function may end the process with `exitCode`.
  virtual void leave(int exitCode) { (void)exitCode; }
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_EXCHANGE_H
