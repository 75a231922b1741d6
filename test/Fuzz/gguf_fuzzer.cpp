//===- gguf_fuzzer.cpp - Fuzzes the GGUF reader ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a file. What is accepted must be readable to the last byte, and
// its values must become a configuration and a tokenizer, or a message.
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/GgufConfig.h"
#include "sherry/Import/ModelConfig.h"
#include "sherry/Import/TokenizerFile.h"

#include <vector>

using namespace llvm;
using namespace sherry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  auto file =
      GgufFile::parse(MemoryBuffer::getMemBuffer(text, "input.gguf", false));
  if (!file) {
    consumeError(file.takeError());
    return 0;
  }
  GgufModel model;
  model.files.push_back(std::move(*file));
  for (StringRef name : model.first().getTensorNames()) {
    auto tensor = model.first().getTensor(name);
    if (!tensor) {
      consumeError(tensor.takeError());
      continue;
    }
    std::vector<float> values(tensor->getCols());
    for (int64_t row = 0; row < tensor->getRows(); ++row)
      consumeError(tensor->readRows(row, 1, values.data()));
  }
  if (auto translated = translateConfig(model))
    consumeError(ModelConfig::parse("input.gguf", *translated).takeError());
  else
    consumeError(translated.takeError());
  consumeError(TokenizerFile::load(model.first(), 1000).takeError());
  return 0;
}
