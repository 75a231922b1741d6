//===- LinkTest.cpp - Objects to shared objects ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestModule.h"
#include "sherry-abi/abi.h"
#include "sherry/Target/Linker.h"

#include "llvm/Object/ELF.h"

#include "gmock/gmock.h"

using namespace sherry;
using testing::HasSubstr;

static std::string linkError(llvm::StringRef object,
                             llvm::StringRef linker = "") {
  auto result = linkSharedObject(object, linker);
  return result ? std::string() : llvm::toString(result.takeError());
}

TEST(Linker, LinksReproducibly) {
  std::string object = compileToObject(kAnswerModule);
  auto first = llvm::cantFail(linkSharedObject(object));
  auto second = llvm::cantFail(linkSharedObject(object));
  EXPECT_TRUE(first->getBuffer().starts_with("\x7f"
                                             "ELF"));
  EXPECT_EQ(first->getBuffer(), second->getBuffer());
}

TEST(Linker, AlignsSegmentsAsTheAbiSays) {
  auto linked =
      llvm::cantFail(linkSharedObject(compileToObject(kAnswerModule)));
  auto elf =
      llvm::cantFail(llvm::object::ELF64LEFile::create(linked->getBuffer()));
  int segments = 0;
  for (const auto &segment : llvm::cantFail(elf.program_headers()))
    if (segment.p_type == llvm::ELF::PT_LOAD) {
      EXPECT_EQ(segment.p_align, SHERRY_ABI_WEIGHTS_ALIGNMENT);
      ++segments;
    }
  EXPECT_GT(segments, 0);
}

TEST(Linker, UndefinedSymbolsAreErrors) {
  std::string object = compileToObject("declare void @elsewhere()\n"
                                       "define void @f() {\n"
                                       "  call void @elsewhere()\n"
                                       "  ret void\n}\n");
  EXPECT_THAT(linkError(object), HasSubstr("undefined symbol: elsewhere"));
}

TEST(Linker, NamesAMissingLinker) {
  EXPECT_THAT(linkError(compileToObject(kAnswerModule), "no-such-linker"),
              HasSubstr("'no-such-linker' not found"));
}

TEST(Linker, ReportsWhatTheLinkerSays) {
  EXPECT_THAT(linkError("this is no object file"), HasSubstr("failed"));
}
