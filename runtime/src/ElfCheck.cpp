//===- ElfCheck.cpp - Checks the ELF headers of a model -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Field names and their meaning: System V ABI, chapters 4 and 5, and its AMD64
// supplement.
//
//===----------------------------------------------------------------------===//
#include "ElfCheck.h"
#include "X86/Machine.h"
#include "sherry-abi/abi.h"
#include "sherry/support/Error.h"

#include <cstring>
#include <elf.h>
#include <optional>
#include <vector>

using namespace sherry::runtime;

namespace {

/// More than the code of any model needs; sums of such addresses cannot
/// overflow.
constexpr uint64_t maxAddress = uint64_t{1} << 32;
constexpr uint64_t pageSize = 4096;
constexpr uint64_t maxSegmentAlignment = uint64_t{1} << 21;
constexpr uint64_t maxNameBytes = 1 << 20;
constexpr uint16_t maxSegments = 64;

/// The end of the segment's pages.
uint64_t endOfPages(const Elf64_Phdr &load) {
  return (load.p_vaddr + load.p_memsz + pageSize - 1) / pageSize * pageSize;
}

class ElfChecker {
public:
  explicit ElfChecker(const File &file) : file(file) {}
  ModelSections check();

private:
  [[noreturn]] void fail(const std::string &what) const {
    throw Error(file.path() + ": " + what +
                "; the file is damaged, compile the model again");
  }
  void require(bool condition, const char *what) const {
    if (!condition)
      fail(what);
  }
  void requireOf(bool condition, const char *table, size_t index,
                 const char *what) const {
    if (!condition)
      fail(std::string(table) + " " + std::to_string(index) + ": " + what);
  }

  template <typename Entry>
  std::vector<Entry> readTable(uint64_t offset, uint64_t count,
                               const char *name);
  void checkHeader();
  void checkLoads();
  void checkSegments();
  void checkSectionRanges();
  void checkSections();
  std::string readNames() const;
  std::optional<FileRange> findSection(const std::string &names,
                                       const char *name,
                                       uint64_t alignment) const;
  ModelSections findSections() const;
  bool isLoaded(uint64_t address, uint64_t memorySize, uint64_t offset,
                uint64_t size, uint32_t flags) const;

  const File &file;
  Elf64_Ehdr header;
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Shdr> sections;
};

} // namespace

void ElfChecker::checkHeader() {
  if (file.size() < sizeof(header))
    throw Error(file.path() + ": has " + std::to_string(file.size()) +
                " bytes, too few for a compiled model; give the .so that "
                "sherry-compile wrote");
  file.read(0, &header, sizeof(header));
  const unsigned char *ident = header.e_ident;
  if (std::memcmp(ident, ELFMAG, SELFMAG) != 0)
    throw Error(file.path() + ": is not a shared object (no ELF magic at "
                              "offset 0); give the .so that sherry-compile "
                              "wrote");
  if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kElfMachine || header.e_type != ET_DYN)
    throw Error(file.path() + ": is not a shared object for " + kMachineName +
                "; give the .so that sherry-compile wrote");
  require(ident[EI_VERSION] == EV_CURRENT && header.e_version == EV_CURRENT,
          "ELF header: unknown version");
  require(ident[EI_OSABI] == ELFOSABI_NONE || ident[EI_OSABI] == ELFOSABI_GNU,
          "ELF header: unknown operating system");
  for (int i = EI_ABIVERSION; i < EI_NIDENT; ++i)
    require(ident[i] == 0, "ELF header: padding of e_ident is not zero");
  require(header.e_ehsize == sizeof(Elf64_Ehdr) &&
              header.e_phentsize == sizeof(Elf64_Phdr) &&
              header.e_shentsize == sizeof(Elf64_Shdr),
          "ELF header: wrong size of an entry");
  require(header.e_phnum > 0 && header.e_phnum <= maxSegments,
          "ELF header: e_phnum out of range");
  require(header.e_shnum > 0 && header.e_shnum < SHN_LORESERVE &&
              header.e_shstrndx < header.e_shnum,
          "ELF header: e_shnum or e_shstrndx out of range");
}

