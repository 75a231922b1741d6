//===- PrefixFile.cpp - Sequences in files --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file has the header, the tokens [num_tokens] as int32, and the pages. Files
// are not trusted: sizes are checked before anything is read, checksums before
// anything is used.
//
//===----------------------------------------------------------------------===//
#include "PrefixFile.h"
#include "Checksum.h"
#include "sherry/support/Error.h"
#include "sherry/support/Files.h"
#include "sherry/support/Parallel.h"

#include <cstring>
#include <functional>
#include <zlib.h>

using namespace sherry::runtime;

namespace {
constexpr char magic[8] = {'S', 'H', 'E', 'R', 'R', 'Y', 'K', 'V'};

struct Header {
  char magic[8];
  uint32_t abiVersion;
  uint32_t headerSize;
  sherry_abi_checksum model;
  uint64_t pageSize;
  uint32_t numTokens, numPages;
  uint32_t contents; ///< checksum of all bytes after the header
  uint32_t header;   ///< checksum of the fields before this one
};
static_assert(sizeof(Header) == 48, "the same in every file");

uint32_t checksumOf(const Header &header) {
  return static_cast<uint32_t>(crc32(
      0, reinterpret_cast<const Bytef *>(&header), offsetof(Header, header)));
}

/// The checksum of two adjacent ranges, of which the second has `size` bytes.
uint32_t join(uint32_t first, uint32_t second, uint64_t size) {
  return static_cast<uint32_t>(
      crc32_combine(first, second, static_cast<z_off_t>(size)));
}

const uint8_t *bytesOf(const std::vector<int32_t> &tokens) {
  return reinterpret_cast<const uint8_t *>(tokens.data());
}

uint64_t sizeOf(const std::vector<int32_t> &tokens) {
  return tokens.size() * sizeof(int32_t);
}

/// The checksum of tokens and pages, from the checksums of the pages.
uint32_t checksumOf(const std::vector<int32_t> &tokens,
                    const std::vector<uint32_t> &pages, uint64_t pageSize) {
  uint32_t result = computeChecksum(bytesOf(tokens), sizeOf(tokens));
  for (uint32_t page : pages)
    result = join(result, page, pageSize);
  return result;
}

/// Calls `prepare` for each page of a sequence and returns the checksums of the
/// pages after it. All threads take part.
std::vector<uint32_t>
checksumsOfPages(const PagePool &pool, const Sequence &sequence,
                 const std::function<void(uint64_t, uint8_t *)> &prepare) {
  std::vector<uint32_t> result(sequence.pages().size());
  parallelFor(result.size(), [&](uint64_t i) {
    uint8_t *page = pool.page(sequence.pages()[i]);
    prepare(i, page);
    result[i] = checksumOfPiece(page, pool.pageSize());
  });
  return result;
}

Header describe(const sherry_abi_checksum &model, const PagePool &pool,
                const Sequence &sequence) {
  Header header = {};
  std::memcpy(header.magic, magic, sizeof(magic));
  header.abiVersion = SHERRY_ABI_VERSION;
  header.headerSize = sizeof(Header);
  header.model = model;
  header.pageSize = pool.pageSize();
  header.numTokens = sequence.length();
  header.numPages = static_cast<uint32_t>(sequence.pages().size());
  header.contents =
      checksumOf(sequence.tokens(),
                 checksumsOfPages(pool, sequence, [](uint64_t, uint8_t *) {}),
                 pool.pageSize());
  header.header = checksumOf(header);
  return header;
}

Header readHeader(const File &file, const sherry_abi_checksum &model,
                  const PagePool &pool, uint32_t capacity) {
  auto require = [&](bool condition, const std::string &what) {
    if (!condition)
      throw Error(file.path() + ": " + what);
  };
  Header header = {};
  require(file.size() >= sizeof(header), "too short to be a saved sequence");
  file.read(0, &header, sizeof(header));
  require(std::memcmp(header.magic, magic, sizeof(magic)) == 0,
          "is not a saved sequence");
  require(header.abiVersion == SHERRY_ABI_VERSION &&
              header.headerSize == sizeof(Header),
          "was saved by a runtime of ABI version " +
              std::to_string(header.abiVersion) + ", this one has " +
              std::to_string(SHERRY_ABI_VERSION) +
              "; evaluate the tokens again");
  require(checksumOf(header) == header.header, "the header is damaged");
  require(header.model.code == model.code &&
              header.model.weights == model.weights &&
              header.pageSize == pool.pageSize(),
          "was saved with another model; evaluate the tokens again");
  require(header.numTokens <= capacity,
          "has " + std::to_string(header.numTokens) +
              " tokens, which do not fit in a context of " +
              std::to_string(capacity) + " positions");
  require(header.numPages == Sequence::pagesOf(header.numTokens),
          "the header contradicts itself");
  // With this check, no product below overflows.
  require(header.numPages <= pool.size(),
          "needs " + std::to_string(header.numPages) +
              " pages, the context has " + std::to_string(pool.size()));
  const uint64_t size = sizeof(Header) +
                        uint64_t{header.numTokens} * sizeof(int32_t) +
                        header.numPages * header.pageSize;
  require(file.size() == size, "has " + std::to_string(file.size()) +
                                   " bytes instead of " + std::to_string(size) +
                                   "; it was cut off or damaged");
  return header;
}
} // namespace

void sherry::runtime::writePrefix(const std::string &path,
                                  const sherry_abi_checksum &model,
                                  const PagePool &pool,
                                  const Sequence &sequence) {
  const Header header = describe(model, pool, sequence);
  auto view = [](const void *bytes, uint64_t size) {
    return std::string_view(static_cast<const char *>(bytes), size);
  };
  OutputFile file(path);
  file.write(view(&header, sizeof(header)));
  file.write(view(bytesOf(sequence.tokens()), sizeOf(sequence.tokens())));
  for (int32_t page : sequence.pages())
    file.write(view(pool.page(page), pool.pageSize()));
  file.commit();
}

Sequence sherry::runtime::readPrefix(const std::string &path,
                                     const sherry_abi_checksum &model,
                                     uint32_t vocabSize, PagePool &pool,
                                     uint32_t capacity) {
  const File file(path);
  const Header header = readHeader(file, model, pool, capacity);
  std::vector<int32_t> tokens(header.numTokens);
  const uint64_t pagesAt = sizeof(Header) + sizeOf(tokens);
  file.read(sizeof(Header), tokens.data(), sizeOf(tokens));
  Sequence result(pool);
  result.makeRoom(header.numTokens);
  // Computes the checksum of a page while it is in the thread's cache.
  const std::vector<uint32_t> pages =
      checksumsOfPages(pool, result, [&](uint64_t i, uint8_t *page) {
        file.read(pagesAt + i * pool.pageSize(), page, pool.pageSize());
      });
  result.append(tokens.data(), tokens.size());
  if (checksumOf(tokens, pages, pool.pageSize()) != header.contents)
    throw Error(path + ": the contents are damaged");
  for (int32_t token : tokens)
    if (token < 0 || static_cast<uint32_t>(token) >= vocabSize)
      throw Error(path + ": has token " + std::to_string(token) +
                  ", which the model does not know");
  return result;
}
