//===- TestFiles.h - Files for the tests of the readers ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_IMPORT_TESTFILES_H
#define SHERRY_TEST_UNIT_IMPORT_TESTFILES_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <stdexcept>
#include <string>

namespace sherry::test {

/// A folder that goes away with the object.
class TempFolder {
public:
  TempFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "sherry-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw std::runtime_error("cannot make " + pattern);
    folder = pattern;
  }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string path(const std::string &name = "") const {
    return name.empty() ? folder : folder + "/" + name;
  }

  std::string write(const std::string &name,
                    const std::string &contents) const {
    std::ofstream(path(name), std::ios::binary) << contents;
    return path(name);
  }

private:
  std::string folder;
};

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

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_IMPORT_TESTFILES_H
