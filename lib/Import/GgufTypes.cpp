//===- GgufTypes.cpp - Types of tensors in GGUF files ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GgufTypes.h"
#include "sherry/Format/Float16.h"
#include "sherry/Import/Gguf.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace sherry;
using format::TensorType;

/// Numbers of ggml_type in files.
static constexpr std::pair<uint32_t, TensorType> kTypeIds[] = {
    {0, TensorType::F32},     {1, TensorType::F16},
    {2, TensorType::Q4_0},    {3, TensorType::Q4_1},
    {6, TensorType::Q5_0},    {7, TensorType::Q5_1},
    {8, TensorType::Q8_0},    {12, TensorType::Q4_K},
    {13, TensorType::Q5_K},   {14, TensorType::Q6_K},
    {20, TensorType::IQ4_NL}, {30, TensorType::BF16},
    {34, TensorType::TQ1_0},  {35, TensorType::TQ2_0},
    {36, TensorType::I2_S},   {42, TensorType::Q2_0},
    {43, TensorType::STQ1_0}, {142, TensorType::PQ2_0},
    {143, TensorType::PTQ1_0}};
/// NVFP4, and formerly STQ1_0.
static constexpr uint32_t kStq1OrNvfp4 = 40;
/// Q2_0 of today, and formerly PQ2_0 and STQ1_0.
static constexpr uint32_t kSharedId = 42;
static constexpr TensorType kSharedTypes[] = {
    TensorType::STQ1_0, TensorType::PQ2_0, TensorType::Q2_0};

uint32_t sherry::getGgufTypeId(TensorType storage) {
  for (auto [id, candidate] : kTypeIds)
    if (candidate == storage)
      return id;
  llvm_unreachable("a type that is not written");
}

std::string sherry::nameGgufType(uint32_t typeId) {
  static constexpr std::pair<uint32_t, const char *> names[] = {
      {9, "Q8_1"},
      {10, "Q2_K"},
      {11, "Q3_K"},
      {15, "Q8_K"},
      {16, "IQ2_XXS"},
      {17, "IQ2_XS"},
      {18, "IQ3_XXS"},
      {19, "IQ1_S"},
      {21, "IQ3_S"},
      {22, "IQ2_S"},
      {23, "IQ4_XS"},
      {24, "I8"},
      {25, "I16"},
      {26, "I32"},
      {27, "I64"},
      {28, "F64"},
      {29, "IQ1_M"},
      {37, "I8_S (of bitnet.cpp)"},
      {38, "TL1 (of bitnet.cpp, which has I2_S files too)"},
      {39, "MXFP4 (or TL2 of bitnet.cpp, which has I2_S files too)"},
      {kStq1OrNvfp4, "NVFP4"}};
  for (auto [id, name] : names)
    if (id == typeId)
      return name;
  return "number " + std::to_string(typeId);
}

