//===- TempFolder.h - A folder for a test -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TEST_UNIT_SUPPORT_TEMPFOLDER_H
#define TEST_UNIT_SUPPORT_TEMPFOLDER_H

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

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
  std::string read(const std::string &name) const {
    std::ostringstream contents;
    contents << std::ifstream(path(name), std::ios::binary).rdbuf();
    return contents.str();
  }
  /// Names of what is in it, sorted.
  std::vector<std::string> list() const {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

private:
  std::string folder;
};

} // namespace sherry::test

#endif // TEST_UNIT_SUPPORT_TEMPFOLDER_H
