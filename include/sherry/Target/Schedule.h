//===- Schedule.h - Choices that suit a CPU ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TARGET_SCHEDULE_H
#define SHERRY_TARGET_SCHEDULE_H

#include "sherry-abi/limits.h"
#include "sherry/Format/Layout.h"

#include <algorithm>
#include <string>
#include <vector>

namespace sherry {

/// Choices that change speed only, never results. The defaults are for an
/// unknown CPU; docs/Performance.md has the measurements behind other values.
struct Schedule {
  /// Most tokens of a prefill call.
  int64_t maxBlock = 128;
  /// Bytes that decode prefetches weights ahead into the first-level cache and,
  /// in addition, into the second-level cache; 0: no prefetches.
  int64_t prefetch = 4096, prefetchL2 = 16384;
  /// Functions of one token prefetch plain weights, too, and not only codes.
  bool prefetchPlain = true;
  /// Tiles of 32 outputs whose steps alternate in the weights.
  int64_t interleave = 1;
  /// Order of the codes of a step in bytes [T6], [T7].
  format::CodeOrder order = format::CodeOrder::Words;
  /// Most tokens that are looked up in tables together: functions for 1, 2, 4
  /// ... up to this number of tokens have tables.
  int64_t lookupTokens = 1;
  /// Functions for more tokens, up to this number, look `lookupTokens` tokens
  /// up at a time instead of multiplying panels; there is a function for this
  /// number if it is less than maxBlock. Tables take 16 bytes per activation.
  int64_t lookupBlock = 0;
  /// Most tokens whose sums are in registers together: 8 if there are 32
  /// registers for vectors. If this number is less than 8, functions for more
  /// tokens sum the halves of a tile one after the other, and in functions for
  /// more than half as many tokens, all tokens take turns for each block of
  /// weights in blocks.
  int64_t sumTokens = 8;
  /// Pairs of products are summed in 16 bits, for CPUs without an instruction
  /// that sums four.
  bool pairSums = false;
  /// With several tokens, the first tokens are multiplied while codes are
  /// unpacked, for CPUs that unpack in a few instructions.
  bool fuseUnpack = false;
  /// With several tokens, 32 tokens at a time are multiplied with a whole
  /// panel, for CPUs with a matrix unit.
  bool multiplyPanels = false;

  /// Whether functions for at most `tokens` tokens look codes up.
  bool looksUp(int64_t tokens) const {
    return tokens <= std::max(lookupTokens, lookupBlock);
  }
};

/// Bytes of a line of the cache, which a prefetch reads.
inline constexpr int64_t kLineBytes = 64;

/// A number of the schedule that users can choose.
struct ScheduleField {
  /// Name in metadata, in caches of schedules and in `#sherry.schedule`; the
  /// option of sherry-compile has `-` for `_`.
  const char *name;
  int64_t Schedule::*value;
  int64_t least, most, unit; ///< multiples of unit in [least, most] are valid

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

/// Most tokens that are looked up, or have sums in registers, together: their
/// rows are in one block of tokens.
inline constexpr int64_t kMostLookupTokens = 8;

/// A function of the model and the most tokens of a call.
struct EntryPoint {
  std::string name;
  int64_t maxTokens;
};

/// The entry points of a model, with the fewest tokens first.
inline std::vector<EntryPoint> getEntryPoints(const Schedule &schedule) {
  std::vector<EntryPoint> entries{{"decode", 1}};
  for (int64_t tokens = 2;
       tokens <= schedule.lookupTokens && tokens < schedule.maxBlock;
       tokens *= 2)
    entries.push_back({"decode_" + std::to_string(tokens), tokens});
  if (schedule.lookupBlock > schedule.lookupTokens &&
      schedule.lookupBlock < schedule.maxBlock)
    entries.push_back({"decode_" + std::to_string(schedule.lookupBlock),
                       schedule.lookupBlock});
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
