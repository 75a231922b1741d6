//===- OutputFile.cpp - Files that are written atomically -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/OutputFile.h"
#include "sherry/Support/ToolProcess.h"
#include "sherry/support/PendingFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

using namespace llvm;
using sherry::PendingFile;
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

/// Like writeTo, for outputs that cannot be patched later: a pipe, a terminal.
/// Writes nothing if `write` fails.
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

static Error writePending(StringRef path, WriteFn write) {
  PendingFile file(path.str());
  sherry::catchSignals();
  sys::RemoveFileOnSignal(file.getTemporary());
  scope_exit forget([&] { sys::DontRemoveFileOnSignal(file.getTemporary()); });
  if (std::error_code code = file.open())
    return cannotWrite(path, code);
  {
    raw_fd_ostream out(file.getDescriptor(), /*shouldClose=*/false);
    if (Error error = writeTo(out, path, write))
      return error;
  }
  if (std::error_code code = file.commit())
    return cannotWrite(path, code);
  return Error::success();
}

Error sherry::writeFileAtomically(StringRef path, WriteFn write) {
  if (path == "-")
    return writeAtOnceTo(outs(), "the standard output", write);
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) &&
      status.type() != sys::fs::file_type::regular_file) {
    // A device or a pipe is never replaced.
    std::error_code code;
    raw_fd_ostream out(path, code);
    if (code)
      return cannotWrite(path, code);
    return out.supportsSeeking() ? writeTo(out, path, write)
                                 : writeAtOnceTo(out, path, write);
  }
  return writePending(path, write);
}
