//===- OptionTable.cpp - Where options have an effect ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "OptionTable.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace sherry;

namespace {

/// Properties of a compilation.
enum Mode : unsigned {
  Always = 1,
  ImportsGraph = 64, ///< --from is not given
  HasTrits = 2,      ///< linear layers may become trits
  ReadsWeights = 4,
  MakesWeights = 8,
  HasOwnSchedule = 16, ///< --tune is not given
  MayAsk = 32,         ///< neither --quantize nor --no-quantize is given
};

struct OptionUse {
  const char *name;
  unsigned modes; ///< the option has an effect in any of these
  const char *elsewhere = "";
};

} // namespace

static constexpr const char *kFrom = "with --from, whose file says it";
static constexpr const char *kNoImport = "with --from, which imports no graph";
static constexpr const char *kTuned = "with --tune, which chooses it";
static constexpr const char *kDense = "with --no-quantize";
static constexpr const char *kRandom = "with --random-weights";

/// An option with several entries has an effect if it has one by all of them.
static constexpr OptionUse kTable[] = {
    {"o", Always},
    {"target-cpu", ImportsGraph, kFrom},
    {"activations", ImportsGraph, kFrom},
    {"granularity", ImportsGraph, kFrom},
    {"granularity", HasTrits, kDense},
    {"group-size", ImportsGraph, kFrom},
    {"group-size", HasTrits, kDense},
    {"scale-type", ImportsGraph, kFrom},
    {"scale-type", HasTrits, kDense},
    {"codebook", ImportsGraph, kFrom},
    {"codebook", HasTrits, kDense},
    {"head", ImportsGraph, kFrom},
    {"stq-scale", ReadsWeights, kRandom},
    {"kv", ImportsGraph, kFrom},
    {"emulate-fma", ImportsGraph, kFrom},
    {"no-quantize", ImportsGraph, kNoImport},
    {"quantize", ImportsGraph, kNoImport},
    {"quantize", ReadsWeights, kRandom},
    {"strict", ImportsGraph, kNoImport},
    {"strict", ReadsWeights, kRandom},
    {"strict", MayAsk, "with --quantize or --no-quantize"},
    {"random-weights", Always},
    {"grouping", ImportsGraph, kFrom},
    {"grouping", HasTrits, kDense},
    {"grouping", MakesWeights,
     "without --random-weights: the weights of a model have groups already"},
    {"max-block", ImportsGraph, kFrom},
    {"max-block", HasOwnSchedule, kTuned},
    {"prefetch", ImportsGraph, kFrom},
    {"prefetch", HasOwnSchedule, kTuned},
    {"prefetch-l2", ImportsGraph, kFrom},
    {"prefetch-l2", HasOwnSchedule, kTuned},
    {"interleave", ImportsGraph, kFrom},
    {"interleave", HasOwnSchedule, kTuned},
    {"ranks", ImportsGraph, kFrom},
    {"tune", ImportsGraph, kNoImport},
    {"emit", Always},
    {"from", Always},
    {"stats", Always},
};

Error sherry::refuseWithoutEffect(const cl::OptionCategory &category,
                                  const CompileOptions &options, bool tunes) {
  unsigned modes = Always | (options.randomSeed ? MakesWeights : ReadsWeights);
  if (options.from.empty())
    modes |= ImportsGraph;
  if (options.weights.quantize != false || options.weights.isVocabularyTernary)
    modes |= HasTrits;
  if (!options.weights.quantize)
    modes |= MayAsk;
  if (!tunes)
    modes |= HasOwnSchedule;
  for (const auto &[name, option] : cl::getRegisteredOptions()) {
    if (!is_contained(option->Categories, &category))
      continue;
    bool isKnown = false;
    for (const OptionUse &use : kTable) {
      if (name != use.name)
        continue;
      isKnown = true;
      if (option->getNumOccurrences() > 0 && !(use.modes & modes))
        return createStringError((name.size() > 1 ? "--" : "-") + name +
                                 " has no effect " + use.elsewhere +
                                 "; leave it out");
    }
    if (!isKnown)
      return createStringError("--" + name + " is not in the table of options");
  }
  return Error::success();
}
