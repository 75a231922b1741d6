//===- TargetInfo.h - The CPU a model is compiled for -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_TARGETINFO_H
#define SHERRY_TARGET_TARGETINFO_H

#include "sherry-abi/abi.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sherry {

inline constexpr llvm::StringLiteral kTargetTriple = "x86_64-unknown-linux-gnu";

/// A CPU by name, and those of its features that generated code may use.
struct TargetInfo {
  std::string cpu;
  uint64_t features = 0; ///< bits of sherry_abi_cpu_feature

  /// `native` (this machine) or any name LLVM knows for x86-64, such as
  /// x86-64-v3. Fails on unknown names and on CPUs below x86-64-v2.
  static llvm::Expected<TargetInfo> get(llvm::StringRef name);

  bool has(sherry_abi_cpu_feature feature) const {
    return features >> feature & 1;
  }
  /// F, CD, BW, DQ and VL: the AVX-512 of x86-64-v4.
  bool hasAVX512() const {
    return has(SHERRY_CPU_AVX512F) && has(SHERRY_CPU_AVX512BW) &&
           has(SHERRY_CPU_AVX512DQ) && has(SHERRY_CPU_AVX512VL);
  }
  /// AMX with 8-bit integers, beside AVX-512.
  bool hasAMX() const {
    return hasAVX512() && has(SHERRY_CPU_AMX_TILE) && has(SHERRY_CPU_AMX_INT8);
  }
  /// As LLVM spells them: "+avx2", ...
  llvm::SmallVector<llvm::StringRef> getFeatureNames() const;
  std::string getFeatureString() const;
};

} // namespace sherry

#endif // SHERRY_TARGET_TARGETINFO_H
