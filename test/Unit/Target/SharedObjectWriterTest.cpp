//===- SharedObjectWriterTest.cpp - Code and weights in one file ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/SharedObjectWriter.h"
#include "TestModule.h"
#include "sherry-abi/abi.h"
#include "sherry/Support/OutputFile.h"
#include "sherry/Target/Linker.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "gmock/gmock.h"

#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace sherry;
using testing::HasSubstr;

namespace {
class SharedObjectWriter : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("sherry-test", folder));
    path = folder;
    sys::path::append(path, "model.so");
    code = cantFail(linkSharedObject(compileToObject(kAnswerModule)));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  /// Writes with `bytes` as weights, of which `claimed` were promised.
  std::string write(StringRef bytes, uint64_t claimed) {
    Error error = writeSharedObjects(path.str().str(), code->getBuffer(),
                                     claimed, [&](int64_t, raw_ostream &out) {
                                       out << bytes;
                                       return Error::success();
                                     });
    return error ? toString(std::move(error)) : std::string();
  }

  bool folderIsEmpty() const {
    std::error_code error;
    return sys::fs::directory_iterator(folder, error) ==
           sys::fs::directory_iterator();
  }

  SmallString<128> folder, path;
  std::unique_ptr<MemoryBuffer> code;
};
} // namespace

TEST_F(SharedObjectWriter, RanksHaveTheChecksumOfAllWeights) {
  const std::vector<std::string> paths = {(path + ".0").str(),
                                          (path + ".1").str()};
  auto writeWeights = [](int64_t rank, raw_ostream &out) -> Error {
    out << (rank ? "two " : "one ");
    return Error::success();
  };
  ASSERT_FALSE(writeSharedObjects(paths, code->getBuffer(), /*weightsSize=*/4,
                                  writeWeights));
  sherry_abi_identity identities[2];
  for (uint32_t rank : {0, 1}) {
    auto buffer =
        cantFail(errorOrToExpected(MemoryBuffer::getFile(paths[rank])));
    sherry_abi_identity &identity = identities[rank];
    std::memcpy(&identity, buffer->getBufferEnd() - sizeof(identity),
                sizeof(identity));
    EXPECT_EQ(identity.rank, rank);
    EXPECT_EQ(identity.n_ranks, 2u);
    EXPECT_EQ(identity.file.weights,
              crc32(arrayRefFromStringRef(rank ? "two " : "one ")));
  }
  EXPECT_EQ(identities[0].file.code, identities[1].file.code);
  const uint32_t both[] = {identities[0].file.weights,
                           identities[1].file.weights};
  const uint32_t model =
      crc32(ArrayRef(reinterpret_cast<const uint8_t *>(both), sizeof(both)));
  EXPECT_EQ(identities[0].model, model);
  EXPECT_EQ(identities[1].model, model);
}

TEST_F(SharedObjectWriter, NoRankIsLeftWithoutThoseAfterIt) {
  const std::vector<std::string> paths = {(path + ".0").str(),
                                          (path + ".1").str()};
  Error error = writeSharedObjects(
      paths, code->getBuffer(), /*weightsSize=*/4,
      [](int64_t rank, raw_ostream &out) -> Error {
        out << "some";
        return rank == 0 ? Error::success() : createStringError("no rank 1");
      });
  EXPECT_EQ(toString(std::move(error)), "no rank 1");
  EXPECT_TRUE(folderIsEmpty());
}

