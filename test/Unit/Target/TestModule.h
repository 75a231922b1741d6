//===- TestModule.h - Small modules for the back end ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TEST_UNIT_TARGET_TESTMODULE_H
#define TEST_UNIT_TARGET_TESTMODULE_H

#include "sherry/Target/ObjectEmitter.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/Support/SourceMgr.h"

#include "gtest/gtest.h"

namespace sherry {

/// Compiles textual LLVM IR for a CPU to an object file or assembly.
inline std::string compileText(llvm::StringRef ir, llvm::StringRef cpu,
                               llvm::CodeGenFileType type) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module =
      llvm::parseAssemblyString(ir, diagnostic, context);
  EXPECT_TRUE(module) << diagnostic.getMessage().str();
  TargetModel target = llvm::cantFail(TargetModel::get(cpu));
  ObjectEmitter emitter = llvm::cantFail(ObjectEmitter::create(target));
  emitter.optimize(*module);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::cantFail(emitter.emit(*module, out, type));
  return std::string(out.str());
}

inline std::string compileToAssembly(llvm::StringRef ir, llvm::StringRef cpu) {
  return compileText(ir, cpu, llvm::CodeGenFileType::AssemblyFile);
}

inline std::string compileToObject(llvm::StringRef ir) {
  return compileText(ir, "x86-64-v2", llvm::CodeGenFileType::ObjectFile);
}

inline constexpr llvm::StringLiteral kAnswerModule =
    "define i32 @answer() { ret i32 42 }\n";

} // namespace sherry

#endif // TEST_UNIT_TARGET_TESTMODULE_H
