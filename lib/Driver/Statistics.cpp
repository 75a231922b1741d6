//===- Statistics.cpp - Time and memory of the stages ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Statistics.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>

using namespace mlir;
using namespace sherry;

/// The value of a line such as "RssAnon: 123 kB" of /proc/self/status, in KiB.
static int64_t readStatus(StringRef field) {
  auto file = llvm::MemoryBuffer::getFileAsStream("/proc/self/status");
  if (!file)
    return 0;
  StringRef text =
      (*file)->getBuffer().split(("\n" + field + ":").str()).second;
  int64_t value = 0;
  (void)text.ltrim().consumeInteger(10, value);
  return value;
}

void StageClock::start(StringRef name) {
  stop();
  current = name.str();
  begin = std::chrono::steady_clock::now();
}

void StageClock::stop() {
  if (current.empty())
    return;
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  entries.push_back({std::move(current), time.count(), readStatus("RssAnon"),
                     readStatus("VmHWM")});
  current.clear();
}

void StageClock::print(llvm::raw_ostream &out) const {
  out << "stage             seconds   memory at its end  peak with file "
         "pages\n";
  double total = 0;
  for (const Entry &entry : entries) {
    out << llvm::format(
        "%-16s %8.2f %15.1f MiB %17.1f MiB\n", entry.name.c_str(),
        entry.seconds, entry.anonymousKiB / 1024.0, entry.residentKiB / 1024.0);
    total += entry.seconds;
  }
  out << llvm::format("%-16s %8.2f\n", "total", total);
}

/// The number of bytes of ternary weights, codes and scales, and the number of
/// the weights.
static std::pair<int64_t, int64_t> measureTernary(ModuleOp module) {
  int64_t bytes = 0, weights = 0;
  for (auto weight : module.getOps<WeightOp>())
    if (weight.getTernary()) {
      auto count = static_cast<int64_t>(weight.getCount());
      bytes += weight.getByteSize() * count;
      weights += weight.getTensorType().getNumElements() * count;
    }
  return {bytes, weights};
}

std::string sherry::describeFormat(WeightOp weight) {
  if (TernaryAttr ternary = weight.getTernary())
    return ("ternary " + ternary.getCodebook().getName()).str();
  return format::nameOf(
      *getDenseFormat(weight.getTensorType().getElementType()));
}

double sherry::getBitsPerWeight(ModuleOp module) {
  auto [bytes, weights] = measureTernary(module);
  return weights ? 8.0 * bytes / weights : 0;
}

void sherry::printWeightStatistics(ModuleOp module, llvm::raw_ostream &out) {
  llvm::MapVector<std::string, std::pair<int64_t, int64_t>,
                  std::map<std::string, unsigned>>
      kinds;
  for (auto weight : module.getOps<WeightOp>()) {
    std::string kind = describeFormat(weight);
    auto count = static_cast<int64_t>(weight.getCount());
    kinds[kind].first += weight.getByteSize() * count;
    kinds[kind].second += weight.getTensorType().getNumElements() * count;
  }
  out << "weights                 number           bytes  bits per weight\n";
  for (auto [kind, sizes] : kinds)
    out << llvm::format("%-12s %17lld %15lld %16.4f\n", kind.c_str(),
                        static_cast<long long>(sizes.second),
                        static_cast<long long>(sizes.first),
                        8.0 * sizes.first / sizes.second);
}