uint64_t sherry::getGgufBytes(TensorType type, ArrayRef<int64_t> shape) {
  const format::TensorTypeInfo &info = format::infoOf(type);
  if (shape.back() % info.blockInputs != 0)
    return 0;
  bool isI2S = type == TensorType::I2_S;
  int64_t size = shape.back() / info.blockInputs;
  // The tensor has one scale, in 32 bytes of its own.
  if (MulOverflow(size, isI2S ? info.blockInputs / 4 : info.blockBytes, size))
    return UINT64_MAX;
  for (int64_t rows : shape.drop_back())
    if (MulOverflow(size, rows, size))
      return UINT64_MAX;
  return static_cast<uint64_t>(size) + (isI2S ? 32 : 0);
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

static Error refuseRows(const PlacedTensor &tensor, TensorType type) {
  return makeError(tensor.what + ": rows of " + Twine(tensor.shape.back()) +
                   " are not whole blocks of " + format::infoOf(type).name);
}

/// `sizes` describes the expected bytes of the tensor.
static Error refuseRoom(const PlacedTensor &tensor, const Twine &sizes) {
  return makeError(
      tensor.what + " takes " + sizes +
      (tensor.next.empty()
           ? ", but the file ends after " + Twine(tensor.room.size()) +
                 "; it is truncated, download it again"
           : ", but " + quote(tensor.next) + " begins after " +
                 Twine(tensor.room.size()) + "; the file is damaged"));
}

//===----------------------------------------------------------------------===//
// Numbers that stand for several types
//===----------------------------------------------------------------------===//

/// Whether a type accounts for all bytes up to the next tensor.
static bool fillsRoom(const PlacedTensor &tensor, TensorType type,
                      uint64_t alignment) {
  uint64_t size = getGgufBytes(type, tensor.shape), room = tensor.room.size();
  return size != 0 && size <= room && room - size < alignment;
}

/// The same, except that bytes may follow at the end of the file.
static bool fitsRoom(const PlacedTensor &tensor, TensorType type,
                     uint64_t alignment) {
  uint64_t size = getGgufBytes(type, tensor.shape);
  return fillsRoom(tensor, type, alignment) ||
         (tensor.next.empty() && size != 0 && size <= tensor.room.size());
}

static Error refuseShared(const PlacedTensor &tensor) {
  std::string sizes;
  for (TensorType type : kSharedTypes) {
    uint64_t size = getGgufBytes(type, tensor.shape);
    if (size == 0)
      continue;
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(size) +
             (sizes.empty() ? " bytes as " : " as ") +
             format::infoOf(type).name;
  }
  if (sizes.empty())
    return refuseRows(tensor, TensorType::Q2_0);
  return refuseRoom(tensor, sizes + " (all are of type 42)");
}

/// The type that fits all tensors of this number. Padding gives small tensors
/// the same size in several types; a large tensor has another size in each.
static Expected<TensorType> chooseShared(ArrayRef<const PlacedTensor *> tensors,
                                         uint64_t alignment) {
  for (auto *fits : {fillsRoom, fitsRoom}) {
    SmallVector<TensorType> types(std::begin(kSharedTypes),
                                  std::end(kSharedTypes));
    const PlacedTensor *last = nullptr;
    for (const PlacedTensor *tensor : tensors) {
      erase_if(types, [&](TensorType type) {
        return !fits(*tensor, type, alignment);
      });
      last = tensor;
      if (types.empty())
        break;
    }
    if (types.size() == 1)
      return types[0];
    if (types.size() > 1)
      return makeError(tensors[0]->what +
                       " is too small to tell whether it is " +
                       format::infoOf(types[0]).name + " or " +
                       format::infoOf(types[1]).name +
                       ", which share the number 42; convert it to another "
                       "type");
    if (fits == fitsRoom)
      return refuseShared(*last);
  }
  llvm_unreachable("the last attempt returns");
}

/// Whether blocks of 34 bytes have their scales at the end: some have no
/// plausible scale at the front, and all have one at the end.
static bool haveScalesLast(ArrayRef<const PlacedTensor *> tensors) {
  constexpr uint64_t maxBlocks = 4096; // per tensor: avoids reading all
  auto isScale = [](const char *bytes) {
    float scale = format::f16ToF32(support::endian::read16le(bytes));
    return scale == 0 || (scale >= 0x1p-14f && scale < 64);
  };
  int64_t blockBytes = format::infoOf(TensorType::PQ2_0).blockBytes;
  bool fitFront = true, fitEnd = true;
  for (const PlacedTensor *tensor : tensors) {
    uint64_t blocks =
        getGgufBytes(TensorType::PQ2_0, tensor->shape) / blockBytes;
    for (uint64_t i = 0; i < std::min(blocks, maxBlocks); ++i) {
      const char *block = tensor->room.data() + i * blockBytes;
      fitFront &= isScale(block);
      fitEnd &= isScale(block + blockBytes - 2);
    }
  }
  return !fitFront && fitEnd;
}

/// NVFP4 takes at least 68 bytes for numbers that take 42 bytes in STQ1_0.
static bool isStq1(const PlacedTensor &tensor, uint64_t alignment) {
  const format::TensorTypeInfo &info = format::infoOf(TensorType::STQ1_0);
  uint64_t size = getGgufBytes(TensorType::STQ1_0, tensor.shape);
  return size != 0 && (fillsRoom(tensor, TensorType::STQ1_0, alignment) ||
                       tensor.room.size() / 68 < size / info.blockBytes);
}

//===----------------------------------------------------------------------===//
// All tensors
//===----------------------------------------------------------------------===//

static Error checkRoom(const PlacedTensor &tensor, TensorType type,
                       uint64_t alignment) {
  uint64_t size = getGgufBytes(type, tensor.shape);
  if (size == 0)
    return refuseRows(tensor, type);
  // Programs other than bitnet.cpp have used the number of I2_S for other
  // types.
  bool isOther =
      type == TensorType::I2_S && !fillsRoom(tensor, type, alignment);
  if (size > tensor.room.size() || isOther)
    return refuseRoom(tensor, Twine(size) + " bytes as its shape and type say" +
                                  (isOther ? ", if that is I2_S" : ""));
  return Error::success();
}

Expected<std::vector<std::optional<TensorType>>>
sherry::chooseGgufTypes(ArrayRef<PlacedTensor> tensors, uint64_t alignment) {
  std::vector<const PlacedTensor *> shared;
  for (const PlacedTensor &tensor : tensors)
    if (tensor.typeId == kSharedId)
      shared.push_back(&tensor);
  std::optional<TensorType> sharedType;
  if (!shared.empty()) {
    auto type = chooseShared(shared, alignment);
    if (!type)
      return type.takeError();
    if (*type == TensorType::PQ2_0 && haveScalesLast(shared))
      return makeError(shared[0]->what +
                       " is of a variant of Q2_0 with the scales behind the "
                       "numbers, which is not supported; convert the model "
                       "anew");
    sharedType = *type;
  }
  std::vector<std::optional<TensorType>> result;
  for (const PlacedTensor &tensor : tensors) {
    std::optional<TensorType> type;
    for (auto [id, candidate] : kTypeIds)
      if (id == tensor.typeId)
        type = candidate;
    if (tensor.typeId == kSharedId)
      type = sharedType;
    if (tensor.typeId == kStq1OrNvfp4 && isStq1(tensor, alignment))
      type = TensorType::STQ1_0;
    if (type)
      if (Error error = checkRoom(tensor, *type, alignment))
        return error;
    result.push_back(type);
  }
  return result;
}
