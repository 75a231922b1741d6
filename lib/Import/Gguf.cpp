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

#include <cmath>

using namespace llvm;
using namespace sherry;
using format::Storage;

static constexpr uint64_t kMaxAlignment = 1 << 20;
static constexpr uint32_t kMaxDimensions = 4;
/// Bytes that a value and a tensor take at least: more of them are not there.
static constexpr uint64_t kMinValueBytes = 13, kMinTensorBytes = 24;

/// Bytes of a number; 0 for the other types.
static uint64_t sizeOf(GgufType type) {
  switch (type) {
  case GgufType::U8:
  case GgufType::I8:
  case GgufType::Bool:
    return 1;
  case GgufType::U16:
  case GgufType::I16:
    return 2;
  case GgufType::U32:
  case GgufType::I32:
  case GgufType::F32:
    return 4;
  case GgufType::U64:
  case GgufType::I64:
  case GgufType::F64:
    return 8;
  case GgufType::String:
  case GgufType::Array:
    return 0;
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// GgufValue
//===----------------------------------------------------------------------===//

template <typename T> static T readAt(StringRef bytes, uint64_t place) {
  return support::endian::read<T, endianness::little>(bytes.data() +
                                                      place * sizeof(T));
}

std::optional<int64_t> GgufValue::getInteger(uint64_t place) const {
  switch (type) {
  case GgufType::U8:
    return readAt<uint8_t>(bytes, place);
  case GgufType::I8:
    return readAt<int8_t>(bytes, place);
  case GgufType::U16:
    return readAt<uint16_t>(bytes, place);
  case GgufType::I16:
    return readAt<int16_t>(bytes, place);
  case GgufType::U32:
    return readAt<uint32_t>(bytes, place);
  case GgufType::I32:
    return readAt<int32_t>(bytes, place);
  case GgufType::U64:
    if (auto value = readAt<uint64_t>(bytes, place); value <= INT64_MAX)
      return static_cast<int64_t>(value);
    return std::nullopt;
  case GgufType::I64:
    return readAt<int64_t>(bytes, place);
  default:
    return std::nullopt;
  }
}

std::optional<double> GgufValue::getNumber(uint64_t place) const {
  if (type == GgufType::F32)
    return readAt<float>(bytes, place);
  if (type == GgufType::F64)
    return readAt<double>(bytes, place);
  if (auto integer = getInteger(place))
    return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<StringRef> GgufValue::getString(uint64_t place) const {
  if (type != GgufType::String)
    return std::nullopt;
  return strings[place];
}

std::optional<int64_t> GgufValue::getInteger() const {
  return array ? std::nullopt : getInteger(0);
}
std::optional<double> GgufValue::getNumber() const {
  return array ? std::nullopt : getNumber(0);
}
std::optional<StringRef> GgufValue::getString() const {
  return array ? std::nullopt : getString(0);
}
std::optional<bool> GgufValue::getBool() const {
  if (array || type != GgufType::Bool)
    return std::nullopt;
  return bytes[0] != 0;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace sherry {
/// Reads from the front of the file. After the first failure, which is kept,
/// everything reads as zero.
class GgufReader {
public:
  explicit GgufReader(GgufFile &file)
      : file(file), contents(file.buffer->getBuffer()) {}

  Error read();

private:
  template <typename T> T readNumber(const Twine &what) {
    StringRef bytes = take(sizeof(T), what);
    return bytes.empty() ? T() : readAt<T>(bytes, 0);
  }
  StringRef take(uint64_t size, const Twine &what);
  StringRef readString(const Twine &what);
  GgufValue readValue(StringRef key);
  void readNameValue(uint64_t index);
  void readTensor(uint64_t index);
  void fail(const Twine &message) {
    if (message_.empty())
      message_ =
          (file.getPath() + ": byte " + Twine(position) + ": " + message).str();
  }
  uint64_t left() const { return contents.size() - position; }

  GgufFile &file;
  StringRef contents;
  uint64_t position = 0;
  std::string message_;
};
} // namespace sherry

StringRef GgufReader::take(uint64_t size, const Twine &what) {
  if (!message_.empty())
    return {};
  if (size > left()) {
    fail(what + " takes " + Twine(size) + " bytes, but only " + Twine(left()) +
         " follow; the file is truncated or damaged, download it again");
    return {};
  }
  position += size;
  return contents.substr(position - size, size);
}

StringRef GgufReader::readString(const Twine &what) {
  auto size = readNumber<uint64_t>("the length of " + what);
  return take(size, what);
}

GgufValue GgufReader::readValue(StringRef key) {
  GgufValue value;
  std::string what = "the value of " + quote(key);
  auto readType = [&] {
    auto type = readNumber<uint32_t>("the type of " + quote(key));
    if (type > static_cast<uint32_t>(GgufType::F64))
      fail("the type of " + quote(key) + " is " + Twine(type) +
           ", which is none");
    return message_.empty() ? static_cast<GgufType>(type) : GgufType::U8;
  };
  value.type = readType();
  if (value.type == GgufType::Array) {
    value.array = true;
    value.type = readType();
    value.count = readNumber<uint64_t>("the length of " + quote(key));
    if (value.type == GgufType::Array)
      fail(what + " is an array of arrays, which is not supported");
  }
  if (value.type == GgufType::String) {
    // Strings have a length of 8 bytes each.
    if (value.count > left() / 8)
      fail(what + " has " + Twine(value.count) +
           " strings, more than the file can hold");
    for (uint64_t i = 0; i < value.count && message_.empty(); ++i)
      value.strings.push_back(readString(what));
    return value;
  }
  uint64_t size = sizeOf(value.type);
  if (message_.empty() && value.count > left() / size)
    fail(what + " has " + Twine(value.count) +
         " numbers, more than the file can hold");
  value.bytes = take(value.count * size, what);
  return value;
}

void GgufReader::readNameValue(uint64_t index) {
  StringRef key = readString("the key of value " + Twine(index));
  GgufValue value = readValue(key);
  if (message_.empty() &&
      !file.values.try_emplace(key.str(), std::move(value)).second)
    fail("the key " + quote(key) + " occurs twice");
}

void GgufReader::readTensor(uint64_t index) {
  StringRef name = readString("the name of tensor " + Twine(index));
  std::string what = "tensor " + quote(name);
  auto dimensions = readNumber<uint32_t>("the number of dimensions of " + what);
  if (dimensions == 0 || dimensions > kMaxDimensions)
    return fail(what + " has " + Twine(dimensions) +
                " dimensions; 1 to 4 are possible");
  GgufFile::Tensor tensor;
  int64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    auto size = readNumber<uint64_t>("a dimension of " + what);
    if (size == 0 || size > static_cast<uint64_t>(INT64_MAX) ||
        MulOverflow(elements, static_cast<int64_t>(size), elements))
      return fail(what + " has a dimension of " + Twine(size) +
                  "; dimensions are positive and their product fits 63 bits");
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  // Rows of one: a vector that was written as a matrix.
  while (tensor.shape.size() > 1 && tensor.shape.front() == 1)
    tensor.shape.erase(tensor.shape.begin());
  tensor.typeId = readNumber<uint32_t>("the type of " + what);
  tensor.offset = readNumber<uint64_t>("the offset of " + what);
  if (message_.empty() &&
      !file.tensors.try_emplace(name.str(), std::move(tensor)).second)
    fail(what + " occurs twice");
}

Error GgufReader::read() {
  StringRef magic = take(4, "the magic number");
  if (message_.empty() && magic != "GGUF")
    return makeError(file.getPath() +
                     ": is no GGUF file: it does not begin with \"GGUF\"");
  auto version = readNumber<uint32_t>("the version");
  if (message_.empty() && version != 2 && version != 3) {
    if (llvm::byteswap(version) == 2 || llvm::byteswap(version) == 3)
      fail("the file is big-endian; convert it on a little-endian machine");
    else
      fail("the version is " + Twine(version) +
           "; 2 and 3 are supported, convert the file anew");
  }
  auto numTensors = readNumber<uint64_t>("the number of tensors");
  auto numValues = readNumber<uint64_t>("the number of values");
  if (message_.empty() && (numTensors > left() / kMinTensorBytes ||
                           numValues > left() / kMinValueBytes))
    fail("announces " + Twine(numTensors) + " tensors and " + Twine(numValues) +
         " values, more than the file can hold");
  for (uint64_t i = 0; i < numValues && message_.empty(); ++i)
    readNameValue(i);
  for (uint64_t i = 0; i < numTensors && message_.empty(); ++i)
    readTensor(i);
  if (!message_.empty())
    return makeError(message_);

  int64_t alignment = 32;
  if (const GgufValue *value = file.find("general.alignment"))
    alignment = value->getInteger().value_or(0);
  if (alignment <= 0 || alignment > static_cast<int64_t>(kMaxAlignment) ||
      !isPowerOf2_64(alignment))
    return makeError(file.getPath() +
                     ": general.alignment must be a power of two of at most " +
                     Twine(kMaxAlignment));
  uint64_t begin = alignTo(position, alignment);
  return file.placeTensors(
      contents.drop_front(std::min<uint64_t>(begin, contents.size())),
      alignment);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Numbers of ggml_type in files.
static constexpr std::pair<uint32_t, Storage> kTypeIds[] = {
    {0, Storage::F32},    {1, Storage::F16},     {2, Storage::Q4_0},
    {3, Storage::Q4_1},   {6, Storage::Q5_0},    {7, Storage::Q5_1},
    {8, Storage::Q8_0},   {12, Storage::Q4_K},   {13, Storage::Q5_K},
    {14, Storage::Q6_K},  {20, Storage::IQ4_NL}, {30, Storage::BF16},
    {34, Storage::TQ1_0}, {35, Storage::TQ2_0},  {43, Storage::STQ1_0}};
/// Former numbers of STQ1_0, which now are those of Q2_0 and NVFP4.
static constexpr uint32_t kFormerStq1TypeIds[] = {42, 40};
/// Bytes that the other types of these numbers take at least for what takes 42
/// as STQ1_0.
static constexpr int64_t kOtherBlockBytes = 68;

static std::optional<Storage> storageOf(uint32_t typeId) {
  for (auto [id, storage] : kTypeIds)
    if (id == typeId)
      return storage;
  return std::nullopt;
}

uint32_t sherry::getGgufTypeId(Storage storage) {
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
    auto sizeAs = [&](Storage storage) -> uint64_t {
      const format::StorageInfo &info = format::infoOf(storage);
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
      const format::StorageInfo &info = format::infoOf(Storage::STQ1_0);
      uint64_t size = sizeAs(Storage::STQ1_0);
      bool isPadded = size <= room && room - size < alignment;
      if (size != 0 &&
          (isPadded || room / kOtherBlockBytes < size / info.blockBytes))
        tensor.storage = Storage::STQ1_0;
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
  Storage storage = *tensor.storage;
  if (storage == Storage::STQ1_0 && scale == StqScale::I16)
    storage = Storage::STQ1_0_I16;
  return TensorView(getPath(), it->first, storage, tensor.shape, tensor.bytes);
}

const GgufValue *GgufFile::find(StringRef key) const {
  auto it = values.find(key);
  return it == values.end() ? nullptr : &it->second;
}

Expected<std::unique_ptr<GgufFile>>
GgufFile::parse(std::unique_ptr<MemoryBuffer> buffer) {
  std::unique_ptr<GgufFile> file(new GgufFile(std::move(buffer)));
  if (Error error = GgufReader(*file).read())
    return error;
  return file;
}

Expected<std::unique_ptr<GgufFile>> GgufFile::open(StringRef path) {
  auto buffer = readFile(path, /*maxBytes=*/INT64_MAX);
  if (!buffer)
    return buffer.takeError();
  return parse(std::move(*buffer));
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
  const format::StorageInfo &info = format::infoOf(Storage::STQ1_0);
  int64_t scales = 0, asF16 = 0, asI16 = 0;
  for (const std::unique_ptr<GgufFile> &file : files)
    for (const auto &[name, tensor] : file->tensors) {
      if (tensor.storage != Storage::STQ1_0)
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
      return entry.second.storage == Storage::STQ1_0;
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
