//===- X86.cpp - x86-64 and its CPUs --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Target/TargetModel.h"
#include "sherry/support/CpuFeatures.h"

#include "llvm/BinaryFormat/ELF.h"

using namespace llvm;
using namespace sherry;

static constexpr StringLiteral kFeatures[] = {
#define SHERRY_CPU_FEATURE(id, name, leaf, subleaf, reg, bit, state) "+" name,
#include "sherry-abi/x86/cpu_features.def"
#undef SHERRY_CPU_FEATURE
};

static constexpr uint64_t bit(sherry_abi_cpu_feature feature) {
  return uint64_t(1) << feature;
}

static constexpr uint64_t kAVX2 = bit(SHERRY_CPU_AVX2);
static constexpr uint64_t kAVXVNNI = bit(SHERRY_CPU_AVXVNNI);
/// The AVX-512 features of x86-64-v4.
static constexpr uint64_t kAVX512 =
    bit(SHERRY_CPU_AVX512F) | bit(SHERRY_CPU_AVX512BW) |
    bit(SHERRY_CPU_AVX512DQ) | bit(SHERRY_CPU_AVX512VL);
static constexpr uint64_t kAMX =
    bit(SHERRY_CPU_AMX_TILE) | bit(SHERRY_CPU_AMX_INT8);

static constexpr auto Words = format::CodeOrder::Words;
static constexpr auto Nibbles = format::CodeOrder::Nibbles;
static constexpr bool yes = true, no = false;

// Kernels for AVX-512 use 512-bit vectors, even on CPUs for which LLVM prefers
// shorter ones. Unpacking a code of the order `words` takes a shift and a
// permutation, hence fuseUnpack.
//
// clang-format off
static constexpr CpuFamily kFamilies[] = {
//  names     features            vector  maxBlock  prefetch,        inter-  order    lookup- lookup- sum-    pair-  fuse-   multiply-
//                                bits              L2, plain        leave            Tokens  Block   Tokens  Sums   Unpack  Panels
  {"znver5",  kAVX512,            512,   {128,      8192, 0, yes,     4,    Words,   4,      0,      8,      no,    yes,    no}},
  {"znver",   kAVX512,            512,   {64,       4096, 16384, no,  4,    Words,   8,      128,    8,      no,    yes,    no}},
  {"",        kAVX512 | kAMX,     512,   {64,       4096, 16384, yes, 8,    Words,   4,      0,      8,      no,    yes,    yes}},
  {"",        kAVX512,            512,   {128,      4096, 16384, yes, 8,    Words,   4,      0,      8,      no,    yes,    no}},
  {"",        kAVX2 | kAVXVNNI,   0,     {128,      4096, 16384, yes, 4,    Nibbles, 4,      0,      4,      no,    no,     no}},
  {"",        kAVX2,              0,     {128,      4096, 16384, yes, 4,    Nibbles, 4,      16,     4,      yes,   no,     no}},
  {"",        0,                  0,     Schedule()},
};
// clang-format on

/// Kernels cannot use AVX-512 without all AVX-512 features of x86-64-v4, nor
/// AMX without AVX-512.
static uint64_t dropUseless(uint64_t features) {
  if ((features & kAVX512) != kAVX512)
    for (size_t i = 0; i < std::size(kFeatures); ++i)
      if (kFeatures[i].starts_with("+avx512"))
        features &= ~(uint64_t(1) << i);
  constexpr uint64_t kNeededByAMX = kAVX512 | kAMX;
  if ((features & kNeededByAMX) != kNeededByAMX)
    features &= ~kAMX;
  return features;
}

const InstructionSet &sherry::getX86() {
  static constexpr InstructionSet x86 = {
      "x86-64",
      "x86_64-unknown-linux-gnu",
      "x86-64",
      llvm::ELF::EM_X86_64,
      kFeatures,
      bit(SHERRY_CPU_FMA),
      bit(SHERRY_CPU_SSSE3) | bit(SHERRY_CPU_SSE4_1),
      "below x86-64-v2; compiled models need SSSE3 and SSE4.1 at least",
      "x86-64-v2, x86-64-v3, x86-64-v4",
      dropUseless,
      runtime::hostCpuFeatures,
      kFamilies};
  return x86;
}
