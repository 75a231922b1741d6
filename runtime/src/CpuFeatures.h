//===- CpuFeatures.h - What this CPU can do ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sets of the features in cpu_features.def, one bit each.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_CPUFEATURES_H
#define SHERRY_RUNTIME_CPUFEATURES_H

#include <cstdint>
#include <string>

namespace sherry::runtime {

/// The features that the CPU has and the operating system saves the state of.
/// Asks it for the permission to use AMX, for the whole process.
uint64_t hostCpuFeatures();

/// The names of a set, separated by commas. A bit beyond the table is given by
/// its number: a newer compiler knows more features.
std::string cpuFeatureNames(uint64_t features);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_CPUFEATURES_H