TEST_F(SharedObjectWriter, CodeRunsAndWeightsAreFound) {
  std::string weights(1000001, 'w');
  weights.front() = 'a';
  weights.back() = 'z';
  ASSERT_EQ(write(weights, weights.size()), "");

  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  auto *answer = reinterpret_cast<int (*)()>(dlsym(library, "answer"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer(), 42);
  dlclose(library);

  auto buffer = cantFail(errorOrToExpected(MemoryBuffer::getFile(path)));
  auto file = cantFail(
      object::ObjectFile::createELFObjectFile(buffer->getMemBufferRef()));
  bool found = false;
  for (const object::SectionRef &section : file->sections()) {
    if (cantFail(section.getName()) != SHERRY_ABI_WEIGHTS_SECTION)
      continue;
    found = true;
    object::ELFSectionRef elf(section);
    EXPECT_EQ(elf.getOffset() % SHERRY_ABI_WEIGHTS_ALIGNMENT, 0u);
    EXPECT_EQ(elf.getFlags(), 0u);
    EXPECT_EQ(cantFail(section.getContents()), weights);
  }
  EXPECT_TRUE(found);
}

TEST_F(SharedObjectWriter, ChecksumsAreThoseOfTheFile) {
  const std::string weights(1000001, 'w');
  ASSERT_EQ(write(weights, weights.size()), "");
  auto buffer = cantFail(errorOrToExpected(MemoryBuffer::getFile(path)));
  StringRef bytes = buffer->getBuffer();
  sherry_abi_identity identity;
  std::memcpy(&identity, bytes.take_back(sizeof(identity)).data(),
              sizeof(identity));
  bytes = bytes.drop_back(sizeof(identity));
  EXPECT_EQ(identity.file.weights,
            crc32(arrayRefFromStringRef(bytes.take_back(weights.size()))));
  EXPECT_EQ(identity.file.code,
            crc32(arrayRefFromStringRef(bytes.drop_back(weights.size()))));
  EXPECT_EQ(identity.rank, 0u);
  EXPECT_EQ(identity.n_ranks, 1u);
}

TEST_F(SharedObjectWriter, NoWeightsAreFine) { EXPECT_EQ(write("", 0), ""); }

TEST_F(SharedObjectWriter, SizesMustAgree) {
  EXPECT_THAT(write("four", 5), HasSubstr("4 bytes instead of 5"));
  EXPECT_THAT(write("four", 3), HasSubstr("4 bytes instead of 3"));
  EXPECT_TRUE(folderIsEmpty());
}

TEST_F(SharedObjectWriter, FailureOfTheCallbackLeavesNothing) {
  Error error =
      writeSharedObjects(path.str().str(), code->getBuffer(), 8,
                         [](int64_t, raw_ostream &out) -> Error {
                           out << "half";
                           return createStringError("the weights are gone");
                         });
  EXPECT_THAT(toString(std::move(error)), HasSubstr("the weights are gone"));
  EXPECT_TRUE(folderIsEmpty());
}

TEST_F(SharedObjectWriter, KeepsAnOldFileOnFailure) {
  ASSERT_EQ(write("1234", 4), "");
  uint64_t before, after;
  ASSERT_FALSE(sys::fs::file_size(path, before));
  EXPECT_NE(write("1234", 5), "");
  ASSERT_FALSE(sys::fs::file_size(path, after));
  EXPECT_EQ(before, after);
}

TEST_F(SharedObjectWriter, NamesAFolderThatDoesNotExist) {
  path = folder;
  sys::path::append(path, "missing", "model.so");
  std::string message = write("1234", 4);
  EXPECT_THAT(message, HasSubstr("cannot write"));
  EXPECT_THAT(message, HasSubstr("missing"));
}

TEST_F(SharedObjectWriter, RefusesToReplaceAFolder) {
  path = folder;
  EXPECT_THAT(write("1234", 4), HasSubstr("cannot write"));
  EXPECT_TRUE(sys::fs::is_directory(folder));
}

TEST_F(SharedObjectWriter, WritesToDevices) {
  path = "/dev/null";
  EXPECT_EQ(write("1234", 4), "");
  path = "/dev/full";
  EXPECT_THAT(write("1234", 4), HasSubstr("cannot write /dev/full"));
  EXPECT_FALSE(sys::fs::is_regular_file("/dev/full"));
  path = folder;
}

TEST_F(SharedObjectWriter, EqualInputGivesEqualFiles) {
  auto bytes = [&] {
    EXPECT_EQ(write("1234", 4), "");
    auto buffer = cantFail(errorOrToExpected(MemoryBuffer::getFile(path)));
    return buffer->getBuffer().str();
  };
  std::string first = bytes();
  EXPECT_EQ(first, bytes());
}

TEST_F(SharedObjectWriter, FollowsLinks) {
  SmallString<128> file = path;
  ASSERT_EQ(write("1234", 4), "");
  path = folder;
  sys::path::append(path, "100%");
  ASSERT_FALSE(sys::fs::create_directory(path));
  sys::path::append(path, "link.so");
  ASSERT_FALSE(sys::fs::create_link(file, path));
  ASSERT_EQ(write("12345678", 8), "");
  bool isLink;
  ASSERT_FALSE(sys::fs::is_symlink_file(path, isLink));
  EXPECT_TRUE(isLink);
  auto buffer = cantFail(errorOrToExpected(MemoryBuffer::getFile(file)));
  EXPECT_TRUE(buffer->getBuffer().contains("12345678"));
}

TEST_F(SharedObjectWriter, PatchesWhatGoesIntoAPipe) {
  // Emitting an object file writes its header a second time.
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  Error error = writeFileAtomically(path, [](raw_pwrite_stream &out) {
    out << "xbc";
    out.pwrite("a", 1, 0);
    return Error::success();
  });
  char bytes[4] = {};
  EXPECT_EQ(read(reader, bytes, sizeof(bytes)), 3);
  close(reader);
  // LLVM does not remove pipes.
  unlink(path.c_str());
  EXPECT_EQ(toString(std::move(error)), "");
  EXPECT_STREQ(bytes, "abc");
}

TEST_F(SharedObjectWriter, RefusesCodeThatIsNoElfFile) {
  Error error = writeSharedObjects(
      path.str().str(), "no ELF file", 0,
      [](int64_t, raw_ostream &) { return Error::success(); });
  EXPECT_THAT(toString(std::move(error)), HasSubstr("malformed"));
  EXPECT_TRUE(folderIsEmpty());
}
