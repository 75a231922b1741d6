//===- Exchange.h - How a rank reaches the others ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_EXCHANGE_H
#define SHERRY_RUNTIME_EXCHANGE_H

#include <cstddef>
#include <cstdint>

namespace sherry::runtime {

/// A rank's way to the others that run a model with it. All ranks come to the
/// same calls in the same order and with the same sizes, one at a time, from
/// any thread. A call throws Error if a rank is gone, and so do all after it.
class Exchange {
public:
  virtual ~Exchange() = default;

  virtual uint32_t rank() const = 0;
  virtual uint32_t size() const = 0;

  /// Brings the `bytes` bytes at `mine` of all ranks, in their order, to `all`.
  /// If `isPatient`, the ranks wait for each other for any time; else one that
  /// comes minutes late is gone.
  virtual void allGather(const void *mine, void *all, size_t bytes,
                         bool isPatient) = 0;
  /// Brings the bytes at `data` of rank 0 to `data` of the others, which may
  /// wait for them for any time.
  virtual void broadcast(void *data, size_t bytes) = 0;
  /// The ranks part: all of them know that there are no more calls.
  virtual void end() {}
  /// The last of all; lets go of the ranks if they have parted. If that is not
  /// possible, the process may end, with `exitCode`.
  virtual void leave(int exitCode) { (void)exitCode; }
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_EXCHANGE_H
