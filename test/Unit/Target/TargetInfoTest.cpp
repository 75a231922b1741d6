//===- TargetInfoTest.cpp - CPUs by name ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/TargetInfo.h"

#include "gmock/gmock.h"

using namespace sherry;
using testing::HasSubstr;

static TargetInfo get(llvm::StringRef name) {
  llvm::Expected<TargetInfo> info = TargetInfo::get(name);
  EXPECT_TRUE(static_cast<bool>(info)) << name.str();
  return info ? *info : (llvm::consumeError(info.takeError()), TargetInfo());
}

static std::string errorFor(llvm::StringRef name) {
  llvm::Expected<TargetInfo> info = TargetInfo::get(name);
  return info ? std::string() : llvm::toString(info.takeError());
}

TEST(TargetInfo, LevelsHaveTheirFeatures) {
  TargetInfo v2 = get("x86-64-v2");
  EXPECT_TRUE(v2.has(SHERRY_CPU_SSE4_2));
  EXPECT_FALSE(v2.has(SHERRY_CPU_AVX));
  TargetInfo v3 = get("x86-64-v3");
  EXPECT_TRUE(v3.has(SHERRY_CPU_AVX2));
  EXPECT_TRUE(v3.has(SHERRY_CPU_FMA));
  EXPECT_TRUE(v3.has(SHERRY_CPU_F16C));
  EXPECT_FALSE(v3.hasAVX512());
  TargetInfo v4 = get("x86-64-v4");
  EXPECT_TRUE(v4.hasAVX512());
  EXPECT_FALSE(v4.has(SHERRY_CPU_AVX512VNNI));
}

TEST(TargetInfo, NamedCpus) {
  EXPECT_TRUE(get("icelake-server").has(SHERRY_CPU_AVX512VNNI));
  EXPECT_TRUE(get("alderlake").has(SHERRY_CPU_AVXVNNI));
  EXPECT_EQ(get("znver4").cpu, "znver4");
  EXPECT_FALSE(get("icelake-server").hasAMX());
  EXPECT_TRUE(get("sapphirerapids").hasAMX());
}

TEST(TargetInfo, NativeIsAKnownCpu) {
  TargetInfo native = get("native");
  EXPECT_NE(native.cpu, "native");
  EXPECT_TRUE(native.has(SHERRY_CPU_SSE4_1));
}

TEST(TargetInfo, IncompleteAVX512IsNotUsed) {
  // Knights Landing has F and CD, but not BW.
  TargetInfo knl = get("knl");
  EXPECT_TRUE(knl.has(SHERRY_CPU_AVX2));
  EXPECT_FALSE(knl.has(SHERRY_CPU_AVX512F));
  EXPECT_FALSE(knl.has(SHERRY_CPU_AVX512CD));
}

TEST(TargetInfo, FeatureStringNamesWhatIsSet) {
  TargetInfo info;
  info.features = uint64_t(1) << SHERRY_CPU_AVX2 | uint64_t(1)
                                                       << SHERRY_CPU_SSE4_1;
  EXPECT_EQ(info.getFeatureString(), "+sse4.1,+avx2");
}

TEST(TargetInfo, RefusesWhatCannotRun) {
  EXPECT_THAT(errorFor("pentium9"), HasSubstr("'pentium9' is no x86-64 CPU"));
  EXPECT_THAT(errorFor("pentium9"), HasSubstr("x86-64-v3"));
  EXPECT_THAT(errorFor("x86-64"), HasSubstr("below x86-64-v2"));
  EXPECT_THAT(errorFor("core2"), HasSubstr("SSE4.1"));
  EXPECT_THAT(errorFor(""), HasSubstr("is no x86-64 CPU"));
}
