//===- Checksum.cpp - Checks that a model is undamaged --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Checksum.h"
#include "sherry/support/Error.h"
#include "sherry/support/Parallel.h"

#include <algorithm>
#include <vector>
#include <zlib.h>

using namespace sherry::runtime;

/// A number of bytes that fits zlib's types.
static constexpr uint64_t pieceSize = 1 << 20;

static uint32_t extend(uint32_t checksum, const uint8_t *bytes, uint64_t size) {
  return static_cast<uint32_t>(crc32(checksum, bytes, static_cast<uInt>(size)));
}

uint32_t sherry::runtime::checksumOfPiece(const uint8_t *bytes, uint64_t size) {
  uint32_t checksum = 0;
  for (uint64_t at = 0; at < size; at += pieceSize)
    checksum = extend(checksum, bytes + at, std::min(pieceSize, size - at));
  return checksum;
}

uint32_t sherry::runtime::computeCodeChecksum(const File &file,
                                              const ModelSections &sections) {
  const bool weightsFirst = sections.weights.offset < sections.checksum.offset;
  const FileRange gaps[] = {weightsFirst ? sections.weights : sections.checksum,
                            weightsFirst ? sections.checksum : sections.weights,
                            {file.size(), 0}};
  std::vector<uint8_t> buffer;
  uint32_t checksum = 0;
  uint64_t at = 0;
  for (const FileRange &gap : gaps) {
    while (at < gap.offset) {
      buffer.resize(std::min(pieceSize, gap.offset - at));
      file.read(at, buffer.data(), buffer.size());
      checksum = extend(checksum, buffer.data(), buffer.size());
      at += buffer.size();
    }
    at = gap.end();
  }
  return checksum;
}

uint32_t sherry::runtime::computeChecksum(const uint8_t *bytes, uint64_t size) {
  std::vector<uint32_t> pieces((size + pieceSize - 1) / pieceSize);
  auto sizeOf = [&](uint64_t i) {
    return std::min(pieceSize, size - i * pieceSize);
  };
  parallelFor(pieces.size(), [&](uint64_t i) {
    pieces[i] = extend(0, bytes + i * pieceSize, sizeOf(i));
  });
  uint32_t checksum = 0;
  for (uint64_t i = 0; i < pieces.size(); ++i)
    checksum = static_cast<uint32_t>(
        crc32_combine(checksum, pieces[i], static_cast<z_off_t>(sizeOf(i))));
  return checksum;
}

sherry_abi_identity sherry::runtime::checkCode(const File &file,
                                               const ModelSections &sections) {
  sherry_abi_identity stored = {};
  file.read(sections.checksum.offset, &stored,
            std::min(sections.checksum.size, uint64_t{sizeof(stored)}));
  if (computeCodeChecksum(file, sections) != stored.file.code)
    throw Error(file.path() +
                ": the code does not match its checksum; the file is damaged, "
                "copy it again or compile the model again");
  return stored;
}
