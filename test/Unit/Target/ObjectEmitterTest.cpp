//===- ObjectEmitterTest.cpp - Code for several CPUs ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestModule.h"

#include "gmock/gmock.h"

using namespace sherry;
using testing::HasSubstr;
using testing::Not;

/// 16 floats times 16 floats, by a function of the given attributes.
static std::string vectorModule(llvm::StringRef attributes) {
  return ("define void @f(ptr %p, ptr %q) " + attributes + R"( {
    %a = load <16 x float>, ptr %p, align 4
    %b = load <16 x float>, ptr %q, align 4
    %c = fmul <16 x float> %a, %b
    store <16 x float> %c, ptr %p, align 4
    ret void
  })")
      .str();
}

TEST(ObjectEmitter, VectorsAreAsWideAsTheTargetHasThem) {
  std::string wide = compileToAssembly(vectorModule(""), "x86-64-v4");
  EXPECT_THAT(wide, HasSubstr("zmm"));
  // This CPU prefers 256 bits if it is asked.
  EXPECT_THAT(compileToAssembly(vectorModule(""), "skylake-avx512"),
              HasSubstr("zmm"));
  std::string half = compileToAssembly(vectorModule(""), "x86-64-v3");
  EXPECT_THAT(half, HasSubstr("ymm"));
  EXPECT_THAT(half, Not(HasSubstr("zmm")));
  EXPECT_THAT(compileToAssembly(vectorModule(""), "x86-64-v2"),
              Not(HasSubstr("ymm")));
}

TEST(ObjectEmitter, RefusesLargeFrames) {
  auto compileWithFrame = [](int64_t size) {
    std::string array = "[" + std::to_string(size) + " x i8]";
    llvm::LLVMContext context;
    llvm::SMDiagnostic diagnostic;
    auto module = llvm::parseAssemblyString(
        "define void @f(ptr %use) {\n  %a = alloca " + array +
            "\n  call void %use(ptr %a)\n  ret void\n}\n",
        diagnostic, context);
    TargetModel target = llvm::cantFail(TargetModel::get("x86-64-v3"));
    ObjectEmitter emitter = llvm::cantFail(ObjectEmitter::create(target));
    emitter.optimize(*module);
    llvm::SmallVector<char, 0> bytes;
    llvm::raw_svector_ostream out(bytes);
    return llvm::toString(
        emitter.emit(*module, out, llvm::CodeGenFileType::ObjectFile));
  };
  EXPECT_EQ(compileWithFrame(30000), "");
  EXPECT_EQ(compileWithFrame(40000),
            "the function f takes 40008 bytes of stack, at most "
            "32768 are possible");
}

TEST(ObjectEmitter, BaselineFunctionsRunEverywhere) {
  std::string text =
      compileToAssembly(vectorModule("\"sherry-baseline\""), "x86-64-v4");
  EXPECT_THAT(text, Not(HasSubstr("zmm")));
  EXPECT_THAT(text, Not(HasSubstr("ymm")));
}

TEST(ObjectEmitter, LoopsDoNotBecomeLibraryCalls) {
  std::string text = compileToAssembly(R"(
    define void @clear(ptr %p, i64 %n) {
    entry:
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      %at = getelementptr i8, ptr %p, i64 %i
      store i8 0, ptr %at
      %next = add i64 %i, 1
      %more = icmp ult i64 %next, %n
      br i1 %more, label %loop, label %end
    end:
      ret void
    })",
                                       "x86-64-v3");
  EXPECT_THAT(text, Not(HasSubstr("memset")));
  EXPECT_THAT(text, Not(HasSubstr("call")));
}

TEST(ObjectEmitter, ProductsAndSumsAreNotContracted) {
  constexpr llvm::StringLiteral kModule = R"(
    define float @f(float %a, float %b, float %c) {
      %p = fmul float %a, %b
      %s = fadd float %p, %c
      ret float %s
    })";
  EXPECT_THAT(compileToAssembly(kModule, "x86-64-v3"),
              Not(HasSubstr("vfmadd")));
}
