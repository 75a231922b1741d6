//===- CpuFeatures.h - Features of this CPU ---------------------*- C++ -*-===//
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

/// The features that the CPU has and whose state the operating system saves.
/// Asks the system for permission to use AMX, for the whole process.
uint64_t probeCpuFeatures();

/// The features that the compiler and the runtime use: those of
/// probeCpuFeatures() except the ones that the environment variable
/// SHERRY_WITHOUT_CPU_FEATURES names, by which tests simulate a CPU with fewer
/// features. Warns once, on standard error, of unknown names in the variable.
uint64_t hostCpuFeatures();

/// The set of the features in `names`, which commas separate. Writes the names
/// that are not in the table to `unknown`.
uint64_t parseCpuFeatures(std::string_view names, std::string &unknown);

/// The names of a set, separated by commas. A bit beyond the table, which a
/// newer compiler may set, is written as its number.
std::string cpuFeatureNames(uint64_t features);

/// The name that the vendor gives this CPU, such as "AMD Ryzen 7 3700X".
std::string cpuName();

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_CPUFEATURES_H
