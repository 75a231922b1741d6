//===- OutputFileTest.cpp - Files that are whole or not there -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/OutputFile.h"
#include "TempFolder.h"
#include "sherry/Support/ToolProcess.h"

#include "llvm/Support/Signals.h"

#include <gmock/gmock.h>

#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace sherry;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::KilledBySignal;

static std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

/// Whether files without a name are possible in the folder.
static bool hasUnnamedFiles(const test::TempFolder &folder) {
  int descriptor = open(folder.path().c_str(), O_TMPFILE | O_RDWR, 0600);
  return descriptor >= 0 && close(descriptor) == 0;
}

static llvm::Error writeText(const std::string &path, llvm::StringRef text) {
  return writeFileAtomically(path, [&](llvm::raw_pwrite_stream &out) {
    out << text;
    return llvm::Error::success();
  });
}

TEST(OutputFileTest, WritesANewFileAndReplacesAnOldOne) {
  test::TempFolder folder;
  umask(022);
  ASSERT_EQ(messageOf(writeText(folder.path("file"), "one")), "");
  EXPECT_EQ(folder.read("file"), "one");
  struct stat status;
  ASSERT_EQ(stat(folder.path("file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
  ASSERT_EQ(messageOf(writeText(folder.path("file"), "two")), "");
  EXPECT_EQ(folder.read("file"), "two");
  EXPECT_THAT(folder.list(), ElementsAre("file"));
}

TEST(OutputFileTest, WritesWhereALinkLeads) {
  test::TempFolder folder;
  folder.write("file", "one");
  ASSERT_EQ(symlink("file", folder.path("link").c_str()), 0);
  ASSERT_EQ(messageOf(writeText(folder.path("link"), "two")), "");
  EXPECT_EQ(folder.read("file"), "two");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
}

TEST(OutputFileTest, WritesWhereALinkLeadsToNothingYet) {
  test::TempFolder folder;
  std::filesystem::create_directory(folder.path("in"));
  ASSERT_EQ(symlink("in/second", folder.path("first").c_str()), 0);
  ASSERT_EQ(
      symlink(folder.path("file").c_str(), folder.path("in/second").c_str()),
      0);
  ASSERT_EQ(symlink("loop", folder.path("loop").c_str()), 0);
  ASSERT_EQ(messageOf(writeText(folder.path("first"), "one")), "");
  EXPECT_EQ(folder.read("file"), "one");
  EXPECT_THAT(messageOf(writeText(folder.path("loop"), "x")),
              HasSubstr("cannot write"));
  for (const char *name : {"first", "in/second", "loop"})
    EXPECT_TRUE(std::filesystem::is_symlink(folder.path(name))) << name;
}

TEST(OutputFileTest, FilesThatHaveBeenRemovedHaveNoPlace) {
  test::TempFolder folder;
  const int file = open(folder.write("file", "one").c_str(), O_RDONLY);
  std::filesystem::remove(folder.path("file"));
  EXPECT_THAT(
      messageOf(writeText("/proc/self/fd/" + std::to_string(file), "two")),
      HasSubstr("No such file"));
  close(file);
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(OutputFileTest, AFailureLeavesWhatWasThere) {
  test::TempFolder folder;
  folder.write("file", "one");
  for (const char *name : {"file", "new"})
    EXPECT_EQ(messageOf(writeFileAtomically(folder.path(name),
                                            [](llvm::raw_pwrite_stream &out) {
                                              out << "two";
                                              return llvm::createStringError(
                                                  "no");
                                            })),
              "no");
  EXPECT_EQ(folder.read("file"), "one");
  EXPECT_THAT(folder.list(), ElementsAre("file"));
  EXPECT_THAT(messageOf(writeText(folder.path("nowhere/file"), "x")),
              HasSubstr("nowhere/file: No such file"));
}

TEST(OutputFileTest, ThereIsNoFileBeforeItIsWhole) {
  test::TempFolder folder;
  if (!hasUnnamedFiles(folder))
    GTEST_SKIP() << "the file system has no files without a name";
  auto write = [&](llvm::raw_pwrite_stream &out) {
    out << "one";
    out.flush();
    EXPECT_THAT(folder.list(), IsEmpty());
    return llvm::Error::success();
  };
  EXPECT_EQ(messageOf(writeFileAtomically(folder.path("file"), write)), "");
  EXPECT_THAT(folder.list(), ElementsAre("file"));
}

TEST(OutputFileTest, NothingIsLeftOfAProcessThatIsKilled) {
  test::TempFolder folder;
  if (!hasUnnamedFiles(folder))
    GTEST_SKIP() << "the file system has no files without a name";
  auto writeAndDie = [&] {
    llvm::consumeError(writeFileAtomically(folder.path("file"),
                                           [](llvm::raw_pwrite_stream &out) {
                                             out << "one";
                                             out.flush();
                                             raise(SIGKILL);
                                             return llvm::Error::success();
                                           }));
  };
  EXPECT_EXIT(writeAndDie(), KilledBySignal(SIGKILL), "");
  EXPECT_THAT(folder.list(), IsEmpty());
}

//===----------------------------------------------------------------------===//
// Systems that lack something
//===----------------------------------------------------------------------===//

/// From now on calls of this number fail in this process, if their third
/// argument has all of these flags.
static void forbid(uint32_t number, uint32_t error, uint32_t flags = 0) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, flags),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, flags, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program = {std::size(code), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    _exit(9);
}
static void forbidUnnamedFiles() { forbid(SYS_openat, EOPNOTSUPP, O_TMPFILE); }
static void forbidLinks() { forbid(SYS_linkat, EACCES); }

/// As in a process that begins: a shell may have the signal ignored, another
/// test have installed LLVM's handlers.
static void beginWith(int number, sighandler_t handler) {
  llvm::sys::unregisterHandlers();
  std::signal(number, handler);
}

TEST(OutputFileTest, FilesAreWholeWhateverTheSystemLacks) {
  for (auto *forbidSomething : {forbidUnnamedFiles, forbidLinks}) {
    test::TempFolder folder;
    const std::string path = folder.path("file");
    const std::string text(3 << 20, 'x');
    auto writeTwice = [&] {
      forbidSomething();
      umask(022);
      llvm::cantFail(writeText(path, "one"));
      const bool isOne = folder.read("file") == "one";
      llvm::cantFail(writeText(path, text));
      _exit(isOne ? 0 : 1);
    };
    EXPECT_EXIT(writeTwice(), testing::ExitedWithCode(0), "");
    EXPECT_EQ(folder.read("file"), text);
    EXPECT_THAT(folder.list(), ElementsAre("file"));
    struct stat status;
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644u);
  }
}

TEST(OutputFileTest, AFileThatIsReplacedKeepsItsPermissions) {
  for (auto *forbidSomething : {+[] {}, forbidUnnamedFiles, forbidLinks}) {
    test::TempFolder folder;
    const std::string path = folder.write("file", "one");
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
    auto replace = [&] {
      forbidSomething();
      umask(022);
      llvm::cantFail(writeText(path, "two"));
      _exit(0);
    };
    EXPECT_EXIT(replace(), testing::ExitedWithCode(0), "");
    EXPECT_EQ(folder.read("file"), "two");
    struct stat status;
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u);
  }
}

TEST(OutputFileTest, NamesMayBeAsLongAsTheSystemAllows) {
  for (auto *forbidSomething : {+[] {}, forbidUnnamedFiles, forbidLinks}) {
    test::TempFolder folder;
    const std::string name(255, 'x');
    auto writeTwice = [&] {
      forbidSomething();
      llvm::cantFail(writeText(folder.path(name), "one"));
      llvm::cantFail(writeText(folder.path(name), "two"));
      _exit(0);
    };
    EXPECT_EXIT(writeTwice(), testing::ExitedWithCode(0), "");
    EXPECT_EQ(folder.read(name), "two");
    EXPECT_THAT(folder.list(), ElementsAre(name));
  }
}

TEST(OutputFileTest, ASignalDoesNotKeepAFileFromBeingClosed) {
  test::TempFolder folder;
  auto write = [&] {
    forbid(SYS_close, EINTR);
    llvm::errs() << messageOf(writeText(folder.path("file"), "one"));
    _exit(0);
  };
  EXPECT_EXIT(write(), testing::ExitedWithCode(0), testing::IsEmpty());
  EXPECT_EQ(folder.read("file"), "one");
}

TEST(OutputFileTest, SignalsRemoveTemporaryNames) {
  test::TempFolder folder;
  auto beSignalled = [&] {
    beginWith(SIGTERM, SIG_DFL);
    forbidUnnamedFiles();
    llvm::consumeError(writeFileAtomically(folder.path("file"),
                                           [&](llvm::raw_pwrite_stream &out) {
                                             if (folder.list().size() != 1)
                                               _exit(1);
                                             raise(SIGTERM);
                                             return llvm::Error::success();
                                           }));
  };
  EXPECT_EXIT(beSignalled(), KilledBySignal(SIGTERM), "");
  EXPECT_THAT(folder.list(), IsEmpty());
}

TEST(OutputFileTest, AFileStaysIfTheNewOneDoesNotReachTheDisk) {
  for (auto *forbidSomething : {+[] {}, forbidUnnamedFiles, forbidLinks}) {
    for (uint32_t call : {SYS_fsync, SYS_close}) {
      test::TempFolder folder;
      folder.write("file", "one");
      auto writeInVain = [&](const char *name) {
        forbidSomething();
        forbid(call, EIO);
        llvm::errs() << messageOf(writeText(folder.path(name), "two"));
        _exit(0);
      };
      EXPECT_EXIT(writeInVain("file"), testing::ExitedWithCode(0),
                  "cannot write .*file: Input/output error");
      EXPECT_EQ(folder.read("file"), "one");
      // A new one is closed, but not waited for.
      if (call == SYS_close) {
        EXPECT_EXIT(writeInVain("new"), testing::ExitedWithCode(0),
                    "cannot write .*new: Input/output error");
      }
      EXPECT_THAT(folder.list(), ElementsAre("file"));
    }
  }
}

//===----------------------------------------------------------------------===//
// Signals
//===----------------------------------------------------------------------===//

TEST(ToolProcessTest, SignalsRemoveUnfinishedFiles) {
  for (int number : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) {
    test::TempFolder folder;
    std::string path = folder.write("unfinished", "x");
    auto beSignalled = [&] {
      beginWith(number, SIG_DFL);
      startTool();
      llvm::sys::RemoveFileOnSignal(path);
      raise(number);
      _exit(0);
    };
    EXPECT_EXIT(beSignalled(), KilledBySignal(number), "");
    EXPECT_THAT(folder.list(), IsEmpty()) << number;
  }
}

TEST(ToolProcessTest, SignalsThatAreIgnoredAtTheStartStayIgnored) {
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) {
    test::TempFolder folder;
    std::string path = folder.write("unfinished", "x");
    auto beSignalled = [&] {
      beginWith(number, SIG_IGN);
      startTool();
      llvm::sys::RemoveFileOnSignal(path);
      raise(number);
      _exit(0);
    };
    EXPECT_EXIT(beSignalled(), testing::ExitedWithCode(0), "");
    EXPECT_THAT(folder.list(), ElementsAre("unfinished")) << number;
  }
}

//===----------------------------------------------------------------------===//
// The standard output
//===----------------------------------------------------------------------===//

TEST(ToolProcessTest, APipeWithoutReaderEndsTheProcessQuietly) {
  auto print = [] {
    beginWith(SIGPIPE, SIG_DFL);
    startTool();
    int ends[2];
    if (pipe(ends) != 0 || close(ends[0]) != 0)
      _exit(1);
    dup2(ends[1], STDOUT_FILENO);
    llvm::outs() << "text";
    std::exit(0);
  };
  EXPECT_EXIT(print(), KilledBySignal(SIGPIPE), testing::IsEmpty());
}

TEST(ToolProcessTest, AStandardOutputThatIsFullIsAnError) {
  auto print = [] {
    startTool();
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    llvm::outs() << "text";
    std::exit(0);
  };
  EXPECT_EXIT(
      print(), testing::ExitedWithCode(1),
      testing::AllOf(
          HasSubstr("error: cannot write the standard output: No space"),
          testing::Not(HasSubstr("LLVM ERROR"))));
}
