//===- ElfCheckTest.cpp - Tests with damaged models -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each damage of the headers is either refused with a message or harmless, even
// if the checksum is that of the damaged file: then the model works as before.
// The whole way is taken, dynamic loader included. For damage elsewhere see
// ChecksumTest.cpp.
//
//===----------------------------------------------------------------------===//
#include "Demo/AddChecksum.h"
#include "TestSupport.h"

#include <algorithm>
#include <cstring>
#include <elf.h>

using namespace sherry::test;

namespace {

class DamagedModel : public testing::Test {
protected:
  /// The error for a file of these bytes with its checksum; empty if it opens
  /// and then gives the right token.
  std::string tryModel(std::string_view bytes) {
    const std::string path = folder.path("damaged.so");
    // A new file: the loader knows the one before by its inode.
    std::filesystem::remove(path);
    writeBytes(path, bytes);
    try {
      addChecksum(path);
    } catch (const sherry::runtime::Error &) {
      // Not read when the file is opened, either.
    }
    ModelPtr model(sherry_model_open(path.c_str(), SHERRY_WEIGHTS_COPIED));
    if (!model) {
      EXPECT_CONTAINS(sherry_error_message(), "damaged.so: ");
      return sherry_error_message();
    }
    sherry_context_options options = {0, 0, 1};
    ContextPtr context(sherry_context_create(model.get(), &options));
    const std::vector<int32_t> tokens = {3, 1, 4, 1, 5};
    EXPECT_EQ(sherry_eval(context.get(), tokens.data(), 5, SHERRY_LOGITS_LAST,
                          nullptr, nullptr),
              0);
    const float *logits = sherry_context_logits(context.get());
    EXPECT_EQ(std::max_element(logits, logits + 262) - logits,
              demoNext(tokens, 5));
    return "";
  }

  template <typename T> T read(size_t offset) const {
    T value;
    std::memcpy(&value, good.data() + offset, sizeof(T));
    return value;
  }

  /// The file with another value at `offset`.
  template <typename T> std::string with(size_t offset, T value) const {
    std::string bytes = good;
    std::memcpy(bytes.data() + offset, &value, sizeof(T));
    return bytes;
  }

  /// Sets the field at `offset` to extremes; returns how many were refused.
  template <typename T> int mutate(size_t offset) {
    const auto old = read<T>(offset);
    const T high = T{1} << (8 * sizeof(T) - 1);
    int refused = 0;
    for (T value :
         {T(0), T(1), T(old - 1), T(old + 1), T(old ^ 0x1000), T(old * 2),
          T(high - 1), high, T(~T(0)), T(~T(0) - 0xfff), T(good.size())}) {
      SCOPED_TRACE("offset " + std::to_string(offset) + " = " +
                   std::to_string(value));
      refused += value != old && !tryModel(with(offset, value)).empty();
    }
    return refused;
  }

  TempFolder folder;
  const std::string good = readBytes(demoPath());
  const Elf64_Ehdr header = read<Elf64_Ehdr>(0);
};

} // namespace

TEST_F(DamagedModel, TheWholeOneWorks) { EXPECT_EQ(tryModel(good), ""); }

TEST_F(DamagedModel, TruncatedAnywhere) {
  for (size_t size = 0; size < good.size(); size += 64)
    EXPECT_NE(tryModel(std::string_view(good).substr(0, size)), "") << size;
  EXPECT_NE(tryModel(std::string_view(good).substr(0, good.size() - 1)), "");
}

TEST_F(DamagedModel, ElfHeader) {
  for (size_t offset = 0; offset < EI_NIDENT; ++offset)
    EXPECT_GT(mutate<uint8_t>(offset), 0) << offset;
#define EXPECT_GUARDED(field)                                                  \
  EXPECT_GT(mutate<decltype(Elf64_Ehdr::field)>(offsetof(Elf64_Ehdr, field)), 5)
  EXPECT_GUARDED(e_type);
  EXPECT_GUARDED(e_machine);
  EXPECT_GUARDED(e_version);
  EXPECT_GUARDED(e_phoff);
  EXPECT_GUARDED(e_shoff);
  EXPECT_GUARDED(e_ehsize);
  EXPECT_GUARDED(e_phentsize);
  EXPECT_GUARDED(e_phnum);
  EXPECT_GUARDED(e_shentsize);
  EXPECT_GUARDED(e_shnum);
  EXPECT_GUARDED(e_shstrndx);
#undef EXPECT_GUARDED
  // Nobody looks at these.
  EXPECT_EQ(mutate<Elf64_Addr>(offsetof(Elf64_Ehdr, e_entry)), 0);
  EXPECT_EQ(mutate<Elf64_Word>(offsetof(Elf64_Ehdr, e_flags)), 0);
}

