//===- ranks_fuzzer.cpp - Fuzzes what rank 0 tells the others -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is what rank 0 sends, message after message. A rank that follows it
// refuses a message, or makes the call on a model.
//
//===----------------------------------------------------------------------===//
#include "AddChecksum.h"
#include "Ranks.h"
#include "sherry/support/Error.h"

#include <cstring>

using namespace sherry::runtime;

namespace {
class Input : public Exchange {
public:
  Input(const uint8_t *data, size_t size) : data(data), left(size) {}

  uint32_t rank() const override { return 1; }
  uint32_t size() const override { return 2; }
  void allGather(const void *, void *, size_t, bool) override {}
  void broadcast(void *out, size_t bytes) override {
    if (bytes > left)
      throw Error("rank 0 is gone");
    std::memcpy(out, data, bytes);
    data += bytes;
    left -= bytes;
  }

private:
  const uint8_t *data;
  size_t left;
};
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Model model = [] {
    sherry::test::addChecksum(SHERRY_DEMO);
    return Model(SHERRY_DEMO, SHERRY_WEIGHTS_COPIED);
  }();
  Ranks ranks(std::make_unique<Input>(data, size));
  try {
    ranks.follow(model);
  } catch (const Error &) {
    // Refused; anything else ends the program.
  }
  return 0;
}
