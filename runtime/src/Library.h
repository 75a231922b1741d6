//===- Library.h - The code of a model, loaded ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_LIBRARY_H
#define SHERRY_RUNTIME_LIBRARY_H

#include "sherry/support/Memory.h"

#include <memory>

namespace sherry::runtime {

/// A shared object that the dynamic loader has loaded.
class Library {
public:
  Library() = default;
  /// Loads `file`, even if its path names another file by now. Throws Error.
  explicit Library(const File &file);

  /// The address of a symbol; null if there is none of this name.
  void *find(const char *symbol) const;

private:
  struct Close {
    void operator()(void *library) const;
  };
  std::unique_ptr<void, Close> handle;
};

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_LIBRARY_H
