//===- SharedObjectWriter.cpp - Code and weights in one file --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/SharedObjectWriter.h"
#include "sherry-abi/abi.h"
#include "sherry/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace llvm;
using Elf = object::ELF64LE;

namespace {
/// The parts of the file around the code and the weights.
struct Frame {
  Elf::Ehdr header;   ///< replaces the header of the code
  std::string tables; ///< between code and weights
  uint64_t weightsOffset = 0;
};

/// Passes all bytes on, and computes their checksum.
class ChecksumStream : public raw_ostream {
public:
  explicit ChecksumStream(raw_ostream &out) : out(out) {}
  ~ChecksumStream() override { flush(); }
  uint32_t finish() {
    flush();
    return checksum;
  }

private:
  void write_impl(const char *bytes, size_t size) override {
    checksum = crc32(checksum, arrayRefFromStringRef({bytes, size}));
    out.write(bytes, size);
    position += size;
  }
  uint64_t current_pos() const override { return position; }

  raw_ostream &out;
  uint32_t checksum = 0;
  uint64_t position = 0;
};
} // namespace

/// Makes the section table of `code` with two more entries, and its string
/// table with two more names. The weights follow the tables, and the checksums
/// follow the weights.
static Expected<Frame> makeFrame(StringRef code, uint64_t weightsSize) {
  // The linker wrote this, but a check costs nothing.
  auto malformed = [] {
    return createStringError("the linker wrote a malformed shared object");
  };
  Frame frame;
  Elf::Ehdr &header = frame.header;
  if (code.size() < sizeof(Elf::Ehdr))
    return malformed();
  std::memcpy(&header, code.data(), sizeof(header));
  uint64_t count = header.e_shnum, offset = header.e_shoff;
  if (header.e_shentsize != sizeof(Elf::Shdr) || header.e_shstrndx >= count ||
      offset > code.size() ||
      count > (code.size() - offset) / sizeof(Elf::Shdr))
    return malformed();
  std::vector<Elf::Shdr> sections(count);
  std::memcpy(sections.data(), code.data() + offset, count * sizeof(Elf::Shdr));
  const Elf::Shdr names = sections[header.e_shstrndx];
  if (names.sh_offset > code.size() ||
      names.sh_size > code.size() - names.sh_offset)
    return malformed();

  std::string &tables = frame.tables;
  tables = code.substr(names.sh_offset, names.sh_size).str();
  auto addSection = [&](StringRef name, uint64_t size, uint64_t alignment) {
    Elf::Shdr section;
    std::memset(&section, 0, sizeof(section));
    section.sh_name = tables.size();
    tables += name;
    tables.push_back('\0');
    section.sh_type = ELF::SHT_PROGBITS;
    section.sh_size = size;
    section.sh_addralign = alignment;
    sections.push_back(section);
  };
  addSection(SHERRY_ABI_WEIGHTS_SECTION, weightsSize,
             SHERRY_ABI_WEIGHTS_ALIGNMENT);
  addSection(SHERRY_ABI_CHECKSUM_SECTION, sizeof(sherry_abi_identity), 1);
  sections[header.e_shstrndx].sh_offset = code.size();
  sections[header.e_shstrndx].sh_size = tables.size();

  header.e_shoff = alignTo(code.size() + tables.size(), 8);
  header.e_shnum = sections.size();
  frame.weightsOffset =
      alignTo(header.e_shoff + sections.size() * sizeof(Elf::Shdr),
              SHERRY_ABI_WEIGHTS_ALIGNMENT);
  sections[count].sh_offset = frame.weightsOffset;
  sections[count + 1].sh_offset = frame.weightsOffset + weightsSize;
  tables.resize(header.e_shoff - code.size());
  tables.append(reinterpret_cast<const char *>(sections.data()),
                sections.size() * sizeof(Elf::Shdr));
  tables.resize(frame.weightsOffset - code.size());
  return frame;
}

namespace {
/// Writes a file for each rank.
struct Writer {
  Error write(size_t rank);
  Error writeTo(raw_ostream &out, size_t rank);

  const Frame &frame;
  ArrayRef<std::string> paths;
  StringRef code;
  uint64_t weightsSize;
  function_ref<Error(int64_t, raw_ostream &)> writeWeights;
  std::vector<uint32_t> weights; ///< checksums
};
} // namespace

Error Writer::writeTo(raw_ostream &out, size_t rank) {
  ChecksumStream codeStream(out);
  codeStream.write(reinterpret_cast<const char *>(&frame.header),
                   sizeof(frame.header));
  codeStream << code.drop_front(sizeof(frame.header)) << frame.tables;
  sherry_abi_identity identity = {};
  identity.file.code = codeStream.finish();
  ChecksumStream weightsStream(out);
  if (Error error = writeWeights(static_cast<int64_t>(rank), weightsStream))
    return error;
  if (weightsStream.tell() != weightsSize)
    return createStringError("the weights have " + Twine(weightsStream.tell()) +
                             " bytes instead of " + Twine(weightsSize));
  identity.file.weights = weightsStream.finish();
  weights.push_back(identity.file.weights);
  // The end of this file has a checksum of all files.
  if (rank + 1 < paths.size())
    if (Error error = write(rank + 1))
      return error;
  identity.model =
      crc32(ArrayRef(reinterpret_cast<const uint8_t *>(weights.data()),
                     weights.size() * sizeof(uint32_t)));
  identity.rank = static_cast<uint32_t>(rank);
  identity.n_ranks = static_cast<uint32_t>(paths.size());
  out.write(reinterpret_cast<const char *>(&identity), sizeof(identity));
  return Error::success();
}

Error Writer::write(size_t rank) {
  return sherry::writeFileAtomically(
      paths[rank], [&](raw_pwrite_stream &out) { return writeTo(out, rank); });
}

Error sherry::writeSharedObjects(
    ArrayRef<std::string> paths, StringRef code, uint64_t weightsSize,
    function_ref<Error(int64_t, raw_ostream &)> writeWeights) {
  Expected<Frame> frame = makeFrame(code, weightsSize);
  if (!frame)
    return frame.takeError();
  return Writer{*frame, paths, code, weightsSize, writeWeights, {}}.write(0);
}
