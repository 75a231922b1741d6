//===- ScheduleCache.h - Schedules that were found before -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_COMPILE_SCHEDULECACHE_H
#define SHERRY_TOOLS_COMPILE_SCHEDULECACHE_H

#include "sherry/Driver/Compiler.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/JSON.h"

namespace sherry {

/// The file of schedules that --tune has found. A file that cannot be read
/// counts as empty.
class ScheduleCache {
public:
  ScheduleCache();

  /// `base` with the numbers stored under `key`; nothing if there are none.
  std::optional<Schedule> find(llvm::StringRef key, const Schedule &base) const;
  llvm::Error store(llvm::StringRef key, const Schedule &schedule);
  llvm::StringRef file() const { return path; }

private:
  llvm::SmallString<128> path;
  llvm::json::Object entries;
};

} // namespace sherry

#endif // SHERRY_TOOLS_COMPILE_SCHEDULECACHE_H
