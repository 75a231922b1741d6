//===- prefix_fuzzer.cpp - Fuzzes files of saved sequences ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a file; and, such that more than its checksum is looked at, a
// file whose header has been made right as far as it does not say sizes. What
// is accepted has tokens of the model.
//
//===----------------------------------------------------------------------===//
#include "PrefixFile.h"
#include "sherry/support/Error.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

using namespace sherry::runtime;

static constexpr sherry_abi_checksum model = {1, 2};
static constexpr uint32_t vocabSize = 256, capacity = 300;

static void load(const std::string &bytes, PagePool &pool) {
  const int fd = memfd_create("prefix", MFD_CLOEXEC);
  if (fd < 0 || write(fd, bytes.data(), bytes.size()) !=
                    static_cast<ssize_t>(bytes.size()))
    std::abort();
  try {
    const Sequence sequence = readPrefix("/proc/self/fd/" + std::to_string(fd),
                                         model, vocabSize, pool, capacity);
    if (sequence.length() > capacity)
      std::abort();
    for (int32_t token : sequence.tokens())
      if (token < 0 || static_cast<uint32_t>(token) >= vocabSize)
        std::abort();
  } catch (const Error &) {
    // Refused; anything else ends the program.
  }
  close(fd);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  PagePool pool(SHERRY_ABI_PAGE_POSITIONS, 8, "pages");
  std::string bytes(reinterpret_cast<const char *>(data), size);
  load(bytes, pool);
  constexpr size_t headerSize = 48;
  if (bytes.size() < headerSize)
    return 0;
  auto set = [&](size_t at, auto value) {
    std::memcpy(&bytes[at], &value, sizeof(value));
  };
  auto checksum = [&](size_t from, size_t to) {
    return static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef *>(&bytes[from]),
              static_cast<uInt>(to - from)));
  };
  std::memcpy(&bytes[0], "SHERRYKV", 8);
  set(8, uint32_t{SHERRY_ABI_VERSION});
  set(12, static_cast<uint32_t>(headerSize));
  set(16, model);
  set(24, uint64_t{SHERRY_ABI_PAGE_POSITIONS});
  if (bytes.size() > headerSize)
    set(40, checksum(headerSize, bytes.size()));
  set(44, checksum(0, 44));
  load(bytes, pool);
  if (pool.available() != pool.size())
    std::abort();
  return 0;
}
