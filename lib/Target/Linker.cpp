//===- Linker.cpp - Object file to shared object --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/Linker.h"
#include "sherry-abi/abi.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;

// Turns the value of a macro into text, for a flag of the linker.
#define SHERRY_TEXT(value) #value
#define SHERRY_TEXT_OF(macro) SHERRY_TEXT(macro)
static constexpr StringLiteral kMaxPageSize =
    "max-page-size=" SHERRY_TEXT_OF(SHERRY_ABI_WEIGHTS_ALIGNMENT);

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
/// A file in memory that a child process opens by a path. It disappears with
/// the last process that has it open, however the process ends.
class MemoryFile {
public:
  ~MemoryFile() {
    if (descriptor >= 0)
      close(descriptor);
  }
  Error create(StringRef content = "") {
    // The child inherits it.
    descriptor = memfd_create("sherry", 0);
    if (descriptor < 0)
      return createStringError(errnoAsErrorCode(),
                               "cannot create a file in memory: " +
                                   errnoAsErrorCode().message());
    path = "/proc/self/fd/" + std::to_string(descriptor);
    raw_fd_ostream out(descriptor, /*shouldClose=*/false);
    out << content;
    out.flush();
    if (std::error_code code = out.error()) {
      out.clear_error();
      return createStringError(code, "cannot write a file in memory: " +
                                         code.message());
    }
    return Error::success();
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> read() const {
    return MemoryBuffer::getFile(path, /*IsText=*/false,
                                 /*RequiresNullTerminator=*/false,
                                 /*IsVolatile=*/true);
  }
  StringRef str() const { return path; }

private:
  int descriptor = -1;
  std::string path;
};
} // namespace

Expected<std::unique_ptr<MemoryBuffer>>
sherry::linkSharedObject(StringRef object, StringRef linker) {
  Expected<std::string> program = findLinker(linker);
  if (!program)
    return program.takeError();
  MemoryFile input, output, messages;
  if (Error error = input.create(object))
    return error;
  if (Error error = output.create())
    return error;
  if (Error error = messages.create())
    return error;
  StringRef arguments[] = {*program,
                           "-shared",
                           "-z",
                           kMaxPageSize,
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
                           "-",
                           input.str()};
  std::optional<StringRef> redirects[] = {StringRef(""), output.str(),
                                          messages.str()};
  std::string error;
  int status =
      sys::ExecuteAndWait(*program, arguments, std::nullopt, redirects,
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &error);
  if (status != 0) {
    if (auto text = messages.read())
      error += (*text)->getBuffer();
    return createStringError(*program + " failed: " + error);
  }
  auto result = output.read();
  if (!result)
    return createStringError(result.getError(),
                             "cannot read the output of " + *program);
  return std::move(*result);
}
