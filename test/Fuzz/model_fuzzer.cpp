//===- model_fuzzer.cpp - Fuzzes the check of compiled models -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a .so file. It is checked, not loaded: the dynamic loader trusts
// what it loads. Ranges that are found lie within the file and apart. Checksums
// are computed, but need not be right: no input would get further.
//
//===----------------------------------------------------------------------===//
#include "Checksum.h"
#include "sherry/support/Error.h"

#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

using namespace sherry::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int fd = memfd_create("model", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size))
    std::abort();
  try {
    File file("/proc/self/fd/" + std::to_string(fd));
    const auto [weights, checksum] = checkElf(file);
    if (weights.size == 0 || !fits(weights.offset, weights.size, size) ||
        !fits(checksum.offset, checksum.size, size) ||
        (weights.offset < checksum.end() && checksum.offset < weights.end()))
      std::abort();
    computeCodeChecksum(file, {weights, checksum});
  } catch (const Error &) {
    // Refused; anything else ends the program.
  }
  close(fd);
  return 0;
}
