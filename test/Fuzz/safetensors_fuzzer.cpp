//===- safetensors_fuzzer.cpp - Fuzzes the safetensors reader -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a file. What is accepted must be readable to the last byte.
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Safetensors.h"

#include <vector>

using namespace llvm;
using namespace sherry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  auto file = SafetensorsFile::parse(
      MemoryBuffer::getMemBuffer(text, "input.safetensors", false));
  if (!file) {
    consumeError(file.takeError());
    return 0;
  }
  for (StringRef name : file->getTensorNames()) {
    auto tensor = file->getTensor(name);
    if (!tensor) {
      consumeError(tensor.takeError());
      continue;
    }
    // All of it, and one row more than there is.
    std::vector<float> values(tensor->getBytes().size() / 2 + 1);
    int64_t rows = tensor->getRows();
    consumeError(tensor->readRows(0, rows, values.data()));
    Error error = tensor->readRows(0, rows + 1, values.data());
    if (!error)
      abort();
    consumeError(std::move(error));
  }
  return 0;
}
