//===- ChooseStorage.cpp - How weights are to be stored -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChooseStorage.h"
#include "sherry/Format/Pack.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace llvm;
using namespace sherry;
using format::DenseFormat;
using format::Granularity;
using format::Storage;

namespace {
using Storages = SetVector<Storage>;
} // namespace

static bool isDense(Storage storage) {
  return format::infoOf(storage).blockInputs == 1;
}

/// The format with the numbers of a type; q8_0 for blocks that have none.
static DenseFormat formatOf(Storage storage) {
  switch (storage) {
  case Storage::F32:
    return DenseFormat::F32;
  case Storage::F16:
    return DenseFormat::F16;
  case Storage::BF16:
    return DenseFormat::BF16;
  case Storage::Q6_K:
    return DenseFormat::Q6_K;
  case Storage::Q4_0:
    return DenseFormat::Q4_0;
  default:
    return DenseFormat::Q8_0;
  }
}

static bool canPackStored(DenseFormat format, Storage storage) {
  return format::canPackStored(*format::blocksOf(format), storage);
}

static std::string printNames(const Storages &storages) {
  std::string result;
  for (Storage storage : storages)
    result +=
        std::string(result.empty() ? "" : ", ") + format::infoOf(storage).name;
  return result;
}

//===----------------------------------------------------------------------===//
// Embedding and head
//===----------------------------------------------------------------------===//

/// The format of a dense matrix. `fallback` is for weights that are made up,
/// and for numbers that are not in blocks unless they are to be kept.
static DenseFormat chooseDense(StringRef tensor, DenseFormat fallback,
                               bool keepNumbers, Checkpoint *checkpoint,
                               raw_ostream &log) {
  auto storage = checkpoint ? checkpoint->getStorage(tensor) : std::nullopt;
  if (!storage || (isDense(*storage) && !keepNumbers))
    return fallback;
  DenseFormat result = formatOf(*storage);
  if (!isDense(*storage) && !canPackStored(result, *storage))
    log << "note: " << tensor << " is widened from "
        << format::infoOf(*storage).name << " to " << format::nameOf(result)
        << "\n";
  return result;
}

//===----------------------------------------------------------------------===//
// Linear layers
//===----------------------------------------------------------------------===//

/// Whether every group of a layer's weights has exactly one zero.
static Expected<bool> hasPattern(const LinearLayer &linear, int64_t numLayers,
                                 bool strided, Checkpoint &checkpoint) {
  constexpr int64_t rowsAtOnce = 64;
  std::vector<uint8_t> codes(rowsAtOnce * linear.inputs / format::kGroupInputs);
  std::vector<float> scales(rowsAtOnce * linear.inputs);
  for (int64_t layer = 0; layer < numLayers; ++layer) {
    auto view = checkpoint.getTensor(nameWeight(linear, layer),
                                     {linear.outputs, linear.inputs});
    if (!view)
      return view.takeError();
    std::vector<uint8_t> rows(rowsAtOnce * view->getRowBytes());
    for (int64_t row = 0; row < linear.outputs; row += rowsAtOnce) {
      int64_t count = std::min(rowsAtOnce, linear.outputs - row);
      view->copyRows(row, count, rows.data());
      if (!format::readTernaryRows(view->getStorage(), strided, count,
                                   linear.inputs, rows.data(), codes.data(),
                                   scales.data()))
        return false;
    }
  }
  return true;
}

/// All layers hold trits. Those that have the pattern are 3:4-sparse.
static Expected<LinearStorage> chooseTernary(const LinearLayer &linear,
                                             int64_t numLayers,
                                             const Storages &storages,
                                             Checkpoint &checkpoint) {
  LinearStorage result;
  result.granularity = Granularity::PerGroup;
  result.groupSize = format::infoOf(Storage::TQ1_0).blockInputs;
  result.scaleType = storages.contains(Storage::STQ1_0_I16)
                         ? format::ScaleType::F32
                         : format::ScaleType::F16;
  for (bool strided : {false, true}) {
    result.strided = strided;
    // Their groups have it by construction.
    if (strided && all_of(storages, format::isStrided))
      return result;
    if (any_of(storages, format::isStrided) && !strided)
      continue;
    auto matches = hasPattern(linear, numLayers, strided, checkpoint);
    if (!matches)
      return matches.takeError();
    if (*matches)
      return result;
  }
  result.isTernary = false;
  result.dense = DenseFormat::TQ2_0;
  return result;
}

/// The format that holds numbers of all these types.
static DenseFormat chooseNumbers(const Storages &storages) {
  return storages.size() == 1 ? formatOf(storages[0]) : DenseFormat::F32;
}

