//===- AbiTableTest.cpp - The table that a compiled model exports ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Driver/AbiTable.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"

#include <gmock/gmock.h>

using namespace sherry;
using testing::HasSubstr;

namespace {
class AbiTableTest : public testing::Test {
protected:
  /// What is wrong with the table of `entries` for a module that defines
  /// @decode; nothing if there is one.
  std::string add(std::vector<AbiEntry> entries) {
    llvm::SMDiagnostic diagnostic;
    module = llvm::parseAssemblyString(
        "define void @decode(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, i64, "
        "i64, i64, i64, ptr) { ret void }\n"
        "define void @other() { ret void }\n",
        diagnostic, context);
    AbiFields fields = {};
    fields.entries = std::move(entries);
    llvm::Error error = addAbiTable(
        *module, llvm::cantFail(TargetModel::get("x86-64-v2")), fields);
    return error ? llvm::toString(std::move(error)) : std::string();
  }

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
};
} // namespace

TEST_F(AbiTableTest, ListsEntryPoints) {
  EXPECT_EQ(add({{"decode", SHERRY_ABI_FORWARD, 1}}), "");
  EXPECT_FALSE(llvm::verifyModule(*module, &llvm::errs()));
  EXPECT_TRUE(module->getFunction("decode")->hasInternalLinkage());
  EXPECT_FALSE(
      module->getFunction(SHERRY_ABI_QUERY_SYMBOL)->hasInternalLinkage());
}

TEST_F(AbiTableTest, RefusesWhatIsNoEntryPoint) {
  EXPECT_THAT(add({}), HasSubstr("needs an entry point"));
  for (const char *name : {"other", "elsewhere"})
    EXPECT_THAT(add({{name, SHERRY_ABI_FORWARD, 1}}),
                HasSubstr("does not define @" + std::string(name)));
}
