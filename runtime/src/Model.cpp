//===- Model.cpp - A compiled model, opened -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include "Checksum.h"
#include "ElfCheck.h"
#include "X86/Machine.h"
#include "sherry/support/CpuFeatures.h"
#include "sherry/support/Error.h"
#include "sherry/support/Quote.h"

#include <algorithm>

using namespace sherry::runtime;

static void checkVersion(const sherry_abi_model &model) {
  if (model.abi_version == SHERRY_ABI_VERSION)
    return;
  throw Error("the model has ABI version " + std::to_string(model.abi_version) +
              ", this runtime has " + std::to_string(SHERRY_ABI_VERSION) +
              (model.abi_version < SHERRY_ABI_VERSION
                   ? "; compile the model again"
                   : "; update the runtime, or compile the model with a "
                     "sherry-compile of the same version"));
}

static void checkCpu(const sherry_abi_model &model, uint64_t cpuFeatures) {
  uint64_t missing = model.required_features & ~cpuFeatures;
  if (!missing)
    return;
  throw Error("the model was compiled for the CPU " +
              quote(model.target_cpu ? model.target_cpu : "") +
              " and needs CPU features that are missing here: " +
              cpuFeatureNames(missing) +
              "; compile it for the CPU 'native' on this machine, or for "
              "x86-64-v2, which all CPUs have");
}

static void require(bool condition, const std::string &field) {
  if (!condition)
    throw Error("the model's table is wrong in " + field +
                "; compile the model again");
}

static void checkEntries(const sherry_abi_model &model) {
  require(model.entries && model.n_entries > 0 &&
              model.n_entries <= SHERRY_ABI_MAX_ENTRIES,
          "entries");
  bool runs = false;
  for (uint32_t i = 0; i < model.n_entries; ++i) {
    const sherry_abi_entry &entry = model.entries[i];
    require(entry.name && entry.forward && entry.max_tokens > 0 &&
                entry.max_tokens <= SHERRY_ABI_MAX_BLOCK,
            "entry " + std::to_string(i));
    for (uint32_t before = 0; before < i; ++before)
      require(model.entries[before].kind != entry.kind ||
                  model.entries[before].max_tokens < entry.max_tokens,
              "the order of entries");
    runs |= entry.kind == SHERRY_ABI_FORWARD;
  }
  require(runs, "entries: none runs the model");
}

void sherry::runtime::checkModelTable(const sherry_abi_model &model,
                                      uint64_t weightsSize,
                                      uint64_t cpuFeatures) {
  checkVersion(model); // older tables may have no further fields
  require(model.struct_size == sizeof(sherry_abi_model),
          "struct_size: " + std::to_string(model.struct_size) + " instead of " +
              std::to_string(sizeof(sherry_abi_model)));
  checkCpu(model, cpuFeatures);
  require(model.target_cpu, "target_cpu");
  require(model.machine == kElfMachine,
          "machine: " + std::to_string(model.machine));
  if (model.environment_size > sizeof(sherry_abi_environment))
    throw Error("the model needs more of its runtime than this one has; update "
                "the runtime");
  require(model.metadata && model.metadata_size <= SHERRY_ABI_MAX_METADATA,
          "metadata");
  require(model.weights_size == weightsSize,
          "weights_size: " + std::to_string(model.weights_size) +
              ", but the section " SHERRY_ABI_WEIGHTS_SECTION " has " +
              std::to_string(weightsSize) + " bytes");
  require(fits(model.tokenizer_offset, model.tokenizer_size, weightsSize) &&
              model.tokenizer_size <= SHERRY_ABI_MAX_TOKENIZER,
          "tokenizer_offset or tokenizer_size");
  // With these limits, the sizes of buffers cannot overflow.
  for (uint64_t size : {model.workspace_size, model.thread_workspace_size})
    require(size <= SHERRY_ABI_MAX_WORKSPACE &&
                size % SHERRY_ABI_BUFFER_ALIGNMENT == 0,
            "workspace_size or thread_workspace_size");
  require(model.vocab_size > 0 && model.vocab_size <= SHERRY_ABI_MAX_SIZE,
          "vocab_size");
  require(model.logits_stride >= model.vocab_size &&
              model.logits_stride <= 2 * SHERRY_ABI_MAX_SIZE,
          "logits_stride");
  require(model.max_context > 0 && model.max_context <= SHERRY_ABI_MAX_SIZE,
          "max_context");
  require(model.hidden_size > 0 && model.hidden_size <= SHERRY_ABI_MAX_SIZE,
          "hidden_size");
  require(model.hidden_stride >= model.hidden_size &&
              model.hidden_stride <= 2 * SHERRY_ABI_MAX_SIZE,
          "hidden_stride");
  checkEntries(model);
}

