//===- OutputFile.cpp - Files that are whole or not there -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/OutputFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;

static Error cannotWrite(const Twine &path, std::error_code code) {
  return createStringError(code,
                           "cannot write " + path + ": " + code.message());
}

/// Lets `write` fill `out`, which writes to `path`.
static Error writeTo(raw_fd_ostream &out, StringRef path,
                     function_ref<Error(raw_pwrite_stream &)> write) {
  Error error = write(out);
  out.flush();
  if (out.has_error() && !error)
    error = cannotWrite(path, out.error());
  out.clear_error();
  return error;
}

/// Like writeTo, for what cannot be patched after it is written: a pipe, a
/// terminal. Nothing is written if `write` fails.
static Error writeAtOnceTo(raw_fd_ostream &out, StringRef path,
                           function_ref<Error(raw_pwrite_stream &)> write) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream buffer(bytes);
  if (Error error = write(buffer))
    return error;
  return writeTo(out, path, [&](raw_ostream &stream) {
    stream << buffer.str();
    return Error::success();
  });
}

Error sherry::writeFileAtomically(
    StringRef path, function_ref<Error(raw_pwrite_stream &)> write) {
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
  std::string temporary =
      (destination + "." + Twine::utohexstr(sys::Process::GetRandomNumber()) +
       ".tmp")
          .str();
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
