//===- TargetInfo.cpp - The CPU a model is compiled for -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Target/TargetInfo.h"
#include "CpuFeatures.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace sherry;

static constexpr StringLiteral kFeatures[] = {
#define SHERRY_CPU_FEATURE(id, name, leaf, subleaf, reg, bit, state) "+" name,
#include "sherry-abi/cpu_features.def"
#undef SHERRY_CPU_FEATURE
};

Expected<TargetInfo> TargetInfo::get(StringRef name) {
  InitializeAllTargetInfos();
  InitializeAllTargetMCs();
  bool isNative = name == "native";
  TargetInfo info;
  info.cpu = isNative ? sys::getHostCPUName().str() : name.str();

  Triple triple((kTargetTriple));
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError("LLVM cannot generate x86-64 code: " + error);
  std::unique_ptr<MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, "x86-64", ""));
  if (!isNative && !subtarget->isCPUStringValid(name))
    return createStringError(
        "--target-cpu: '" + name +
        "' is no x86-64 CPU known to LLVM; use native, x86-64-v2, x86-64-v3, "
        "x86-64-v4 or a name that `llc -march=x86-64 -mcpu=help` lists");
  if (isNative) {
    info.features = runtime::hostCpuFeatures();
  } else {
    subtarget.reset(target->createMCSubtargetInfo(triple, name, ""));
    for (auto [bit, feature] : enumerate(kFeatures))
      if (subtarget->checkFeatures(feature))
        info.features |= uint64_t(1) << bit;
  }
  if (!info.has(SHERRY_CPU_SSSE3) || !info.has(SHERRY_CPU_SSE4_1))
    return createStringError("--target-cpu: '" + StringRef(info.cpu) +
                             "' is below x86-64-v2; compiled models need "
                             "SSSE3 and SSE4.1 at least");
  // An AVX-512 without all of its x86-64-v4 parts is of no use to the kernels.
  if (!info.hasAVX512())
    for (auto [bit, feature] : enumerate(kFeatures))
      if (feature.starts_with("+avx512"))
        info.features &= ~(uint64_t(1) << bit);
  if (!info.hasAMX())
    info.features &= ~(uint64_t(1) << SHERRY_CPU_AMX_TILE |
                       uint64_t(1) << SHERRY_CPU_AMX_INT8);
  return info;
}

SmallVector<StringRef> TargetInfo::getFeatureNames() const {
  SmallVector<StringRef> names;
  for (auto [bit, feature] : enumerate(kFeatures))
    if (features >> bit & 1)
      names.push_back(feature);
  return names;
}

std::string TargetInfo::getFeatureString() const {
  return join(getFeatureNames(), ",");
}
