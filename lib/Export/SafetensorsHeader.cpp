//===- SafetensorsHeader.cpp - The header of a safetensors file -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/SafetensorsHeader.h"

#include "llvm/Support/Alignment.h"

#include <vector>

using namespace llvm;
using namespace sherry;

SafetensorsHeader::SafetensorsHeader()
    : tensors({{"__metadata__", {{"format", "pt"}}}}) {}

void SafetensorsHeader::addTensor(StringRef name, ArrayRef<int64_t> shape,
                                  format::TensorType storage) {
  const format::TensorTypeInfo &info = format::infoOf(storage);
  int64_t bytes = info.blockBytes;
  for (int64_t size : shape)
    bytes *= size;
  tensors[name.str()] = {{"dtype", info.name},
                         {"shape", std::vector<int64_t>(shape)},
                         {"data_offsets", {place, place + bytes}}};
  place += bytes;
}

void SafetensorsHeader::write(raw_ostream &out) const {
  std::string text = tensors.dump();
  text.append(offsetToAlignment(text.size(), Align(8)), ' ');
  uint64_t size = text.size();
  out.write(reinterpret_cast<const char *>(&size), sizeof(size));
  out << text;
}
