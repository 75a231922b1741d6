//===- Memory.cpp - Limits the memory that a template takes ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Memory.h"
#include "sherry/text/jinja/Error.h"

using namespace sherry::jinja;

namespace {

struct Account {
  /// May be negative in a thread that destroys values of other threads.
  int64_t live = 0;
  int64_t limit = INT64_MAX; ///< of `live`
  size_t bytes = 0;          ///< that the limit allows; 0: no limit
};

} // namespace

static thread_local Account account;

Footprint::Footprint(Footprint &&other) noexcept
    : bytes(std::exchange(other.bytes, overhead)) {
  account.live += static_cast<int64_t>(overhead);
}

Footprint::~Footprint() { account.live -= static_cast<int64_t>(bytes); }

void Footprint::grow(size_t more) {
  const auto size = static_cast<int64_t>(more);
  if (account.bytes != 0 && account.live + size > account.limit)
    throw Error("the template takes more than " +
                std::to_string(account.bytes) + " bytes of memory");
  account.live += size;
  bytes += more;
}

MemoryLimit::MemoryLimit(size_t bytes)
    : oldLimit(account.limit), oldBytes(account.bytes) {
  account.limit = account.live + static_cast<int64_t>(bytes);
  account.bytes = bytes;
}

MemoryLimit::~MemoryLimit() {
  account.limit = oldLimit;
  account.bytes = oldBytes;
}
