//===- config_fuzzer.cpp - Fuzzes the readers of JSON files ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is taken as each of the JSON files of a checkpoint. A configuration
// that is accepted must keep what ModelConfig promises.
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/ModelDescription.h"
#include "sherry/Import/ModelConfig.h"
#include "sherry/Import/TokenizerFile.h"

#include <cmath>

using namespace llvm;
using namespace sherry;

static void require(bool condition) {
  if (!condition)
    abort();
}

static void checkPromises(const ModelConfig &config) {
  constexpr int64_t maxSize = 1 << 24;
  for (int64_t size :
       {config.vocabSize, config.hiddenSize, config.intermediateSize,
        config.numLayers, config.numHeads, config.numKeyValueHeads,
        config.headDim, config.maxPositionEmbeddings,
        config.numHeads * config.headDim})
    require(size > 0 && size <= maxSize);
  require(config.hiddenSize % 4 == 0 && config.intermediateSize % 4 == 0);
  require(config.numHeads % config.numKeyValueHeads == 0);
  require(config.headDim % 2 == 0);
  require(config.numHeads * config.headDim % 4 == 0);
  require(static_cast<float>(config.rmsNormEps) > 0 && config.ropeTheta > 0);
  require(!config.ropeScaling || config.ropeScaling->magnitude > 0);
  constexpr int64_t maxHead = 1 << 12; // of which all numbers are looked at
  if (config.headDim <= maxHead)
    for (double frequency : computeRopeFrequencies(config))
      require(std::isfinite(frequency) && frequency > 0);
  if (config.quantization)
    require(config.quantization->groupSize > 0 &&
            config.quantization->groupSize % 4 == 0);
  require(config.bosTokenId.value_or(0) < config.vocabSize);
  for (int64_t id : config.eosTokenIds)
    require(id >= 0 && id < config.vocabSize);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MemoryBufferRef text(StringRef(reinterpret_cast<const char *>(data), size),
                       "input.json");
  if (auto config = ModelConfig::parse(text)) {
    checkPromises(*config);
    consumeError(config->applyGenerationConfig(text));
    checkPromises(*config);
  } else {
    consumeError(config.takeError());
  }
  constexpr int64_t vocabSize = 256;
  if (auto startsWithBos = checkTokenizer(text, vocabSize)) {
    // What is taken is also written in other formats.
    ModelFiles files;
    files.config = {};
    files.config.architecture = Architecture::byName("llama");
    files.config.vocabSize = vocabSize;
    files.tokenizer.json = MemoryBuffer::getMemBuffer(text, false);
    GgufWriter writer;
    std::set<std::string> notes;
    consumeError(describeInGguf(files, /*pre=*/"", writer, notes));
  } else {
    consumeError(startsWithBos.takeError());
  }
  TokenizerFile tokenizer;
  consumeError(applyTokenizerConfig(text, tokenizer));
  return 0;
}
