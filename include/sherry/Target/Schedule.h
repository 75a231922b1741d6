//===- Schedule.h - Choices that suit a CPU ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_SCHEDULE_H
#define SHERRY_TARGET_SCHEDULE_H

#include "sherry-abi/limits.h"
#include "sherry/Format/Layout.h"

#include <string>
#include <vector>

namespace sherry {

/// Choices that change speed only, never results. The defaults suit a CPU of
/// which nothing is known; docs/Performance.md has the measurements behind the
/// others.
struct Schedule {
  /// Most tokens of a prefill call.
  int64_t maxBlock = 128;
  /// How many bytes ahead decoding prefetches weights into the first-level
  /// cache, and beside that into the second-level cache; 0: not at all.
  int64_t prefetch = 4096, prefetchL2 = 16384;
  /// Tiles of 32 outputs whose steps alternate in the weights.
  int64_t interleave = 1;
  /// Bytes of the codes of a step [T6].
  format::CodeOrder order = format::CodeOrder::Words;
  /// Most tokens that are looked up in tables together: functions for 1, 2, 4
  /// ... up to so many tokens have tables.
  int64_t lookupTokens = 1;
  /// Several tokens: pairs of products are summed in 16 bits, for CPUs that
  /// have no instruction for four.
  bool pairSums = false;
  /// Several tokens: the first ones are multiplied while weights are decoded,
  /// for CPUs that decode in a few instructions.
  bool fuseDecode = false;
  /// Several tokens: 32 of them are multiplied with a whole panel at once, for
  /// CPUs with a matrix unit.
  bool multiplyPanels = false;
};

/// A number of the schedule that users can choose.
struct ScheduleField {
  /// In metadata, caches and `#sherry.schedule`; the option of sherry-compile
  /// has `-` for `_`.
  const char *name;
  int64_t Schedule::*value;
  int64_t least, most, unit; ///< what it can be

  std::string option() const {
    std::string result = std::string("--") + name;
    for (char &c : result)
      c = c == '_' ? '-' : c;
    return result;
  }
  bool accepts(int64_t number) const {
    return number >= least && number <= most && number % unit == 0;
  }
  /// Such as "a multiple of 8 in 8..128".
  std::string range() const {
    return (unit > 1 ? "a multiple of " + std::to_string(unit) + " in "
                     : "in ") +
           std::to_string(least) + ".." + std::to_string(most);
  }
};

inline constexpr ScheduleField kScheduleFields[] = {
    {"max_block", &Schedule::maxBlock, 8, SHERRY_ABI_MAX_BLOCK, 8},
    {"prefetch", &Schedule::prefetch, 0, 1 << 30, 1},
    {"prefetch_l2", &Schedule::prefetchL2, 0, 1 << 30, 1},
    {"interleave", &Schedule::interleave, 1, format::kMaxInterleave, 1},
};

/// Most tokens of functions with tables: their rows are in one block.
inline constexpr int64_t kMostLookupTokens = 8;

/// A function of the model for calls of up to so many tokens.
struct EntryPoint {
  std::string name;
  int64_t maxTokens;
};

/// Those of a model, with the fewest tokens first.
inline std::vector<EntryPoint> getEntryPoints(const Schedule &schedule) {
  std::vector<EntryPoint> entries{{"decode", 1}};
  for (int64_t tokens = 2;
       tokens <= schedule.lookupTokens && tokens < schedule.maxBlock;
       tokens *= 2)
    entries.push_back({"decode_" + std::to_string(tokens), tokens});
  entries.push_back({"prefill", schedule.maxBlock});
  return entries;
}

/// The first number that is out of its range, or null.
inline const ScheduleField *findBadField(const Schedule &schedule) {
  for (const ScheduleField &field : kScheduleFields)
    if (!field.accepts(schedule.*field.value))
      return &field;
  return nullptr;
}

} // namespace sherry

#endif // SHERRY_TARGET_SCHEDULE_H
