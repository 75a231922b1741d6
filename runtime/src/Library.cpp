//===- Library.cpp - The code of a model, loaded --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loader takes a path, not an open file. If it has loaded a path of the
// same spelling before, it returns the earlier object, even if the path now
// names another file. So a file is loaded by a path that leads to the open
// file, in a spelling that was not used before. The loader still recognizes a
// file that is loaded already, by its inode.
//
//===----------------------------------------------------------------------===//
#include "Library.h"
#include "sherry/support/Error.h"

#include <atomic>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace sherry::runtime;

void Library::Close::operator()(void *library) const { dlclose(library); }

/// The absolute `path` in a spelling that no other call in this process uses:
/// it encodes the bits of a number as "/." and "/" before the last name.
static std::string spellAnew(std::string path) {
  static std::atomic<uint64_t> calls;
  // The address differs between copies of the runtime in several libraries.
  uint64_t number = (reinterpret_cast<uintptr_t>(&calls) << 16) + calls++;
  std::string bits;
  for (; number > 0; number >>= 1)
    bits += number & 1 ? "/." : "/";
  return path.insert(path.rfind('/'), bits);
}

static bool isSameFile(const File &file, const char *path) {
  struct stat opened, named;
  return fstat(file.descriptor(), &opened) == 0 && stat(path, &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/// An absolute path that leads to `file`. Throws Error if there is none.
static std::string findPath(const File &file) {
  std::string path = "/proc/self/fd/" + std::to_string(file.descriptor());
  if (isSameFile(file, path.c_str()))
    return path;
  // Without /proc, no name leads safely to an open file.
  std::unique_ptr<char, decltype(&std::free)> real(
      realpath(file.path().c_str(), nullptr), &std::free);
  if (!real || !isSameFile(file, real.get()))
    throw Error("the file was replaced while it was opened; open it again");
  return real.get();
}

Library::Library(const File &file) {
  const std::string path = findPath(file);
  handle.reset(dlopen(spellAnew(path).c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!handle) {
    const char *reason = dlerror();
    throw Error(std::string("cannot load the code: ") +
                (reason ? reason : "no reason given"));
  }
  if (!isSameFile(file, path.c_str()))
    throw Error("the file was replaced while it was opened; open it again");
}

void *Library::find(const char *symbol) const {
  return dlsym(handle.get(), symbol);
}
