//===- PendingFile.h - A file that gets its name at the end -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without LLVM, which the programs that run models do not have.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_PENDINGFILE_H
#define SHERRY_RUNTIME_SUPPORT_PENDINGFILE_H

#include <string>
#include <system_error>

namespace sherry {

/// A file that is written beside the one that it takes the place of when it is
/// whole; of a link, that is what it leads to, be there a file or not. Until
/// then it has no name, so nothing is left of a process that is killed; where
/// the file system has no such files, it has a temporary one.
class PendingFile {
public:
  /// Creates nothing yet.
  explicit PendingFile(const std::string &path);
  PendingFile(const PendingFile &) = delete;
  PendingFile &operator=(const PendingFile &) = delete;
  /// Removes what has not been committed.
  ~PendingFile();

  std::error_code open();
  /// To write to, after open().
  int getDescriptor() const { return descriptor; }
  /// The name that the file may have until it is committed: to be removed by
  /// signals that end the process, from before open().
  const std::string &getTemporary() const { return temporary; }
  /// All has been written. A file that is replaced stays unless all of the new
  /// one has reached the disk; that has the permissions of the old one.
  std::error_code commit();

private:
  std::error_code linkTo(const std::string &name) const;
  std::error_code copyToTemporary();
  std::error_code createTemporary();
  void keepPermissions() const;
  std::error_code close();

  std::string destination; ///< empty: there can be none
  std::string temporary;
  int descriptor = -1;
  bool hasTemporary = false; ///< there is a file of that name
};

} // namespace sherry

#endif // SHERRY_RUNTIME_SUPPORT_PENDINGFILE_H