template <typename Entry>
std::vector<Entry> ElfChecker::readTable(uint64_t offset, uint64_t count,
                                         const char *name) {
  uint64_t size = count * sizeof(Entry); // count has 16 bits
  if (!fits(offset, size, file.size()))
    fail(std::string(name) + ": " + std::to_string(size) + " bytes at offset " +
         std::to_string(offset) +
         " lie beyond the end of the file, which has " +
         std::to_string(file.size()) + " bytes");
  require(offset % alignof(Entry) == 0, "ELF header: misaligned table");
  std::vector<Entry> table(count);
  file.read(offset, table.data(), size);
  return table;
}

void ElfChecker::checkLoads() {
  uint64_t end = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Elf64_Phdr &load = segments[i];
    if (load.p_type != PT_LOAD)
      continue;
    auto check = [&](bool condition, const char *what) {
      requireOf(condition, "program header", i, what);
    };
    check(fits(load.p_offset, load.p_filesz, file.size()),
          "the segment lies beyond the end of the file");
    check(fits(load.p_vaddr, load.p_memsz, maxAddress),
          "p_vaddr or p_memsz too large");
    check(load.p_memsz >= load.p_filesz, "p_memsz is below p_filesz");
    check(load.p_align >= pageSize && load.p_align <= maxSegmentAlignment &&
              (load.p_align & (load.p_align - 1)) == 0 &&
              load.p_vaddr % load.p_align == load.p_offset % load.p_align,
          "p_align does not fit");
    check(load.p_vaddr / pageSize * pageSize >= end,
          "the segment overlaps the one before");
    check(load.p_filesz == load.p_memsz || (load.p_flags & PF_W),
          "a segment that is not writable has to be zeroed");
    end = endOfPages(load);
  }
  require(end > 0, "program headers: nothing to load");
}

/// Whether `memorySize` bytes at `address` are mapped with `flags`, the first
/// `size` of them from `offset` in the file.
bool ElfChecker::isLoaded(uint64_t address, uint64_t memorySize,
                          uint64_t offset, uint64_t size,
                          uint32_t flags) const {
  for (const Elf64_Phdr &load : segments)
    if (load.p_type == PT_LOAD && address >= load.p_vaddr &&
        fits(address - load.p_vaddr, memorySize,
             endOfPages(load) - load.p_vaddr))
      return (load.p_flags & flags) == flags &&
             (size == 0 ||
              (fits(address - load.p_vaddr, size, load.p_filesz) &&
               offset == load.p_offset + (address - load.p_vaddr)));
  return false;
}

void ElfChecker::checkSegments() {
  checkLoads();
  std::optional<Elf64_Phdr> dynamic;
  bool hasStack = false;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Elf64_Phdr &segment = segments[i];
    auto check = [&](bool condition, const char *what) {
      requireOf(condition, "program header", i, what);
    };
    switch (segment.p_type) {
    case PT_NULL:
    case PT_LOAD:
      continue;
    case PT_GNU_STACK:
      check(!(segment.p_flags & PF_X), "asks for an executable stack");
      hasStack = true;
      continue;
    case PT_TLS:
    case PT_INTERP:
      fail("program header " + std::to_string(i) +
           ": a model has no thread-local data and no interpreter");
    case PT_DYNAMIC:
      check(!dynamic, "second dynamic section");
      dynamic = segment;
      break;
    case PT_PHDR:
      check(segment.p_offset == header.e_phoff &&
                segment.p_memsz >= segments.size() * sizeof(Elf64_Phdr),
            "does not describe the program headers");
      break;
    }
    // The loader makes the relocated part read-only.
    uint32_t flags = segment.p_type == PT_GNU_RELRO ? PF_R | PF_W : PF_R;
    uint64_t fileSize = segment.p_type == PT_GNU_RELRO ? 0 : segment.p_filesz;
    check(isLoaded(segment.p_vaddr, segment.p_memsz, segment.p_offset, fileSize,
                   flags),
          "the segment is not within a loaded one");
  }
  require(hasStack, "program headers: no PT_GNU_STACK");
  require(dynamic.has_value(), "program headers: no dynamic section");
  bool found = false;
  for (const Elf64_Shdr &section : sections)
    found |= section.sh_type == SHT_DYNAMIC &&
             section.sh_addr == dynamic->p_vaddr &&
             section.sh_size == dynamic->p_memsz &&
             dynamic->p_memsz == dynamic->p_filesz;
  require(found, "program and section headers disagree on the dynamic section");
}