TEST_F(DamagedModel, ProgramHeaders) {
  for (int i = 0; i < header.e_phnum; ++i) {
    const size_t offset = header.e_phoff + i * sizeof(Elf64_Phdr);
    const auto segment = read<Elf64_Phdr>(offset);
    mutate<Elf64_Word>(offset + offsetof(Elf64_Phdr, p_type));
    mutate<Elf64_Word>(offset + offsetof(Elf64_Phdr, p_flags));
    int refused = 0;
    for (size_t field :
         {offsetof(Elf64_Phdr, p_offset), offsetof(Elf64_Phdr, p_vaddr),
          offsetof(Elf64_Phdr, p_paddr), offsetof(Elf64_Phdr, p_filesz),
          offsetof(Elf64_Phdr, p_memsz), offsetof(Elf64_Phdr, p_align)})
      refused += mutate<uint64_t>(offset + field);
    EXPECT_GE(refused, segment.p_type == PT_LOAD ? 30 : 0) << i;
  }
}

TEST_F(DamagedModel, SectionHeaders) {
  for (int i = 0; i < header.e_shnum; ++i) {
    const size_t offset = header.e_shoff + i * sizeof(Elf64_Shdr);
    for (size_t field :
         {offsetof(Elf64_Shdr, sh_name), offsetof(Elf64_Shdr, sh_type),
          offsetof(Elf64_Shdr, sh_link), offsetof(Elf64_Shdr, sh_info)})
      mutate<Elf64_Word>(offset + field);
    int refused = 0;
    for (size_t field :
         {offsetof(Elf64_Shdr, sh_flags), offsetof(Elf64_Shdr, sh_addr),
          offsetof(Elf64_Shdr, sh_offset), offsetof(Elf64_Shdr, sh_size)})
      refused += mutate<uint64_t>(offset + field);
    const auto section = read<Elf64_Shdr>(offset);
    EXPECT_GE(refused, section.sh_flags & SHF_ALLOC ? 20 : 1) << i;
    mutate<uint64_t>(offset + offsetof(Elf64_Shdr, sh_addralign));
    mutate<uint64_t>(offset + offsetof(Elf64_Shdr, sh_entsize));
  }
}

TEST_F(DamagedModel, ChecksumSection) {
  sherry::runtime::File file(demoPath());
  const auto sections = sherry::runtime::checkElf(file);
  for (int i = 1; i < header.e_shnum; ++i) {
    const size_t offset = header.e_shoff + i * sizeof(Elf64_Shdr);
    const auto section = read<Elf64_Shdr>(offset);
    if (section.sh_offset != sections.checksum.offset ||
        section.sh_size != sizeof(sherry_abi_identity))
      continue;
    EXPECT_CONTAINS(
        tryModel(with(offset + offsetof(Elf64_Shdr, sh_size), uint64_t{7})),
        "wrong size of .sherry.checksum");
    for (uint64_t place :
         {sections.weights.offset - 4, sections.weights.offset + 8,
          sections.weights.end() - 4})
      EXPECT_CONTAINS(
          tryModel(with(offset + offsetof(Elf64_Shdr, sh_offset), place)),
          ".sherry.checksum overlaps the weights");
    return;
  }
  FAIL() << "the demo model has no .sherry.checksum";
}

TEST_F(DamagedModel, WeightsSection) {
  const auto names =
      read<Elf64_Shdr>(header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr));
  for (int i = 1; i < header.e_shnum; ++i) {
    const size_t offset = header.e_shoff + i * sizeof(Elf64_Shdr);
    const auto section = read<Elf64_Shdr>(offset);
    if (good.c_str() + names.sh_offset + section.sh_name !=
        std::string(".sherry.weights"))
      continue;
    auto withField = [&](size_t field, auto value) {
      return tryModel(with(offset + field, value));
    };
    EXPECT_CONTAINS(withField(offsetof(Elf64_Shdr, sh_name), uint32_t{0}),
                    "has no section .sherry.weights");
    EXPECT_CONTAINS(
        withField(offsetof(Elf64_Shdr, sh_offset), section.sh_offset + 64),
        "misaligned");
    EXPECT_CONTAINS(withField(offsetof(Elf64_Shdr, sh_size), uint64_t{0}),
                    "must not be empty");
    EXPECT_CONTAINS(withField(offsetof(Elf64_Shdr, sh_size), uint64_t{4096}),
                    "weights_size: 16384");
    EXPECT_CONTAINS(withField(offsetof(Elf64_Shdr, sh_type), uint32_t{2}),
                    "must not be");
    sherry::runtime::File file(demoPath());
    auto sections = sherry::runtime::checkElf(file);
    EXPECT_EQ(sections.weights.offset, section.sh_offset);
    EXPECT_EQ(sections.weights.size, 16384U);
    return;
  }
  FAIL() << "the demo model has no .sherry.weights";
}
