//===- ChecksumTest.cpp - Tests with damaged contents ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Checksum.h"
#include "TestSupport.h"
#include "sherry/support/Error.h"

#include <cstring>
#include <elf.h>

using namespace sherry::test;
using namespace sherry::runtime;

/// CRC-32, bit by bit.
static uint32_t slowChecksum(std::string_view bytes) {
  uint32_t remainder = ~0U;
  for (char byte : bytes) {
    remainder ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ (remainder & 1 ? 0xedb88320U : 0);
  }
  return ~remainder;
}

static uint32_t checksumOf(std::string_view bytes) {
  return computeChecksum(reinterpret_cast<const uint8_t *>(bytes.data()),
                         bytes.size());
}

TEST(Checksum, IsCrc32) {
  EXPECT_EQ(checksumOf(""), 0U);
  EXPECT_EQ(checksumOf("123456789"), 0xcbf43926U); // the usual check value
  std::string bytes;
  for (uint32_t i = 0; bytes.size() < (3 << 20) + 5; ++i)
    bytes += static_cast<char>(i * i >> 7);
  EXPECT_EQ(checksumOf(bytes), slowChecksum(bytes));
}

namespace {

class DamagedContents : public testing::Test {
protected:
  void SetUp() override { writeBytes(path, good); }

  /// Why the file with the bits `mask` of a byte turned over cannot be opened;
  /// empty if it can. The file is then as it was.
  std::string errorWith(uint64_t offset, int mask) {
    change(offset, mask);
    const std::string error = openError(path);
    change(offset, mask);
    return error;
  }
  /// The same of sherry_model_verify.
  std::string verifyErrorWith(uint64_t offset, int mask) {
    change(offset, mask);
    const ModelPtr model(
        sherry_model_open(path.c_str(), SHERRY_WEIGHTS_MAPPED));
    const bool failed = !model || sherry_model_verify(model.get()) != 0;
    change(offset, mask);
    return failed ? sherry_error_message() : "";
  }
  void change(uint64_t offset, int mask) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ mask));
    ASSERT_TRUE(file.flush());
  }

  TempFolder folder;
  const std::string path = folder.path("damaged.so");
  const std::string good = readBytes(demoPath());
  const ModelSections sections = checkElf(File(demoPath()));
};

} // namespace

TEST_F(DamagedContents, EveryByteThatIsNoWeightCounts) {
  const auto &[weights, checksum] = sections;
  for (uint64_t i = 0; i < good.size(); ++i) {
    if (i == weights.offset)
      i = weights.end();
    if (i == checksum.offset + offsetof(sherry_abi_checksum, weights))
      i = checksum.end();
    if (i < good.size()) {
      ASSERT_NE(errorWith(i, 1 << i % 8), "") << i;
    }
  }
  EXPECT_EQ(errorWith(0, 0), "");
}

TEST_F(DamagedContents, IsRefusedBeforeCodeIsLoaded) {
  // Half of the relocations' entries would end the loader.
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof(header));
  for (int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, &good[header.e_shoff + i * sizeof(section)],
                sizeof(section));
    if (section.sh_flags & SHF_ALLOC && section.sh_type != SHT_NOBITS) {
      EXPECT_CONTAINS(errorWith(section.sh_offset, 0x80),
                      "damaged.so: the code does not match its checksum");
    }
  }
}

TEST_F(DamagedContents, WeightsAreComparedOnRequest) {
  EXPECT_EQ(verifyErrorWith(0, 0), "");
  const FileRange &weights = sections.weights;
  // Up to the tokenizer, which is read.
  for (uint64_t i = 0; i < 4096; i += 97) {
    EXPECT_EQ(errorWith(weights.offset + i, 2), "");
    EXPECT_CONTAINS(verifyErrorWith(weights.offset + i, 2),
                    "damaged.so: the weights do not match their checksum");
  }
  for (uint64_t i = 4096; i < weights.size; i += 97)
    EXPECT_NE(verifyErrorWith(weights.offset + i, 2), "");
  EXPECT_CONTAINS(verifyErrorWith(weights.end() - 1, 2),
                  "the weights do not match");
  EXPECT_CONTAINS(verifyErrorWith(sections.checksum.offset +
                                      offsetof(sherry_abi_checksum, weights),
                                  2),
                  "the weights do not match");
}

TEST_F(DamagedContents, OtherSizes) {
  writeBytes(path, good + '\0');
  EXPECT_CONTAINS(openError(path), "the code does not match its checksum");
  writeBytes(path, good.substr(0, good.size() - 1));
  EXPECT_CONTAINS(openError(path), "beyond the end of the file");
}

TEST_F(DamagedContents, WithoutChecksum) {
  const size_t name = good.find(".sherry.checksum");
  ASSERT_NE(name, std::string::npos);
  const std::string error = errorWith(name, 1);
  EXPECT_CONTAINS(error, "has no section .sherry.checksum; ");
  EXPECT_CONTAINS(error, "compile the model again");
}