void ElfChecker::checkSectionRanges() {
  for (size_t i = 0; i < sections.size(); ++i)
    requireOf(sections[i].sh_type == SHT_NOBITS ||
                  fits(sections[i].sh_offset, sections[i].sh_size, file.size()),
              "section header", i,
              "the section lies beyond the end of the file");
}

void ElfChecker::checkSections() {
  for (size_t i = 1; i < sections.size(); ++i) {
    const Elf64_Shdr &section = sections[i];
    auto check = [&](bool condition, const char *what) {
      requireOf(condition, "section header", i, what);
    };
    if (!(section.sh_flags & SHF_ALLOC))
      continue;
    check(!(section.sh_flags & SHF_TLS), "a model has no thread-local data");
    bool inFile = section.sh_type != SHT_NOBITS;
    uint32_t flags = PF_R;
    flags |= section.sh_flags & SHF_WRITE ? PF_W : 0;
    flags |= section.sh_flags & SHF_EXECINSTR ? PF_X : 0;
    check(isLoaded(section.sh_addr, section.sh_size, section.sh_offset,
                   inFile ? section.sh_size : 0, flags),
          "the section is not within a loaded segment");
  }
}

std::string ElfChecker::readNames() const {
  const Elf64_Shdr &names = sections[header.e_shstrndx];
  require(names.sh_type == SHT_STRTAB && names.sh_size > 0 &&
              names.sh_size <= maxNameBytes,
          "section headers: no table of names");
  std::string text(names.sh_size, '\0');
  file.read(names.sh_offset, text.data(), text.size());
  require(text.back() == '\0', "section headers: names are not terminated");
  return text;
}

/// The section `name`, of which there is at most one.
std::optional<FileRange> ElfChecker::findSection(const std::string &names,
                                                 const char *name,
                                                 uint64_t alignment) const {
  std::optional<FileRange> result;
  for (size_t i = 1; i < sections.size(); ++i) {
    const Elf64_Shdr &section = sections[i];
    auto check = [&](bool condition, const std::string &what) {
      requireOf(condition, "section header", i, what.c_str());
    };
    check(section.sh_name < names.size(), "sh_name beyond the names");
    if (std::strcmp(&names[section.sh_name], name) != 0)
      continue;
    check(!result, std::string("second ") + name);
    check(section.sh_type == SHT_PROGBITS &&
              !(section.sh_flags & (SHF_ALLOC | SHF_COMPRESSED)) &&
              section.sh_size > 0 && section.sh_offset % alignment == 0,
          std::string(name) +
              " must not be empty, loaded, compressed or misaligned");
    result = FileRange{section.sh_offset, section.sh_size};
  }
  return result;
}

ModelSections ElfChecker::findSections() const {
  const std::string names = readNames();
  // Earlier ABIs, whose files checkModelTable() refuses by their version,
  // aligned the weights to 4 KiB.
  const auto weights = findSection(names, SHERRY_ABI_WEIGHTS_SECTION, pageSize);
  if (!weights)
    throw Error(file.path() + ": has no section " SHERRY_ABI_WEIGHTS_SECTION
                              "; this is not a model that sherry-compile "
                              "wrote, or its sections were stripped");
  const auto checksum =
      findSection(names, SHERRY_ABI_CHECKSUM_SECTION, /*alignment=*/1);
  if (!checksum)
    throw Error(file.path() + ": has no section " SHERRY_ABI_CHECKSUM_SECTION
                              "; the file is damaged or of an earlier "
                              "sherry-compile, compile the model again");
  // Earlier ABIs had only the checksums of the file.
  require(checksum->size == sizeof(sherry_abi_identity) ||
              checksum->size == sizeof(sherry_abi_checksum),
          "section headers: wrong size of " SHERRY_ABI_CHECKSUM_SECTION);
  require(
      weights->end() <= checksum->offset || checksum->end() <= weights->offset,
      "section headers: " SHERRY_ABI_CHECKSUM_SECTION " overlaps the weights");
  return {*weights, *checksum};
}

ModelSections ElfChecker::check() {
  checkHeader();
  segments =
      readTable<Elf64_Phdr>(header.e_phoff, header.e_phnum, "program headers");
  sections =
      readTable<Elf64_Shdr>(header.e_shoff, header.e_shnum, "section headers");
  checkSectionRanges();
  ModelSections result = findSections(); // first: other objects fail here
  checkSegments();
  checkSections();
  return result;
}

ModelSections sherry::runtime::checkElf(const File &file) {
  return ElfChecker(file).check();
}
