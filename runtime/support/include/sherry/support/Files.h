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

/// Throws std::runtime_error: the file cannot be read; the reason is errno.
[[noreturn]] void failToRead(const std::string &path);
/// Opens a file for reading; "-" is standard input, which is not closed. This
/// and the following functions throw std::runtime_error, which names the file.
InputFile openInput(const std::string &path);
/// The contents of a file, or of standard input for "-".
std::string readText(const std::string &path);

/// Writes a PendingFile: commit() gives it its name; without commit() no file
/// is left. If the path is a link, the file that it points to is replaced. If
/// the path is not a regular file, such as a device, it is written in place.
class OutputFile {
public:
  explicit OutputFile(const std::string &path);
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  void write(std::string_view bytes);
  /// Completes the file; to be called after the last write().
  void commit();

private:
  /// Throws std::runtime_error with the reason of an error number.
  [[noreturn]] void fail(int number) const;

  std::string path;
  std::optional<PendingFile> pending; ///< nothing: written in place
  int fd = -1;
};

} // namespace sherry

#endif // SHERRY_RUNTIME_SUPPORT_FILES_H
