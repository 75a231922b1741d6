//===- PendingFile.h - A file that gets its name at the end -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Does not use LLVM, which the programs that run models are built without.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_PENDINGFILE_H
#define SHERRY_RUNTIME_SUPPORT_PENDINGFILE_H

#include <string>
#include <system_error>

namespace sherry {

/// A new file in the folder of the file that it replaces, or creates, once it
/// is complete. If the path is a link, the target of the link is replaced or
/// created. Until then the file has no name, so a process that is killed leaves
/// no file behind; on file systems without unnamed files it has a temporary
/// name.
class PendingFile {
public:
  /// Creates no file yet.
  explicit PendingFile(const std::string &path);
  PendingFile(const PendingFile &) = delete;
  PendingFile &operator=(const PendingFile &) = delete;
  /// Removes the file if it has not been committed.
  ~PendingFile();

  std::error_code open();
  /// The descriptor to write to, after open().
  int getDescriptor() const { return descriptor; }
  /// The temporary name that the file may have until it is committed. Handlers
  /// of signals that end the process remove a file of this name; valid before
  /// open().
  const std::string &getTemporary() const { return temporary; }
  /// Completes the file; to be called when all of it has been written. An old
  /// file is replaced only after the whole new file has reached the disk; the
  /// new one gets the permissions of the old one.
  std::error_code commit();

private:
  std::error_code linkTo(const std::string &name) const;
  std::error_code copyToTemporary();
  std::error_code createTemporary();
  void keepPermissions() const;
  std::error_code close();

  std::string destination; ///< empty: the path cannot be resolved
  std::string temporary;
  int descriptor = -1;
  bool hasTemporary = false; ///< a file of the name `temporary` exists
};

} // namespace sherry

#endif // SHERRY_RUNTIME_SUPPORT_PENDINGFILE_H
