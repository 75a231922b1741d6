//===- Linker.cpp - Object file to shared object --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/Linker.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static Expected<std::string> findLinker(StringRef linker) {
  if (!linker.empty()) {
    if (ErrorOr<std::string> path = sys::findProgramByName(linker))
      return *path;
    return createStringError("linker '" + linker + "' not found");
  }
  for (StringRef name : {"ld.lld-22", "ld.lld"}) {
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
    if (ErrorOr<std::string> path =
            sys::findProgramByName(name, {SHERRY_LLVM_TOOLS_DIR}))
      return *path;
  }
  return createStringError(
      "the linker ld.lld was not found on the PATH or in " SHERRY_LLVM_TOOLS_DIR
      "; install the package lld-22");
}

namespace {
/// A file in the temporary folder that goes with the object, and on signals.
class TemporaryFile {
public:
  ~TemporaryFile() {
    if (!path.empty()) {
      sys::fs::remove(path);
      sys::DontRemoveFileOnSignal(path);
    }
  }
  Error create(StringRef suffix, StringRef content = "") {
    int descriptor;
    if (std::error_code code =
            sys::fs::createTemporaryFile("sherry", suffix, descriptor, path))
      return createStringError(code, "cannot create a temporary file: " +
                                         code.message());
    sys::RemoveFileOnSignal(path);
    raw_fd_ostream out(descriptor, /*shouldClose=*/true);
    out << content;
    out.close();
    if (std::error_code code = out.error()) {
      out.clear_error();
      return createStringError(code,
                               "cannot write " + path + ": " + code.message());
    }
    return Error::success();
  }
  StringRef str() const { return path; }

private:
  SmallString<128> path;
};
} // namespace

Expected<std::unique_ptr<MemoryBuffer>>
sherry::linkSharedObject(StringRef object, StringRef linker) {
  Expected<std::string> program = findLinker(linker);
  if (!program)
    return program.takeError();
  TemporaryFile input, output, messages;
  if (Error error = input.create("o", object))
    return error;
  if (Error error = output.create("so"))
    return error;
  if (Error error = messages.create("log"))
    return error;
  StringRef arguments[] = {*program,
                           "-shared",
                           "-z",
                           "defs",
                           "-z",
                           "noexecstack",
                           "-z",
                           "relro",
                           "-z",
                           "now",
                           "--hash-style=gnu",
                           "--build-id=none",
                           "-o",
                           output.str(),
                           input.str()};
  std::optional<StringRef> redirects[] = {StringRef(""), messages.str(),
                                          messages.str()};
  std::string error;
  int status =
      sys::ExecuteAndWait(*program, arguments, std::nullopt, redirects,
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &error);
  if (status != 0) {
    if (auto text = MemoryBuffer::getFile(messages.str()))
      error += (*text)->getBuffer();
    return createStringError(*program + " failed: " + error);
  }
  auto result = MemoryBuffer::getFile(output.str(), /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false,
                                      /*IsVolatile=*/true);
  if (!result)
    return createStringError(result.getError(),
                             "cannot read what " + *program + " wrote");
  return std::move(*result);
}
