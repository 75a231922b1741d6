//===- Statistics.h - Time and memory of the stages -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_DRIVER_STATISTICS_H
#define LIB_DRIVER_STATISTICS_H

#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <string>
#include <vector>

namespace sherry {

/// Measures consecutive stages.
class StageClock {
public:
  /// Ends the running stage and starts the next.
  void start(llvm::StringRef name);
  void stop();
  void print(llvm::raw_ostream &out) const;

private:
  struct Entry {
    std::string name;
    double seconds;
    int64_t anonymousKiB; ///< resident memory without file pages
    int64_t residentKiB;  ///< largest resident memory with file pages
  };
  std::string current;
  std::chrono::steady_clock::time_point begin;
  std::vector<Entry> entries;
};

/// Bytes of the weights by kind, and bits per ternary weight.
void printWeightStatistics(mlir::ModuleOp module, llvm::raw_ostream &out);

/// A name such as "q8_0" or "ternary 3:4".
std::string describeFormat(WeightOp weight);

/// Bits per ternary weight, with codes and scales; 0 without ternary weights.
double getBitsPerWeight(mlir::ModuleOp module);

} // namespace sherry

#endif // LIB_DRIVER_STATISTICS_H
