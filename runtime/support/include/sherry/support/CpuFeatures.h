//===- CpuFeatures.h - What this CPU can do ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sets of the features in cpu_features.def, one bit each.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_CPUFEATURES_H
#define SHERRY_RUNTIME_SUPPORT_CPUFEATURES_H

#include <cstdint>
#include <string>
#include <string_view>

namespace sherry::runtime {

/// The features that the CPU has and the operating system saves the state of.
/// Asks it for the permission to use AMX, for the whole process.
uint64_t probeCpuFeatures();

/// Those that compiler and runtime use: all but the ones that the environment
/// variable SHERRY_WITHOUT_CPU_FEATURES names, which makes a CPU of fewer
/// features of this one for tests. Warns once, on the standard error, of names
/// there that are not known.
uint64_t hostCpuFeatures();

/// The set of names that are separated by commas. Those that are not in the
/// table are in `unknown` then.
uint64_t parseCpuFeatures(std::string_view names, std::string &unknown);

/// The names of a set, separated by commas. A bit beyond the table is given by
/// its number: a newer compiler knows more features.
std::string cpuFeatureNames(uint64_t features);

/// What the maker calls this CPU, such as "AMD Ryzen 7 3700X".
std::string cpuName();

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_CPUFEATURES_H
