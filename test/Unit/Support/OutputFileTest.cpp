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
#include <fcntl.h>
#include <sys/stat.h>
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
// Signals
//===----------------------------------------------------------------------===//

TEST(ToolProcessTest, SignalsRemoveUnfinishedFiles) {
  for (int number : {SIGHUP, SIGINT, SIGTERM}) {
    test::TempFolder folder;
    std::string path = folder.write("unfinished", "x");
    auto beSignalled = [&] {
      std::signal(number, SIG_DFL); // a shell may have it ignored
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
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    test::TempFolder folder;
    std::string path = folder.write("unfinished", "x");
    auto beSignalled = [&] {
      std::signal(number, SIG_IGN);
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
