//===- InputFileTest.cpp - Files that are read ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/InputFile.h"
#include "TempFolder.h"

#include <gmock/gmock.h>

#include <csignal>
#include <fcntl.h>
#include <numeric>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace sherry;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

static constexpr size_t kLarge = 1 << 20, kSmall = 1000;

static std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

static std::unique_ptr<llvm::MemoryBuffer> open(const std::string &path) {
  return llvm::cantFail(readFile(path, INT64_MAX));
}

/// Looks at all bytes.
static int sum(llvm::StringRef bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), 0);
}

TEST(InputFileTest, ReadsFilesOfAnySize) {
  test::TempFolder folder;
  for (size_t size : {size_t(0), size_t(1), kSmall, size_t(65536), kLarge}) {
    std::string contents(size, 'x');
    if (size > 0)
      contents.back() = 'y';
    auto buffer = open(folder.write("file", contents));
    EXPECT_EQ(buffer->getBuffer(), contents) << size;
    EXPECT_EQ(buffer->getBufferIdentifier(), folder.path("file"));
  }
}

TEST(InputFileTest, RefusesWhatIsNoFileOrTooLarge) {
  test::TempFolder folder;
  EXPECT_THAT(messageOf(readFile(folder.path(), 100).takeError()),
              HasSubstr("is not a regular file"));
  ASSERT_EQ(mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(messageOf(readFile(folder.path("pipe"), 100).takeError()),
              HasSubstr("is not a regular file"));
  EXPECT_THAT(messageOf(readFile(folder.path("nothing"), 100).takeError()),
              AllOf(HasSubstr("nothing"), HasSubstr("No such file")));
  folder.write("file", std::string(kSmall, 'x'));
  EXPECT_THAT(messageOf(readFile(folder.path("file"), kSmall - 1).takeError()),
              HasSubstr("has 1000 bytes, more than the 999"));
}

TEST(InputFileTest, AFileThatBecomesShorterEndsTheProcessWithAMessage) {
  test::TempFolder folder;
  std::string path = folder.write("weights", std::string(kLarge, 'x'));
  auto shrinkAndRead = [&] {
    auto other = open(path), buffer = open(path);
    other.reset();
    ASSERT_EQ(truncate(path.c_str(), 5000), 0);
    _exit(sum(buffer->getBuffer()) == 0 ? 2 : 3);
  };
  EXPECT_EXIT(shrinkAndRead(), testing::ExitedWithCode(1),
              AllOf(HasSubstr("weights: became shorter while it was read"),
                    HasSubstr("error: ")));
}

TEST(InputFileTest, OtherFilesThatShrinkAreNotSpokenOf) {
  test::TempFolder folder;
  open(folder.write("other", std::string(kLarge, 'x')));
  std::string path = folder.write("weights", std::string(kLarge, 'x'));
  auto shrinkAndRead = [&] {
    int descriptor = ::open(path.c_str(), O_RDONLY);
    auto *bytes = static_cast<char *>(
        mmap(nullptr, kLarge, PROT_READ, MAP_PRIVATE, descriptor, 0));
    ASSERT_EQ(truncate(path.c_str(), 5000), 0);
    [[maybe_unused]] static volatile int sink;
    sink = sum({bytes, kLarge});
    _exit(0);
  };
  EXPECT_DEATH(shrinkAndRead(), Not(HasSubstr("became shorter")));
}

TEST(InputFileTest, AFileThatChangedIsNoticed) {
  test::TempFolder folder;
  std::string path = folder.write("weights", std::string(kLarge, 'x'));
  auto buffer = open(path);
  EXPECT_EQ(messageOf(checkUnchanged()), "");
  struct timespec times[] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_THAT(messageOf(checkUnchanged()),
              HasSubstr("weights: changed while it was read"));
  buffer = open(path);
  EXPECT_EQ(messageOf(checkUnchanged()), "");
  ASSERT_EQ(truncate(path.c_str(), 5000), 0);
  EXPECT_THAT(messageOf(checkUnchanged()), HasSubstr("changed while"));
  buffer.reset();
  EXPECT_EQ(messageOf(checkUnchanged()), "");
  // One of several files may be of another version, though each is whole.
  buffer = open(folder.write("weights", std::string(kLarge, 'x')));
  std::filesystem::rename(folder.write("new", std::string(kLarge, 'y')), path);
  EXPECT_THAT(messageOf(checkUnchanged()), HasSubstr("changed while"));
}

TEST(InputFileTest, MappedFilesTakeNoDescriptors) {
  test::TempFolder folder;
  std::string path = folder.write("weights", std::string(kLarge, 'x'));
  auto nextDescriptor = [] {
    int descriptor = dup(STDERR_FILENO);
    close(descriptor);
    return descriptor;
  };
  const int before = nextDescriptor();
  auto buffer = open(path);
  EXPECT_EQ(nextDescriptor(), before);
}

TEST(InputFileTest, KnowsWhichFilesWereReadUnderAnyName) {
  test::TempFolder folder;
  std::string small = folder.write("small", "x");
  std::string large = folder.write("large", std::string(kLarge, 'x'));
  auto buffer = open(large);
  open(small);
  ASSERT_EQ(symlink("small", folder.path("link").c_str()), 0);
  ASSERT_EQ(link(large.c_str(), folder.path("hard").c_str()), 0);
  for (const char *name : {"small", "large", "link", "hard"})
    EXPECT_THAT(messageOf(checkNotRead(folder.path(name))),
                AllOf(HasSubstr(name), HasSubstr("it is an input file")));
  EXPECT_EQ(messageOf(checkNotRead(folder.path("new"))), "");
  EXPECT_EQ(messageOf(checkNotRead("-")), "");
}
