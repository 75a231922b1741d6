//===- Gguf.cpp - Reader of the GGUF format -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Gguf.h"
#include "sherry/Format/Float16.h"
#include "sherry/Support/Json.h"
#include "sherry/Support/Problem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Regex.h"

using namespace llvm;
using namespace sherry;
using format::TensorType;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Numbers of ggml_type in files.
static constexpr std::pair<uint32_t, TensorType> kTypeIds[] = {
    {0, TensorType::F32},     {1, TensorType::F16},
    {2, TensorType::Q4_0},    {3, TensorType::Q4_1},
    {6, TensorType::Q5_0},    {7, TensorType::Q5_1},
    {8, TensorType::Q8_0},    {12, TensorType::Q4_K},
    {13, TensorType::Q5_K},   {14, TensorType::Q6_K},
    {20, TensorType::IQ4_NL}, {30, TensorType::BF16},
    {34, TensorType::TQ1_0},  {35, TensorType::TQ2_0},
    {43, TensorType::STQ1_0}};
/// Former numbers of STQ1_0, which now are those of Q2_0 and NVFP4.
static constexpr uint32_t kFormerStq1TypeIds[] = {42, 40};
/// Bytes that the other types of these numbers take at least for what takes 42
/// as STQ1_0.
static constexpr int64_t kOtherBlockBytes = 68;

static std::optional<TensorType> storageOf(uint32_t typeId) {
  for (auto [id, storage] : kTypeIds)
    if (id == typeId)
      return storage;
  return std::nullopt;
}

uint32_t sherry::getGgufTypeId(TensorType storage) {
  for (auto [id, candidate] : kTypeIds)
    if (candidate == storage)
      return id;
  llvm_unreachable("a type that is not written");
}

/// Names of other types, for messages.
static std::string nameOf(uint32_t typeId) {
  static constexpr const char *names[] = {
      nullptr, nullptr, nullptr,   nullptr,  nullptr,   nullptr, nullptr,
      nullptr, nullptr, "Q8_1",    "Q2_K",   "Q3_K",    nullptr, nullptr,
      nullptr, "Q8_K",  "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", nullptr,
      "IQ3_S", "IQ2_S", "IQ4_XS",  "I8",     "I16",     "I32",   "I64",
      "F64",   "IQ1_M", nullptr,   nullptr,  nullptr,   nullptr, nullptr,
      nullptr, nullptr, nullptr,   nullptr,  "MXFP4",   "NVFP4", nullptr,
      "Q2_0"};
  if (typeId < std::size(names) && names[typeId])
    return names[typeId];
  if (typeId == 36)
    return "I2_S (of bitnet.cpp)";
  return "number " + std::to_string(typeId);
}

Error GgufFile::placeTensors(StringRef data, uint64_t alignment) {
  std::vector<std::pair<const std::string, Tensor> *> sorted;
  for (auto &entry : tensors)
    sorted.push_back(&entry);
  llvm::stable_sort(sorted, [](auto *a, auto *b) {
    return a->second.offset < b->second.offset;
  });
  for (size_t i = 0; i < sorted.size(); ++i) {
    auto &[name, tensor] = *sorted[i];
    std::string what = (getPath() + ": tensor " + quote(name)).str();
    if (tensor.offset % alignment != 0)
      return makeError(what + ": the offset " + Twine(tensor.offset) +
                       " is no multiple of the alignment " + Twine(alignment));
    if (tensor.offset > data.size())
      return makeError(what + ": lies at byte " + Twine(tensor.offset) +
                       " of the data, which has " + Twine(data.size()) +
                       " bytes; the file is truncated, download it again");
    bool isLast = i + 1 == sorted.size();
    uint64_t room =
        (isLast ? data.size() : sorted[i + 1]->second.offset) - tensor.offset;
    // Bytes if the tensor is of this type, 0 if it cannot be.
    auto sizeAs = [&](TensorType storage) -> uint64_t {
      const format::TensorTypeInfo &info = format::infoOf(storage);
      if (tensor.shape.back() % info.blockInputs != 0)
        return 0;
      int64_t size = tensor.shape.back() / info.blockInputs;
      if (MulOverflow(size, info.blockBytes, size))
        return UINT64_MAX;
      for (int64_t rows : ArrayRef<int64_t>(tensor.shape).drop_back())
        if (MulOverflow(size, rows, size))
          return UINT64_MAX;
      return size;
    };
    tensor.storage = storageOf(tensor.typeId);
    if (is_contained(kFormerStq1TypeIds, tensor.typeId)) {
      const format::TensorTypeInfo &info = format::infoOf(TensorType::STQ1_0);
      uint64_t size = sizeAs(TensorType::STQ1_0);
      bool isPadded = size <= room && room - size < alignment;
      if (size != 0 &&
          (isPadded || room / kOtherBlockBytes < size / info.blockBytes))
        tensor.storage = TensorType::STQ1_0;
    }
    if (!tensor.storage) {
      tensor.bytes = data.substr(tensor.offset, 0);
      continue;
    }
    uint64_t size = sizeAs(*tensor.storage);
    if (size == 0)
      return makeError(what + ": rows of " + Twine(tensor.shape.back()) +
                       " are no whole blocks of " +
                       format::infoOf(*tensor.storage).name);
    if (size > room)
      return makeError(what + " takes " + Twine(size) +
                       " bytes as its shape and type say, " +
                       (isLast ? "but the file ends after " + Twine(room) +
                                     "; it is truncated, download it again"
                               : "but " + quote(sorted[i + 1]->first) +
                                     " begins after " + Twine(room) +
                                     "; the file is damaged"));
    tensor.bytes = data.substr(tensor.offset, size);
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
                     nameOf(tensor.typeId) +
                     "; supported are F32, F16, BF16, Q8_0, Q5_0, Q5_1, Q4_0, "
                     "Q4_1, Q4_K, Q5_K, Q6_K, IQ4_NL, TQ1_0, TQ2_0 and STQ1_0, "
                     "convert it");
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

/// Scales of trained weights lie between 2^-11 and 64. As f16 such are also
/// plausible integers; integers are too small to be plausible as f16, unless
/// they exceed 0.125. So only a clear majority tells.
bool GgufModel::hasIntegerScales() const {
  constexpr size_t maxBlocks = 4096; // of a tensor; all would be read from disk
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
