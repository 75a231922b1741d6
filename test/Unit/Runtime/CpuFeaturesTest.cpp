//===- CpuFeaturesTest.cpp - Tests of the CPU probe -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/CpuFeatures.h"
#include "sherry-abi/abi.h"
#include "sherry/sherry.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace sherry::runtime;

static bool has(sherry_abi_cpu_feature feature) {
  return probeCpuFeatures() >> feature & 1;
}

// The compiler's own probe is the reference.
TEST(CpuFeatures, AgreesWithTheCompiler) {
  __builtin_cpu_init();
  EXPECT_EQ(has(SHERRY_CPU_SSE3), !!__builtin_cpu_supports("sse3"));
  EXPECT_EQ(has(SHERRY_CPU_SSSE3), !!__builtin_cpu_supports("ssse3"));
  EXPECT_EQ(has(SHERRY_CPU_SSE4_1), !!__builtin_cpu_supports("sse4.1"));
  EXPECT_EQ(has(SHERRY_CPU_SSE4_2), !!__builtin_cpu_supports("sse4.2"));
  EXPECT_EQ(has(SHERRY_CPU_POPCNT), !!__builtin_cpu_supports("popcnt"));
  EXPECT_EQ(has(SHERRY_CPU_AVX), !!__builtin_cpu_supports("avx"));
  EXPECT_EQ(has(SHERRY_CPU_FMA), !!__builtin_cpu_supports("fma"));
  EXPECT_EQ(has(SHERRY_CPU_AVX2), !!__builtin_cpu_supports("avx2"));
  EXPECT_EQ(has(SHERRY_CPU_BMI), !!__builtin_cpu_supports("bmi"));
  EXPECT_EQ(has(SHERRY_CPU_BMI2), !!__builtin_cpu_supports("bmi2"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512F), !!__builtin_cpu_supports("avx512f"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512CD), !!__builtin_cpu_supports("avx512cd"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512BW), !!__builtin_cpu_supports("avx512bw"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512DQ), !!__builtin_cpu_supports("avx512dq"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512VL), !!__builtin_cpu_supports("avx512vl"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512VBMI), !!__builtin_cpu_supports("avx512vbmi"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512VBMI2),
            !!__builtin_cpu_supports("avx512vbmi2"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512VNNI), !!__builtin_cpu_supports("avx512vnni"));
  EXPECT_EQ(has(SHERRY_CPU_AVX512BF16), !!__builtin_cpu_supports("avx512bf16"));
#if defined(__GNUC__) && !defined(__clang__)
  EXPECT_EQ(has(SHERRY_CPU_F16C), !!__builtin_cpu_supports("f16c"));
  EXPECT_EQ(has(SHERRY_CPU_LZCNT), !!__builtin_cpu_supports("lzcnt"));
  EXPECT_EQ(has(SHERRY_CPU_AVXVNNI), !!__builtin_cpu_supports("avxvnni"));
#endif
}

TEST(CpuFeatures, Names) {
  EXPECT_EQ(cpuFeatureNames(0), "");
  EXPECT_EQ(cpuFeatureNames(uint64_t{1} << SHERRY_CPU_AVX2 |
                            uint64_t{1} << SHERRY_CPU_AVX512VBMI),
            "avx2,avx512vbmi");
  EXPECT_EQ(cpuFeatureNames(uint64_t{1} << 63), "bit 63");
  EXPECT_EQ(sherry_cpu_features(), cpuFeatureNames(hostCpuFeatures()));
}

TEST(CpuFeatures, SetsOfNames) {
  const uint64_t set =
      uint64_t{1} << SHERRY_CPU_AVX2 | uint64_t{1} << SHERRY_CPU_AMX_INT8;
  std::string unknown = "x";
  EXPECT_EQ(parseCpuFeatures("amx-int8,avx2", unknown), set);
  EXPECT_EQ(unknown, "");
  EXPECT_EQ(parseCpuFeatures(cpuFeatureNames(set), unknown), set);
  EXPECT_EQ(parseCpuFeatures(",avx2,,no-such,amx-int8,AVX,", unknown), set);
  EXPECT_EQ(unknown, "no-such,AVX");
  EXPECT_EQ(parseCpuFeatures("", unknown), uint64_t{0});
}

// What is taken away is missing for the compiler and the runtime.
TEST(CpuFeatures, OfASmallerCpu) {
  const char *before = std::getenv("SHERRY_WITHOUT_CPU_FEATURES");
  const std::string kept = before ? before : "";
  ASSERT_EQ(setenv("SHERRY_WITHOUT_CPU_FEATURES", "ssse3,avx", 1), 0);
  const uint64_t features = hostCpuFeatures();
  before ? setenv("SHERRY_WITHOUT_CPU_FEATURES", kept.c_str(), 1)
         : unsetenv("SHERRY_WITHOUT_CPU_FEATURES");
  std::string unknown;
  EXPECT_EQ(features,
            probeCpuFeatures() & ~parseCpuFeatures("ssse3,avx", unknown));
  EXPECT_NE(features, probeCpuFeatures());
}
