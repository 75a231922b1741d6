//===- WeightSource.cpp - Where the values of weights come from -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Weights/WeightSource.h"

#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace sherry;
using llvm::ArrayRef;
using llvm::Error;
using llvm::StringRef;

Error WeightSource::check(StringRef tensor, ArrayRef<int64_t> shape) {
  if (!checkpoint)
    return Error::success();
  llvm::Expected<TensorView> view = checkpoint->getTensor(tensor, shape);
  if (!view)
    return view.takeError();
  tensors.try_emplace(tensor, *view);
  return Error::success();
}

std::optional<format::TensorType>
WeightSource::getTensorType(StringRef tensor) const {
  auto it = tensors.find(tensor);
  if (it == tensors.end())
    return std::nullopt;
  return it->second.getTensorType();
}

float WeightSource::getFactor(StringRef tensor) const {
  return tensors.find(tensor)->second.getFactor();
}

void WeightSource::copyRows(StringRef tensor, int64_t row, int64_t count,
                            uint8_t *out) const {
  tensors.find(tensor)->second.copyRows(row, count, out);
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
static uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static void fillRandom(uint64_t seed, StringRef tensor, ArrayRef<int64_t> shape,
                       int64_t row, int64_t count, float *out) {
  if (shape.size() == 1) {
    std::fill_n(out, shape[0] * count, 1.0f);
    return;
  }
  int64_t cols = shape[1];
  uint64_t name = llvm::xxh3_64bits(tensor);
  float amplitude = std::sqrt(3.0f / static_cast<float>(cols));
  for (int64_t i = 0; i < count; ++i) {
    uint64_t state = seed ^ name ^ (row + i) * 0xd1342543de82ef95;
    nextRandom(state);
    for (int64_t j = 0; j < cols; ++j)
      *out++ = static_cast<float>(static_cast<int32_t>(nextRandom(state))) *
               (amplitude * 0x1p-31f);
  }
}

Error WeightSource::readRows(StringRef tensor, ArrayRef<int64_t> shape,
                             int64_t row, int64_t count, float *out) const {
  if (!checkpoint) {
    fillRandom(seed, tensor, shape, row, count, out);
    return Error::success();
  }
  return tensors.find(tensor)->second.readRows(row, count, out);
}