uint32_t Model::maxBlock() const {
  uint32_t result = 0;
  for (uint32_t i = 0; i < table->n_entries; ++i)
    if (table->entries[i].kind == SHERRY_ABI_FORWARD)
      result = std::max(result, table->entries[i].max_tokens);
  return result;
}

sherry_abi_forward_fn Model::entryFor(int64_t numTokens) const {
  // The first suitable entry has the fewest tokens.
  return std::find_if(table->entries, table->entries + table->n_entries,
                      [&](const sherry_abi_entry &entry) {
                        return entry.kind == SHERRY_ABI_FORWARD &&
                               entry.max_tokens >= numTokens;
                      })
      ->forward;
}

/// With several memory nodes, each thread copies what it will read; with one,
/// threads copy in turns, which is balanced better. Models of older versions do
/// not say where their matrices are.
static Mapping copyWeights(const File &file, const FileRange &range,
                           const std::vector<MatrixRange> &matrices) {
  OwnerFn owner;
  if (!matrices.empty() && hasSeveralMemoryNodes())
    owner = [&](uint64_t byte, uint64_t threads) {
      return findReader(matrices, byte, threads).value_or(0);
    };
  return Mapping::copyOfFile(file, range.offset, range.size, owner);
}

Model::Model(const File &file, sherry_weights placement) {
  const ModelSections sections = checkElf(file);
  const FileRange &range = sections.weights;
  identity = checkCode(file, sections);
  path = file.path();
  try {
    load(file);
    checkModelTable(*table, range.size, hostCpuFeatures());
    description = Metadata::parse(
        std::string(table->metadata, table->metadata_size), table->vocab_size);
    // Code calls `exchange` only if it was compiled for several ranks.
    require(identity.rank < identity.n_ranks &&
                identity.n_ranks == description.numRanks &&
                identity.n_ranks <= SHERRY_ABI_MAX_RANKS,
            "the rank that " SHERRY_ABI_CHECKSUM_SECTION " names");
    weightsMapping = placement == SHERRY_WEIGHTS_MAPPED
                         ? Mapping::ofFile(file, range.offset, range.size)
                         : copyWeights(file, range, description.matrices);
    if (table->tokenizer_size > 0) {
      const uint8_t *text = weights() + table->tokenizer_offset;
      textTokenizer.emplace(
          std::string_view(reinterpret_cast<const char *>(text),
                           table->tokenizer_size),
          table->vocab_size, description.bosToken, description.addBos);
    }
  } catch (const Error &error) {
    throw Error(file.path() + ": " + error.what());
  }
}

void Model::load(const File &file) {
  library = Library(file);
  auto query = reinterpret_cast<sherry_abi_query_fn>(
      library.find(SHERRY_ABI_QUERY_SYMBOL));
  if (!query)
    throw Error("does not export " SHERRY_ABI_QUERY_SYMBOL
                "; this is not a model that sherry-compile wrote");
  table = query();
  if (!table)
    throw Error(SHERRY_ABI_QUERY_SYMBOL " returns no table");
}

void Model::verify() const {
  if (computeChecksum(weights(), table->weights_size) != identity.file.weights)
    throw Error(path + ": the weights do not match their checksum; the file is "
                       "damaged, copy it again or compile the model again");
}

bool Model::isEos(int32_t token) const {
  const auto &eos = description.eosTokens;
  return std::find(eos.begin(), eos.end(), token) != eos.end();
}

const Tokenizer &Model::tokenizer() const {
  if (!textTokenizer)
    throw Error("the model was compiled without a tokenizer; use token ids, or "
                "compile it with a tokenizer.json");
  return *textTokenizer;
}
