//===- FilesTest.cpp - Files of the tools that run models -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/Files.h"
#include "TestSupport.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

using namespace sherry::test;
using sherry::OutputFile;

TEST(FilesTest, NothingIsLeftOfAnOutputThatIsNotCommitted) {
  TempFolder folder;
  const std::string path = folder.path("file");
  auto isEmpty = [&] {
    return std::filesystem::is_empty(std::filesystem::path(path).parent_path());
  };
  OutputFile(path).write("one");
  EXPECT_TRUE(isEmpty());
  const int unnamed = open(folder.path("").c_str(), O_TMPFILE | O_RDWR, 0600);
  if (unnamed < 0)
    GTEST_SKIP() << "the file system has no files without a name";
  close(unnamed);
  auto writeAndDie = [&] {
    OutputFile file(path);
    file.write("one");
    raise(SIGKILL);
  };
  EXPECT_EXIT(writeAndDie(), testing::KilledBySignal(SIGKILL), "");
  EXPECT_TRUE(isEmpty());
}

TEST(FilesTest, OutputsReplaceWhatWasThere) {
  TempFolder folder;
  const std::string path = folder.path("file");
  for (const char *text : {"one", "two"}) {
    OutputFile file(path);
    file.write(text);
    file.commit();
    EXPECT_EQ(readBytes(path), text);
  }
}

TEST(FilesTest, OutputsAreWrittenWhereALinkLeads) {
  TempFolder folder;
  const std::string link = folder.path("link");
  std::filesystem::create_symlink("file", link);
  for (const char *text : {"one", "two"}) {
    OutputFile file(link);
    file.write(text);
    file.commit();
    EXPECT_EQ(readBytes(folder.path("file")), text);
    EXPECT_TRUE(std::filesystem::is_symlink(link));
  }
}
