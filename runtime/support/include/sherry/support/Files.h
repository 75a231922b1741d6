//===- Files.h - Files of the tools that run models -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_FILES_H
#define SHERRY_RUNTIME_SUPPORT_FILES_H

#include "sherry/support/PendingFile.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sherry {

using InputFile = std::unique_ptr<FILE, int (*)(FILE *)>;

/// Throws std::runtime_error: the file cannot be read, because of errno.
[[noreturn]] void failToRead(const std::string &path);
/// Opens a file to be read; standard input, which is not closed, for "-".
/// Throws std::runtime_error naming the file, as does all that follows.
InputFile openInput(const std::string &path);
/// The contents of a file, of standard input for "-".
std::string readText(const std::string &path);

/// Writes a PendingFile: only commit() gives it its name, and without it
/// nothing stays. A link stays, what it points to is replaced. What is no
/// regular file, such as a device, is written in place.
class OutputFile {
public:
  explicit OutputFile(const std::string &path);
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  void write(std::string_view bytes);
  /// All has been written.
  void commit();

private:
  /// Because of an error number.
  [[noreturn]] void fail(int number) const;

  std::string path;
  std::optional<PendingFile> pending; ///< or it is written in place:
  int fd = -1;
};

} // namespace sherry

#endif // SHERRY_RUNTIME_SUPPORT_FILES_H
