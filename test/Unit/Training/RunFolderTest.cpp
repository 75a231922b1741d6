//===- RunFolderTest.cpp - Checkpoints that are whole or not there --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/RunFolder.h"
#include "sherry/Support/Json.h"

#include "llvm/Support/FileSystem.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

using namespace sherry;
using namespace sherry::training;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {
struct RunFolderTest : testing::Test {
  fs::path path = fs::path(testing::TempDir()) / "sherry-run-folder";
  RunFolderTest() { fs::remove_all(path); }
  ~RunFolderTest() override { fs::remove_all(path); }

  RunFolder open() { return llvm::cantFail(RunFolder::open(path.string())); }

  std::vector<std::string> list() const {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator(path))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
};
} // namespace

static llvm::Error writeNothing(llvm::StringRef folder) {
  std::ofstream(folder.str() + "/file") << "x";
  return llvm::Error::success();
}

TEST_F(RunFolderTest, KeepsTheLast) {
  RunFolder folder = open();
  EXPECT_EQ(folder.getLatest(), "");
  for (int64_t step : {5, 10, 15}) {
    llvm::cantFail(folder.save(step, 2, writeNothing));
    EXPECT_EQ(fs::path(folder.getLatest()), fs::canonical(path / "latest"));
  }
  EXPECT_THAT(list(),
              ElementsAre("latest", "lock", "step-00000010", "step-00000015"));
  EXPECT_TRUE(fs::exists(path / "latest" / "file"));
}

TEST_F(RunFolderTest, WhatFailsLeavesTheLast) {
  {
    RunFolder folder = open();
    llvm::cantFail(folder.save(1, 2, writeNothing));
    auto error = folder.save(
        2, 2, [](llvm::StringRef) { return makeError("the disk is full"); });
    EXPECT_EQ(llvm::toString(std::move(error)), "the disk is full");
    EXPECT_THAT(folder.getLatest(), HasSubstr("step-00000001"));
  }
  open(); // removes the rest
  EXPECT_THAT(list(), ElementsAre("latest", "lock", "step-00000001"));
}

TEST_F(RunFolderTest, TakesTheNewestThatWasNeverLinked) {
  for (const char *name : {"step-00000001", "step-00000002"})
    fs::create_directories(path / name);
  fs::create_symlink("step-00000002", path / ".tmp-latest");
  RunFolder folder = open();
  EXPECT_EQ(fs::path(folder.getLatest()), path / "step-00000002");
  llvm::cantFail(folder.save(3, 1, writeNothing));
  EXPECT_TRUE(fs::exists(path / "latest" / "file"));
  EXPECT_THAT(list(), ElementsAre("latest", "lock", "step-00000003"));
}

TEST_F(RunFolderTest, ReplacesWhatIsBehindTheLast) {
  for (const char *name : {"step-00000001", "step-00000002"})
    fs::create_directories(path / name);
  std::ofstream(path / "step-00000002" / "old") << "x";
  fs::create_symlink("step-00000001", path / "latest");
  RunFolder folder = open();
  EXPECT_EQ(fs::path(folder.getLatest()), path / "step-00000001");
  llvm::cantFail(folder.save(2, 1, writeNothing));
  EXPECT_FALSE(fs::exists(path / "latest" / "old"));
  EXPECT_THAT(list(), ElementsAre("latest", "lock", "step-00000002"));
}

TEST_F(RunFolderTest, RefusesALinkToNoCheckpoint) {
  auto refuse = [&](const char *target) {
    fs::remove(path / "latest");
    fs::create_symlink(target, path / "latest");
    return llvm::toString(RunFolder::open(path.string()).takeError());
  };
  fs::create_directories(path / "step-00000001");
  fs::create_directories(path / "other");
  EXPECT_THAT(refuse("step-00000002"),
              HasSubstr("latest: No such file or directory; let it name the "
                        "checkpoint to go on from"));
  EXPECT_THAT(refuse("latest"), HasSubstr("symbolic links"));
  EXPECT_THAT(refuse("other"), HasSubstr("not a checkpoint of this run"));
  EXPECT_TRUE(fs::exists(path / "step-00000001"));
}

TEST_F(RunFolderTest, LeavesWhatOthersPutThere) {
  for (const char *name : {".tmp-step-00000001", ".tmp-step-x", ".tmp-mine"})
    fs::create_directories(path / name);
  RunFolder folder = open();
  EXPECT_THAT(list(), ElementsAre(".tmp-mine", ".tmp-step-x", "lock"));
}

TEST_F(RunFolderTest, OneProcess) {
  RunFolder folder = open();
  auto second = RunFolder::open(path.string());
  ASSERT_FALSE(static_cast<bool>(second));
  EXPECT_THAT(llvm::toString(second.takeError()),
              HasSubstr("another process trains in this folder"));
}

TEST_F(RunFolderTest, MetricsLoseTheLineThatIsNotWhole) {
  RunFolder folder = open();
  Metrics metrics(folder.getMetricsPath());
  EXPECT_TRUE(llvm::cantFail(metrics.read()).empty());
  for (int64_t step = 1; step <= 3; ++step)
    llvm::cantFail(metrics.append({{"event", "step"}, {"step", step}}));
  std::ofstream(folder.getMetricsPath(), std::ios::app) << "{\"event\": \"st";
  auto records = llvm::cantFail(metrics.read());
  ASSERT_EQ(records.size(), 3u);
  records.pop_back();
  llvm::cantFail(metrics.rewrite(records));
  llvm::cantFail(metrics.append({{"event", "end"}}));
  std::ifstream file(folder.getMetricsPath());
  std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, "{\"event\":\"step\",\"step\":1}\n"
                  "{\"event\":\"step\",\"step\":2}\n{\"event\":\"end\"}\n");
}
