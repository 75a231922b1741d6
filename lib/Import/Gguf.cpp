//===- Gguf.cpp - Reader of the GGUF format -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Gguf.h"
#include "GgufTypes.h"
#include "sherry/Format/Float16.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

using namespace llvm;
using namespace sherry;
using format::TensorType;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Error GgufFile::placeTensors(StringRef data, uint64_t alignment) {
  std::vector<std::pair<const std::string, Tensor> *> sorted;
  for (auto &entry : tensors)
    sorted.push_back(&entry);
  llvm::stable_sort(sorted, [](auto *a, auto *b) {
    return a->second.offset < b->second.offset;
  });
  std::vector<PlacedTensor> placed;
  for (size_t i = 0; i < sorted.size(); ++i) {
    auto &[name, tensor] = *sorted[i];
    std::string what = (getPath() + ": tensor " + quote(name)).str();
    if (tensor.offset % alignment != 0)
      return makeError(what + ": the offset " + Twine(tensor.offset) +
                       " is not a multiple of the alignment " +
                       Twine(alignment));
    if (tensor.offset > data.size())
      return makeError(what + ": lies at byte " + Twine(tensor.offset) +
                       " of the data, which has " + Twine(data.size()) +
                       " bytes; the file is truncated, download it again");
    bool isLast = i + 1 == sorted.size();
    uint64_t end = isLast ? data.size() : sorted[i + 1]->second.offset;
    placed.push_back({what, tensor.typeId, tensor.shape,
                      data.slice(tensor.offset, end),
                      isLast ? StringRef() : StringRef(sorted[i + 1]->first)});
  }
  auto types = chooseGgufTypes(placed, alignment);
  if (!types)
    return types.takeError();
  for (auto [entry, tensor, type] : llvm::zip_equal(sorted, placed, *types)) {
    entry->second.storage = type;
    entry->second.bytes =
        tensor.room.take_front(type ? getGgufBytes(*type, tensor.shape) : 0);
  }
  return Error::success();
}

SmallVector<StringRef> GgufFile::getTensorNames() const {
  return to_vector(map_range(
      tensors, [](const auto &entry) { return StringRef(entry.first); }));
}

bool GgufFile::hasTensor(StringRef name) const {
  return tensors.find(name) != tensors.end();
}

Expected<TensorView> GgufFile::getTensor(StringRef name) const {
  auto it = tensors.find(name);
  if (it == tensors.end())
    return makeError(getPath() + ": has no tensor " + quote(name));
  const Tensor &tensor = it->second;
  if (!tensor.storage)
    return makeError(getPath() + ": tensor " + quote(name) + " has the type " +
                     nameGgufType(tensor.typeId) +
                     "; supported are F32, F16, BF16, Q8_0, Q5_0, Q5_1, Q4_0, "
                     "Q4_1, Q4_K, Q5_K, Q6_K, IQ4_NL, TQ1_0, TQ2_0, Q2_0, "
                     "PQ2_0, PTQ1_0, I2_S and STQ1_0, convert it");
  TensorType storage = *tensor.storage;
  if (storage == TensorType::STQ1_0 && scale == StqScale::I16)
    storage = TensorType::STQ1_0_I16;
  return TensorView(getPath(), it->first, storage, tensor.shape, tensor.bytes);
}

const GgufValue *GgufFile::find(StringRef key) const {
  auto it = values.find(key);
  return it == values.end() ? nullptr : &it->second;
}

//===----------------------------------------------------------------------===//
// GgufModel
//===----------------------------------------------------------------------===//

/// Scales of trained weights are between 2^-11 and 64. The bits of f16 scales
/// in this range are also plausible as integers. Integer scales, read as f16,
/// are too small to be plausible unless they exceed 0.125. So only a clear
/// majority decides.
bool GgufModel::hasIntegerScales() const {
  constexpr size_t maxBlocks = 4096; // per tensor: avoids reading whole files
  constexpr int64_t clearMajority = 4;
  auto isPlausible = [](float scale, float limit) {
    return scale >= 0x1p-11f && scale < limit;
  };
  const format::TensorTypeInfo &info = format::infoOf(TensorType::STQ1_0);
  int64_t scales = 0, asF16 = 0, asI16 = 0;
  for (const std::unique_ptr<GgufFile> &file : files)
    for (const auto &[name, tensor] : file->tensors) {
      if (tensor.storage != TensorType::STQ1_0)
        continue;
      size_t blocks = tensor.bytes.size() / info.blockBytes;
      for (size_t i = 0; i < std::min(blocks, maxBlocks); ++i) {
        const char *end = tensor.bytes.data() + (i + 1) * info.blockBytes;
        auto bits = support::endian::read16le(end - sizeof(uint16_t));
        if (bits == 0)
          continue;
        ++scales;
        asF16 += isPlausible(format::f16ToF32(bits), 64);
        asI16 += isPlausible(static_cast<int16_t>(bits) * 0x1p-15f, 1);
      }
    }
  return clearMajority * asF16 < scales && clearMajority * asI16 > 3 * scales;
}

Expected<GgufModel> GgufModel::open(StringRef path, StqScale scale) {
  GgufModel model;
  if (Error error = model.openParts(path))
    return error;
  auto hasStq = [](const std::unique_ptr<GgufFile> &file) {
    return any_of(file->tensors, [](const auto &entry) {
      return entry.second.storage == TensorType::STQ1_0;
    });
  };
  if (scale == StqScale::Auto)
    scale = model.hasIntegerScales() ? StqScale::I16 : StqScale::F16;
  else if (none_of(model.files, hasStq))
    return makeError(Problem::UnusedStqScale,
                     path + ": no tensor is of type STQ1_0");
  for (std::unique_ptr<GgufFile> &file : model.files)
    file->scale = scale;
  model.stqScale = scale;
  return model;
}

Error GgufModel::openParts(StringRef path) {
  auto add = [&](StringRef part) -> Error {
    auto file = GgufFile::open(part);
    if (file)
      files.push_back(std::move(*file));
    return file.takeError();
  };
  if (Error error = add(path))
    return error;
  const GgufValue *countValue = first().find("split.count");
  int64_t count = countValue ? countValue->getInteger().value_or(0) : 1;
  if (count == 1)
    return Error::success();
  SmallVector<StringRef> groups;
  Regex pattern("^(.*-)([0-9]{5})-of-([0-9]{5})\\.gguf$");
  int64_t number = 0, total = 0;
  if (!pattern.match(path, &groups) || groups[2].getAsInteger(10, number) ||
      groups[3].getAsInteger(10, total) || total != count || count < 1)
    return makeError(path + ": is one of " + Twine(count) +
                     " parts of a model; parts are named "
                     "NAME-00001-of-0000N.gguf, restore their names");
  std::string stem = groups[1].str();
  auto nameOfPart = [&](int64_t part) {
    return formatv("{0}{1,0+5}-of-{2,0+5}.gguf", stem, part, count).str();
  };
  if (number != 1)
    return makeError(path + ": is part " + Twine(number) + " of " +
                     Twine(count) + "; give the first, " + nameOfPart(1));
  for (int64_t part = 2; part <= count; ++part) {
    if (!sys::fs::exists(nameOfPart(part)))
      return makeError(nameOfPart(part) + ": is missing; it is part " +
                       Twine(part) + " of " + Twine(count) + " of the model");
    if (Error error = add(nameOfPart(part)))
      return error;
  }
  return Error::success();
}
