//===- OutputFile.cpp - Files that are whole or not there -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/OutputFile.h"
#include "sherry/Support/ToolProcess.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

using namespace llvm;
using WriteFn = function_ref<Error(raw_pwrite_stream &)>;

static Error cannotWrite(const Twine &path, std::error_code code) {
  return createStringError(code,
                           "cannot write " + path + ": " + code.message());
}

/// Lets `write` fill `out`, which writes to `path`.
static Error writeTo(raw_fd_ostream &out, StringRef path, WriteFn write) {
  Error error = write(out);
  out.flush();
  if (out.has_error() && !error)
    error = cannotWrite(path, out.error());
  out.clear_error();
  return error;
}

/// Like writeTo, for what cannot be patched after it is written: a pipe, a
/// terminal. Nothing is written if `write` fails.
static Error writeAtOnceTo(raw_fd_ostream &out, StringRef path, WriteFn write) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream buffer(bytes);
  if (Error error = write(buffer))
    return error;
  return writeTo(out, path, [&](raw_ostream &stream) {
    stream << buffer.str();
    return Error::success();
  });
}

static std::string makeTemporaryName(StringRef destination) {
  return (destination + "." +
          Twine::utohexstr(sys::Process::GetRandomNumber()) + ".tmp")
      .str();
}

//===----------------------------------------------------------------------===//
// Files without a name
//===----------------------------------------------------------------------===//

/// Creates a file that is gone with the process, whatever ends it, unless it
/// gets a name. -1 if that is not possible in the folder.
static int openUnnamed(StringRef folder) {
  int descriptor = open(folder.empty() ? "." : folder.str().c_str(),
                        O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  // It gets its name through this folder.
  if (descriptor >= 0 && access("/proc/self/fd", X_OK) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

/// Gives it the name `destination`, in place of a file of that name.
static std::error_code nameFile(int descriptor, StringRef destination) {
  std::string unnamed = "/proc/self/fd/" + std::to_string(descriptor);
  auto linkTo = [&](StringRef name) {
    return linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.str().c_str(),
                  AT_SYMLINK_FOLLOW) == 0
               ? std::error_code()
               : errnoAsErrorCode();
  };
  std::error_code code = linkTo(destination);
  if (code != std::errc::file_exists)
    return code;
  std::string temporary = makeTemporaryName(destination);
  if ((code = linkTo(temporary)))
    return code;
  if ((code = sys::fs::rename(temporary, destination)))
    sys::fs::remove(temporary);
  return code;
}

static Error writeUnnamed(int descriptor, StringRef path, StringRef destination,
                          WriteFn write) {
  raw_fd_ostream out(descriptor, /*shouldClose=*/true);
  if (Error error = writeTo(out, path, write))
    return error;
  if (std::error_code code = nameFile(descriptor, destination))
    return cannotWrite(path, code);
  out.close();
  std::error_code code = out.error();
  out.clear_error();
  return code ? cannotWrite(path, code) : Error::success();
}

//===----------------------------------------------------------------------===//
// Files with a temporary name
//===----------------------------------------------------------------------===//

static Error writeNamed(StringRef path, StringRef destination, WriteFn write) {
  sherry::catchSignals();
  std::string temporary = makeTemporaryName(destination);
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

Error sherry::writeFileAtomically(StringRef path, WriteFn write) {
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
  int descriptor = openUnnamed(sys::path::parent_path(destination));
  return descriptor >= 0 ? writeUnnamed(descriptor, path, destination, write)
                         : writeNamed(path, destination, write);
}