/// How a linear layer is stored that `options` do not decide; nothing if its
/// numbers are not in blocks in any layer, and need not be kept.
static Expected<std::optional<LinearStorage>>
chooseLinear(const LinearLayer &linear, int64_t numLayers,
             const LinearStorage &options, bool keepNumbers,
             Checkpoint &checkpoint, raw_ostream &log) {
  Storages storages;
  for (int64_t layer = 0; layer < numLayers; ++layer)
    if (auto storage = checkpoint.getStorage(nameWeight(linear, layer)))
      storages.insert(*storage);
  if (all_of(storages, isDense)) {
    if (!keepNumbers || storages.empty())
      return std::nullopt;
    LinearStorage result = options;
    result.dense = chooseNumbers(storages);
    return result;
  }
  if (all_of(storages, format::isTernary)) {
    auto result = chooseTernary(linear, numLayers, storages, checkpoint);
    if (!result)
      return result.takeError();
    return *result;
  }
  LinearStorage result;
  result.isTernary = false;
  result.dense =
      storages.size() == 1 ? formatOf(storages[0]) : DenseFormat::Q8_0;
  if (!all_of(storages, [&](Storage storage) {
        return canPackStored(result.dense, storage);
      }))
    log << "note: " << linear.module << " is stored as "
        << format::nameOf(result.dense) << ", in the file it is "
        << printNames(storages) << "\n";
  return result;
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static Error chooseGranularity(const CompileOptions &options,
                               const ModelConfig &config,
                               LinearStorage &linear) {
  if (config.quantization) {
    linear.granularity = config.quantization->granularity;
    if (linear.granularity == Granularity::PerGroup)
      linear.groupSize = config.quantization->groupSize;
  }
  if (options.granularity)
    linear.granularity = *options.granularity;
  if (!options.groupSize)
    return Error::success();
  if (linear.granularity != Granularity::PerGroup)
    return createStringError("--group-size needs --granularity=per_group");
  if (*options.groupSize <= 0 || *options.groupSize > kMaxSize ||
      *options.groupSize % format::kGroupInputs != 0)
    return createStringError("--group-size is " + Twine(*options.groupSize) +
                             "; it must be a multiple of 4 in 4.." +
                             Twine(kMaxSize));
  linear.groupSize = *options.groupSize;
  return Error::success();
}

/// Strided groups of weights that are made up.
static Error chooseGrouping(const CompileOptions &options,
                            const ModelConfig &config, LinearStorage &linear) {
  if (!options.strided)
    return Error::success();
  if (!options.randomSeed)
    return createStringError("--grouping=strided needs --random-weights; the "
                             "weights of a model have groups already");
  bool isPossible = linear.granularity != Granularity::PerGroup ||
                    linear.groupSize % format::kStridedInputs == 0;
  for (const LinearLayer &layer : listLinearLayers(config))
    isPossible &= layer.inputs % format::kStridedInputs == 0;
  if (!isPossible)
    return createStringError("--grouping=strided needs sizes and groups of a "
                             "scale that are multiples of 64");
  linear.strided = true;
  return Error::success();
}

/// Blocks have their own scales: if all linear layers are in blocks, the
/// options for those that are not have no effect.
static Error refuseWithoutEffect(const CompileOptions &options,
                                 const ModelConfig &config,
                                 Checkpoint &checkpoint) {
  for (const LinearLayer &linear : listLinearLayers(config))
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      auto storage = checkpoint.getStorage(nameWeight(linear, layer));
      if (!storage || isDense(*storage))
        return Error::success();
    }
  const std::pair<const char *, bool> given[] = {
      {"--no-quantize", options.quantize == false},
      {"--quantize", options.quantize == true},
      {"--granularity", options.granularity.has_value()},
      {"--group-size", options.groupSize.has_value()},
      {"--scale-type", options.scaleType != format::ScaleType::F16}};
  for (const auto &[option, isGiven] : given)
    if (isGiven)
      return createStringError(
          Twine(option) + " has no effect: all linear layers of the model are "
                          "in blocks that have their own scales; leave it out");
  return Error::success();
}

Expected<StorageOptions> sherry::chooseStorage(const CompileOptions &options,
                                               const ModelConfig &config,
                                               Checkpoint *checkpoint,
                                               raw_ostream &log) {
  StorageOptions result;
  result.linear.isTernary = options.quantize.value_or(true);
  result.linear.scaleType = options.scaleType;
  result.cacheType = options.cacheType.value_or(
      options.quantizeActivations ? CacheType::F16 : CacheType::F32);
  if (result.cacheType == CacheType::I8 &&
      (config.headDim % 16 != 0 || config.headDim > 256))
    return createStringError(
        "--kv=i8 needs a head_dim that is a multiple of 16 and at most 256; "
        "this model has " +
        Twine(config.headDim) + ", use --kv=f16");
  if (Error error = chooseGranularity(options, config, result.linear))
    return error;
  if (Error error = chooseGrouping(options, config, result.linear))
    return error;

  // Exact is what rounds nothing.
  bool keepNumbers = !options.quantizeActivations;
  StringRef embedding = "model.embed_tokens.weight";
  if (options.head)
    result.head = *options.head;
  else
    result.head =
        chooseDense(config.tieWordEmbeddings ? embedding : "lm_head.weight",
                    result.head, keepNumbers, checkpoint, log);
  if (!config.tieWordEmbeddings)
    result.embedding =
        chooseDense(embedding, result.embedding, keepNumbers, checkpoint, log);

  if (!checkpoint)
    return result;
  if (Error error = refuseWithoutEffect(options, config, *checkpoint))
    return error;
  for (const LinearLayer &linear : listLinearLayers(config)) {
    auto storage = chooseLinear(linear, config.numLayers, result.linear,
                                keepNumbers, *checkpoint, log);
    if (!storage)
      return storage.takeError();
    if (*storage)
      result.exceptions.emplace(linear.module, **storage);
  }
  return result;
}
