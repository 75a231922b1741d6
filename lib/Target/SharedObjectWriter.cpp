//===- SharedObjectWriter.cpp - Code and weights in one file --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/SharedObjectWriter.h"
#include "sherry-abi/abi.h"
#include "sherry/Support/OutputFile.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace llvm;
using Elf = object::ELF64LE;

/// The section table of `code` with one more entry, and its string table with
/// one more name: what follows the code in the file.
static Expected<std::string> makeTables(StringRef code, uint64_t weightsSize,
                                        Elf::Ehdr &header,
                                        uint64_t &weightsOffset) {
  // The linker wrote this, but a check costs nothing.
  auto malformed = [] {
    return createStringError("the linker wrote a malformed shared object");
  };
  if (code.size() < sizeof(Elf::Ehdr))
    return malformed();
  std::memcpy(&header, code.data(), sizeof(header));
  uint64_t count = header.e_shnum, offset = header.e_shoff;
  if (header.e_shentsize != sizeof(Elf::Shdr) || header.e_shstrndx >= count ||
      offset > code.size() ||
      count > (code.size() - offset) / sizeof(Elf::Shdr))
    return malformed();
  std::vector<Elf::Shdr> sections(count + 1);
  std::memcpy(sections.data(), code.data() + offset, count * sizeof(Elf::Shdr));
  Elf::Shdr &names = sections[header.e_shstrndx];
  if (names.sh_offset > code.size() ||
      names.sh_size > code.size() - names.sh_offset)
    return malformed();

  std::string tables = code.substr(names.sh_offset, names.sh_size).str();
  Elf::Shdr &weights = sections.back();
  std::memset(&weights, 0, sizeof(weights));
  weights.sh_name = tables.size();
  tables += SHERRY_ABI_WEIGHTS_SECTION;
  tables.push_back('\0');
  names.sh_offset = code.size();
  names.sh_size = tables.size();

  uint64_t tableOffset = alignTo(code.size() + tables.size(), 8);
  tables.resize(tableOffset - code.size());
  weightsOffset = alignTo(tableOffset + sections.size() * sizeof(Elf::Shdr),
                          SHERRY_ABI_WEIGHTS_ALIGNMENT);
  weights.sh_type = ELF::SHT_PROGBITS;
  weights.sh_offset = weightsOffset;
  weights.sh_size = weightsSize;
  weights.sh_addralign = SHERRY_ABI_WEIGHTS_ALIGNMENT;
  tables.append(reinterpret_cast<const char *>(sections.data()),
                sections.size() * sizeof(Elf::Shdr));
  header.e_shoff = tableOffset;
  header.e_shnum = sections.size();
  return tables;
}

Error sherry::writeSharedObject(
    StringRef path, StringRef code, uint64_t weightsSize,
    function_ref<Error(raw_ostream &)> writeWeights) {
  Elf::Ehdr header;
  uint64_t weightsOffset = 0;
  Expected<std::string> tables =
      makeTables(code, weightsSize, header, weightsOffset);
  if (!tables)
    return tables.takeError();
  return writeFileAtomically(path, [&](raw_pwrite_stream &out) -> Error {
    out.write(reinterpret_cast<const char *>(&header), sizeof(header));
    out << code.drop_front(sizeof(header)) << *tables;
    out.write_zeros(weightsOffset - out.tell());
    if (Error error = writeWeights(out))
      return error;
    if (out.tell() != weightsOffset + weightsSize)
      return createStringError("the weights have " +
                               Twine(out.tell() - weightsOffset) +
                               " bytes instead of " + Twine(weightsSize));
    return Error::success();
  });
}
