//===- TestFiles.h - Files for the tests of the readers ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_IMPORT_TESTFILES_H
#define SHERRY_TEST_UNIT_IMPORT_TESTFILES_H

#include "../Support/TempFolder.h"
#include "sherry/Import/Gguf.h"

#include "llvm/Support/Error.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <stdexcept>
#include <string>

namespace sherry::test {

/// A safetensors file of this header and data.
inline std::string makeSafetensors(const std::string &header,
                                   const std::string &data) {
  std::string file;
  for (int i = 0; i < 8; ++i)
    file += static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  return file + header + data;
}

/// One entry of a header.
inline std::string makeEntry(const std::string &name, const std::string &dtype,
                             const std::string &shape, uint64_t begin,
                             uint64_t end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":[" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

/// The message of a failure; empty on success.
template <typename T> std::string messageOf(llvm::Expected<T> result) {
  return result ? "" : llvm::toString(result.takeError());
}
inline std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// All of these occur in a message.
template <typename... Ts> auto mentions(const Ts &...parts) {
  return testing::AllOf(testing::HasSubstr(parts)...);
}

/// The bytes of a GGUF file, put together one after the other.
struct GgufBytes {
  std::string bytes = "GGUF";

  template <typename T> GgufBytes &number(T value) {
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(value));
    return *this;
  }
  GgufBytes &string(const std::string &text) {
    number<uint64_t>(text.size());
    bytes += text;
    return *this;
  }
  GgufBytes &header(uint64_t tensors, uint64_t values, uint32_t version = 3) {
    return number(version).number(tensors).number(values);
  }
  GgufBytes &tensor(const std::string &name, std::vector<uint64_t> sizes,
                    uint32_t type, uint64_t offset) {
    string(name).number<uint32_t>(sizes.size());
    for (uint64_t size : sizes)
      number(size);
    return number(type).number(offset);
  }
  /// Pads and appends `size` zeros.
  GgufBytes &data(size_t size) {
    bytes.resize((bytes.size() + 31) / 32 * 32 + size);
    return *this;
  }

  llvm::Expected<std::unique_ptr<GgufFile>> parse() const {
    return GgufFile::parse(
        llvm::MemoryBuffer::getMemBufferCopy(bytes, "m.gguf"));
  }
  std::string message() const { return messageOf(parse()); }
};

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_IMPORT_TESTFILES_H
