//===- CpuFeatures.cpp - Features of this CPU -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/support/CpuFeatures.h"
#include "sherry-abi/abi.h"

#include <algorithm>
#include <cpuid.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>

using namespace sherry::runtime;

namespace {

/// Bits of XCR0 that must be set (Intel SDM vol. 1, chapter 13.3).
enum State : uint64_t { NONE = 0, YMM = 0x06, ZMM = 0xe6, TILES = 0x60000 };

struct CpuidResult {
  unsigned EAX = 0, EBX = 0, ECX = 0, EDX = 0;
};

} // namespace

static constexpr const char *featureNames[] = {
#define SHERRY_CPU_FEATURE(id, name, leaf, subleaf, reg, bit, state) name,
#include "sherry-abi/x86/cpu_features.def"
#undef SHERRY_CPU_FEATURE
};

static CpuidResult cpuid(unsigned leaf, unsigned subleaf) {
  CpuidResult r;
  // All zero if the CPU does not know the leaf. Unknown subleaves of leaf 7 are
  // zero by themselves.
  __get_cpuid_count(leaf, subleaf, &r.EAX, &r.EBX, &r.ECX, &r.EDX);
  return r;
}

/// XCR0: the register states that the operating system saves.
static uint64_t savedState() {
  if (!(cpuid(1, 0).ECX & bit_OSXSAVE))
    return 0;
  uint32_t low, high;
  // Not _xgetbv(), for which the whole file would have to be compiled for
  // XSAVE.
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

/// Linux saves the tiles of AMX for processes that ask for it
/// (Documentation/arch/x86/xstate.rst in its source).
static bool mayUseTiles() {
  constexpr long requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

uint64_t sherry::runtime::probeCpuFeatures() {
  uint64_t saved = savedState();
  if ((saved & TILES) == TILES && !mayUseTiles())
    saved &= ~uint64_t{TILES};
  uint64_t features = 0;
#define SHERRY_CPU_FEATURE(id, name, leaf, subleaf, reg, bit, state)           \
  if ((cpuid(leaf, subleaf).reg >> (bit)&1) && (saved & (state)) == (state))   \
    features |= uint64_t{1} << SHERRY_CPU_##id;
#include "sherry-abi/x86/cpu_features.def"
#undef SHERRY_CPU_FEATURE
  return features;
}

uint64_t sherry::runtime::hostCpuFeatures() {
  const char *names = std::getenv("SHERRY_WITHOUT_CPU_FEATURES");
  if (!names)
    return probeCpuFeatures();
  std::string unknown;
  const uint64_t unused = parseCpuFeatures(names, unknown);
  // Otherwise a test of a smaller CPU would silently test this CPU.
  static std::once_flag isSaid;
  if (!unknown.empty())
    std::call_once(isSaid, [&] {
      std::fprintf(stderr,
                   "warning: SHERRY_WITHOUT_CPU_FEATURES has names that are "
                   "not known: %s; sherry-cpu-features prints the known ones\n",
                   unknown.c_str());
    });
  return probeCpuFeatures() & ~unused;
}

uint64_t sherry::runtime::parseCpuFeatures(std::string_view names,
                                           std::string &unknown) {
  uint64_t features = 0;
  unknown.clear();
  while (!names.empty()) {
    std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    const auto *found =
        std::find(std::begin(featureNames), std::end(featureNames), name);
    if (found != std::end(featureNames))
      features |= uint64_t{1} << (found - featureNames);
    else if (!name.empty())
      (unknown += unknown.empty() ? "" : ",") += name;
  }
  return features;
}

std::string sherry::runtime::cpuFeatureNames(uint64_t features) {
  std::string result;
  for (unsigned i = 0; i < 64; ++i) {
    if (!(features >> i & 1))
      continue;
    result += result.empty() ? "" : ",";
    result += i < SHERRY_CPU_FEATURE_COUNT ? featureNames[i]
                                           : "bit " + std::to_string(i);
  }
  return result;
}

std::string sherry::runtime::cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "model name") == 0)
      return line.substr(line.find(':') + 2);
  return "unknown CPU";
}
