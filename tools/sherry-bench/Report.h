//===- Report.h - Results as text -------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_BENCH_REPORT_H
#define SHERRY_TOOLS_BENCH_REPORT_H

#include "Measure.h"
#include "Plan.h"

namespace sherry::bench {

/// The reports in the format of the options, for standard output.
std::string format(const std::vector<ModelReport> &reports,
                   const Options &options);
/// The traced steps as JSON in the Trace Event Format: a process for each
/// result, with times that begin at 0.
std::string formatTrace(const std::vector<ModelReport> &reports);
/// The predictions in the format of the options; one of them is for one
/// machine.
std::string format(const Shape &shape, const std::vector<PlannedSplit> &splits,
                   const Options &options);

} // namespace sherry::bench

#endif // SHERRY_TOOLS_BENCH_REPORT_H
