//===- SharedObjectWriter.cpp - Code and weights in one file --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/SharedObjectWriter.h"
#include "sherry-abi/abi.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

#include <cstring>

using namespace llvm;
using Elf = object::ELF64LE;

static Error cannotWrite(const Twine &path, std::error_code code) {
  return createStringError(code,
                           "cannot write " + path + ": " + code.message());
}

/// Lets `write` fill `out`, which writes to `path`.
static Error writeTo(raw_fd_ostream &out, StringRef path,
                     function_ref<Error(raw_pwrite_stream &)> write) {
  Error error = write(out);
  out.flush();
  if (out.has_error() && !error)
    error = cannotWrite(path, out.error());
  out.clear_error();
  return error;
}

/// Like writeTo, for what cannot be patched after it is written: a pipe, a
/// terminal. Nothing is written if `write` fails.
static Error writeAtOnceTo(raw_fd_ostream &out, StringRef path,
                           function_ref<Error(raw_pwrite_stream &)> write) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream buffer(bytes);
  if (Error error = write(buffer))
    return error;
  return writeTo(out, path, [&](raw_ostream &stream) {
    stream << buffer.str();
    return Error::success();
  });
}

Error sherry::writeFileAtomically(
    StringRef path, function_ref<Error(raw_pwrite_stream &)> write) {
  if (path == "-")
    return writeAtOnceTo(outs(), "the standard output", write);
  SmallString<128> destination(path);
  sys::fs::file_status status;
  if (!sys::fs::status(path, status)) {
    if (status.type() != sys::fs::file_type::regular_file) {
      // A device or a pipe is written to, never replaced.
      std::error_code code;
      raw_fd_ostream out(path, code);
      if (code)
        return cannotWrite(path, code);
      return out.supportsSeeking() ? writeTo(out, path, write)
                                   : writeAtOnceTo(out, path, write);
    }
    // Of a link, /dev/stdout among them, the file that it names is replaced.
    if (std::error_code code = sys::fs::real_path(path, destination))
      return cannotWrite(path, code);
  }
  std::string temporary =
      (destination + "." + Twine::utohexstr(sys::Process::GetRandomNumber()) +
       ".tmp")
          .str();
  std::error_code code;
  // Removed at the end and on signals, until it is kept.
  ToolOutputFile file(temporary, code, sys::fs::OF_None);
  if (code)
    return cannotWrite(path, code);
  if (Error error = writeTo(file.os(), path, write))
    return error;
  file.os().close();
  code = file.os().error();
  file.os().clear_error();
  if (!code)
    code = sys::fs::rename(temporary, destination);
  if (code)
    return cannotWrite(path, code);
  file.keep();
  return Error::success();
}

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
