//===- Plan.cpp - The speed of a model on several machines ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Plan.h"
#include "sherry-abi/metadata.h"
#include "sherry/owners.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

using namespace sherry;
using namespace sherry::bench;

/// The most inputs of a linear op that share a scale.
static constexpr int64_t kMostBlock = 256;
/// The number of a rank's outputs of a matrix is a multiple of this.
static constexpr int64_t kTileRows = 32;

/// The weights that share an f16 scale, and the bits of a weight; the bits of a
/// q6_K weight.
static constexpr int64_t kGroup = 128;
static constexpr double kTernaryBits = 1.375, kHeadBits = 6.5625;

namespace {
struct NamedShape {
  const char *name;
  int64_t layers, hidden, heads, kvHeads, headDim, feedForward;
};
} // namespace

static constexpr NamedShape kLlamaShapes[] = {
    {"1b", 16, 2048, 32, 8, 64, 8192},
    {"3b", 28, 3072, 24, 8, 128, 8192},
    {"8b", 32, 4096, 32, 8, 128, 14336},
    {"70b", 80, 8192, 64, 8, 128, 28672},
    {"405b", 126, 16384, 128, 8, 128, 53248},
};
static constexpr int64_t kLlamaVocab = 128256;

static Shape describe(const NamedShape &named) {
  Shape result = {named.name,
                  named.layers,
                  named.hidden,
                  named.heads,
                  named.kvHeads,
                  named.headDim,
                  named.feedForward,
                  kLlamaVocab,
                  kGroup,
                  0,
                  0};
  const auto hidden = static_cast<double>(named.hidden);
  const auto perLayer = static_cast<double>(2 * named.heads * named.headDim +
                                            2 * named.kvHeads * named.headDim +
                                            3 * named.feedForward);
  result.weightBytes =
      hidden / 8 *
      (kTernaryBits * perLayer * static_cast<double>(named.layers) +
       kHeadBits * static_cast<double>(kLlamaVocab));
  // Keys and values in f16.
  result.cacheBytes =
      static_cast<double>(4 * named.layers * named.kvHeads * named.headDim);
  return result;
}

static Shape readShape(const std::string &path) {
  const Model model(
      check(sherry_model_open(path.c_str(), SHERRY_WEIGHTS_MAPPED)));
  const auto json = nlohmann::json::parse(sherry_model_metadata(model.get()));
  if (json.contains(metadata::kRanks))
    throw std::runtime_error(path + ": is a part of a model; plan with the "
                                    "model that is not cut");
  Shape result = {};
  result.name = json.at(metadata::kName);
  result.layers = json.at(metadata::kNumHiddenLayers);
  result.hidden = json.at(metadata::kHiddenSize);
  result.heads = json.at(metadata::kNumAttentionHeads);
  result.kvHeads = json.at(metadata::kNumKeyValueHeads);
  result.headDim = json.at(metadata::kHeadDim);
  result.feedForward = json.at(metadata::kIntermediateSize);
  result.vocab = json.at(metadata::kVocabSize);
  const std::string granularity = json.value(metadata::kGranularity, "");
  if (granularity == "mixed")
    throw std::runtime_error(path + ": its matrices have different scales, for "
                                    "which there is no plan");
  if (json.at(metadata::kActivations) == "i8")
    result.group = granularity == "per_group"
                       ? json.at(metadata::kGroupSize).get<int64_t>()
                       : kMostBlock;
  result.cacheBytes =
      static_cast<double>(sherry_model_cache_size_per_position(model.get()));
  // A token reads all weights of the layers, and one row of the embedding.
  result.weightBytes = 0;
  for (const auto &step : json.at(metadata::kSteps)) {
    const double bytes = step.value(metadata::step::kBytes, 0.0);
    const std::string entry = step.at(metadata::step::kEntry);
    if (entry == "decode_layer")
      result.weightBytes += bytes * static_cast<double>(result.layers);
    else if (entry == "decode")
      result.weightBytes += bytes;
  }
  return result;
}

Shape sherry::bench::findShape(const std::string &name) {
  for (const NamedShape &shape : kLlamaShapes)
    if (name == shape.name)
      return describe(shape);
  if (name.size() < 3 || name.substr(name.size() - 3) != ".so")
    throw std::runtime_error("--plan: '" + name +
                             "' is neither 1b, 3b, 8b, 70b or 405b nor a "
                             "compiled model, which ends in .so");
  return readShape(name);
}

/// Whether sherry-compile can cut the model among so many ranks.
static bool canCut(const Shape &shape, int64_t ranks) {
  auto isDivided = [&](int64_t rows) {
    return rows % (ranks * kTileRows) == 0;
  };
  return ranks == 1 || (shape.kvHeads % ranks == 0 && isDivided(shape.hidden) &&
                        isDivided(shape.heads * shape.headDim) &&
                        isDivided(shape.kvHeads * shape.headDim) &&
                        isDivided(shape.feedForward) && isDivided(shape.vocab));
}

double sherry::bench::receivedBytes(const Shape &shape, int64_t ranks) {
  const auto others = static_cast<double>(ranks - 1);
  // The columns of a row that a rank receives from the others.
  auto whole = [&](int64_t columns) {
    return others * 4 * static_cast<double>(columns / ranks);
  };
  auto quantized = [&](int64_t columns) {
    const int64_t mine = columns / ranks;
    if (shape.group == 0 || mine % shape.group != 0)
      return whole(columns);
    // Activations share scales within groups.
    const int64_t scales =
        mine / shape.group * ((shape.group + kMostBlock - 1) / kMostBlock);
    return others * static_cast<double>(mine + 4 * scales);
  };
  return static_cast<double>(shape.layers) *
             (2 * whole(shape.hidden) + quantized(shape.heads * shape.headDim) +
              quantized(shape.feedForward)) +
         others * 4 * static_cast<double>(shape.hidden) + whole(shape.hidden) +
         whole(shape.vocab);
}

std::vector<PlannedSplit> sherry::bench::plan(const Shape &shape,
                                              const Options &options) {
  const double fill = options.contextFills.front();
  std::vector<PlannedSplit> result;
  for (int64_t ranks = 1; ranks <= options.machines; ++ranks) {
    if (!canCut(shape, ranks))
      continue;
    PlannedSplit split = {};
    split.ranks = ranks;
    split.readBytes = (shape.weightBytes + fill * shape.cacheBytes) /
                      static_cast<double>(ranks);
    split.readSeconds =
        split.readBytes / (options.readShare / 100.0 * *options.bandwidth);
    if (ranks > 1) {
      // Exchanges of the layers, the embedding, the last norm and the logits.
      split.exchanges = 4 * shape.layers + 3;
      split.receivedBytes = receivedBytes(shape, ranks);
      // Rank 0 also sends the token to the others.
      split.exchangeSeconds =
          static_cast<double>(split.exchanges + 1) * options.link->latency +
          split.receivedBytes / options.link->bandwidth;
    }
    result.push_back(split);
  }
  return result;
}
