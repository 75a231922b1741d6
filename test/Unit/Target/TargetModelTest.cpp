//===- TargetModelTest.cpp - CPUs by name ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/TargetModel.h"

#include "gmock/gmock.h"

using namespace sherry;
using testing::HasSubstr;

static TargetModel get(llvm::StringRef name) {
  llvm::Expected<TargetModel> model = TargetModel::get(name);
  EXPECT_TRUE(static_cast<bool>(model)) << name.str();
  return model ? *model
               : (llvm::consumeError(model.takeError()), TargetModel());
}

static std::string errorFor(llvm::StringRef name) {
  llvm::Expected<TargetModel> model = TargetModel::get(name);
  return model ? std::string() : llvm::toString(model.takeError());
}

TEST(TargetModel, LevelsHaveTheirFeatures) {
  TargetModel v2 = get("x86-64-v2");
  EXPECT_TRUE(v2.has(SHERRY_CPU_SSE4_2));
  EXPECT_FALSE(v2.has(SHERRY_CPU_AVX));
  TargetModel v3 = get("x86-64-v3");
  EXPECT_TRUE(v3.has(SHERRY_CPU_AVX2));
  EXPECT_TRUE(v3.has(SHERRY_CPU_FMA));
  EXPECT_TRUE(v3.has(SHERRY_CPU_F16C));
  EXPECT_FALSE(v3.has(SHERRY_CPU_AVX512F));
  TargetModel v4 = get("x86-64-v4");
  EXPECT_TRUE(v4.has(SHERRY_CPU_AVX512BW));
  EXPECT_FALSE(v4.has(SHERRY_CPU_AVX512VNNI));
}

TEST(TargetModel, NamedCpus) {
  EXPECT_TRUE(get("icelake-server").has(SHERRY_CPU_AVX512VNNI));
  EXPECT_TRUE(get("alderlake").has(SHERRY_CPU_AVXVNNI));
  EXPECT_EQ(get("znver4").cpu, "znver4");
  EXPECT_FALSE(get("icelake-server").has(SHERRY_CPU_AMX_INT8));
  EXPECT_TRUE(get("sapphirerapids").has(SHERRY_CPU_AMX_INT8));
}

TEST(TargetModel, NativeIsAKnownCpu) {
  TargetModel native = get("native");
  EXPECT_NE(native.cpu, "native");
  EXPECT_TRUE(native.has(SHERRY_CPU_SSE4_1));
}

TEST(TargetModel, IncompleteAVX512IsNotUsed) {
  // Knights Landing has F and CD, but not BW.
  TargetModel knl = get("knl");
  EXPECT_TRUE(knl.has(SHERRY_CPU_AVX2));
  EXPECT_FALSE(knl.has(SHERRY_CPU_AVX512F));
  EXPECT_FALSE(knl.has(SHERRY_CPU_AVX512CD));
}

TEST(TargetModel, FeatureStringNamesWhatIsSet) {
  TargetModel model;
  model.features = uint64_t(1) << SHERRY_CPU_AVX2 | uint64_t(1)
                                                        << SHERRY_CPU_SSE4_1;
  EXPECT_EQ(model.getFeatureString(), "+sse4.1,+avx2");
}

TEST(TargetModel, RefusesWhatCannotRun) {
  EXPECT_THAT(errorFor("pentium9"),
              HasSubstr("'pentium9' is not a CPU of x86-64"));
  EXPECT_THAT(errorFor("pentium9"), HasSubstr("x86-64-v3"));
  EXPECT_THAT(errorFor("x86-64"), HasSubstr("below x86-64-v2"));
  EXPECT_THAT(errorFor("core2"), HasSubstr("SSE4.1"));
  EXPECT_THAT(errorFor(""), HasSubstr("is not a CPU of x86-64"));
}

TEST(TargetModel, SchedulesOfFamilies) {
  auto interleave = [](llvm::StringRef name) {
    return get(name).getSchedule().interleave;
  };
  EXPECT_EQ(interleave("x86-64-v2"), 1);
  EXPECT_EQ(interleave("x86-64-v3"), 4);
  EXPECT_EQ(interleave("x86-64-v4"), 8);
  EXPECT_EQ(interleave("znver4"), 4);
  EXPECT_TRUE(get("x86-64-v3").getSchedule().pairSums);
  EXPECT_FALSE(get("alderlake").getSchedule().pairSums);
  EXPECT_EQ(get("znver4").getSchedule().prefetch, 4096);
  EXPECT_EQ(get("znver5").getSchedule().prefetch, 8192);
  EXPECT_FALSE(get("znver4").getSchedule().prefetchPlain);
  EXPECT_TRUE(get("znver5").getSchedule().prefetchPlain);
  EXPECT_TRUE(get("sapphirerapids").getSchedule().multiplyPanels);
  EXPECT_EQ(get("sapphirerapids").getSchedule().maxBlock, 64);
  EXPECT_EQ(get("x86-64-v4").getVectorBits(), 512u);
  EXPECT_EQ(get("x86-64-v3").getVectorBits(), 0u);
  EXPECT_FALSE(get("x86-64-v2").hasFusedMultiplyAdd());
  EXPECT_TRUE(get("x86-64-v3").hasFusedMultiplyAdd());
}
