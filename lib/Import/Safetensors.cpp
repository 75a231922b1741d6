//===- Safetensors.cpp - Reader of the safetensors format -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Safetensors.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

/// The limit of the format's reference implementation.
static constexpr uint64_t kMaxHeaderBytes = 100'000'000;
static constexpr uint64_t kLengthBytes = 8;

static std::optional<format::TensorType> parseDType(StringRef name) {
  return StringSwitch<std::optional<format::TensorType>>(name)
      .Case("BF16", format::TensorType::BF16)
      .Case("F16", format::TensorType::F16)
      .Case("F32", format::TensorType::F32)
      .Case("U8", format::TensorType::Trits)
      .Default(std::nullopt);
}

//===----------------------------------------------------------------------===//
// SafetensorsFile
//===----------------------------------------------------------------------===//

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  auto buffer = readFile(path, /*maxBytes=*/INT64_MAX);
  if (!buffer)
    return buffer.takeError();
  return parse(std::move(*buffer));
}

Expected<SafetensorsFile>
SafetensorsFile::parse(std::unique_ptr<MemoryBuffer> buffer) {
  SafetensorsFile file(std::move(buffer));
  if (Error error = file.parseHeader())
    return error;
  if (Error error = file.checkOverlaps())
    return error;
  return file;
}

/// Reads the shape; returns nothing if it is not valid or if its size does not
/// fit int64.
static std::optional<SmallVector<int64_t, 2>>
parseShape(const json *field, std::optional<format::TensorType> storage,
           int64_t &bytes) {
  if (!field || !field->is_array())
    return {};
  SmallVector<int64_t, 2> shape;
  bytes = storage ? format::infoOf(*storage).blockBytes : 1; // per element
  for (const json &size : *field) {
    if (!size.is_number_unsigned() ||
        size.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      return {};
    shape.push_back(size.get<int64_t>());
    if (MulOverflow(bytes, shape.back(), bytes))
      return {};
  }
  return shape;
}

Error SafetensorsFile::parseHeader() {
  StringRef contents = buffer->getBuffer(), path = getPath();
  if (contents.size() < kLengthBytes)
    return makeError(path + ": has " + Twine(contents.size()) +
                     " bytes and no safetensors header; download it again");
  uint64_t length = support::endian::read64le(contents.data());
  contents = contents.drop_front(kLengthBytes);
  if (length > contents.size())
    return makeError(path + ": the header length at byte 0 is " +
                     Twine(length) + ", but only " + Twine(contents.size()) +
                     " bytes follow; the file is truncated or not a "
                     "safetensors file, download it again");
  if (length > kMaxHeaderBytes)
    return makeError(path + ": the header length at byte 0 is " +
                     Twine(length) + ", more than the format's limit of " +
                     Twine(kMaxHeaderBytes));
  auto header =
      parseJsonObject(contents.take_front(length), path, kLengthBytes);
  if (!header)
    return header.takeError();

  StringRef data = contents.drop_front(length);
  for (const auto &[name, value] : header->items()) {
    if (name == "__metadata__")
      continue;
    if (!value.is_object())
      return makeError(path + ": tensor " + quote(name) +
                       " is not described by an object; the file is damaged");
    std::string error;
    FieldReader reader(path, value, error, "tensor " + quote(name) + ", ");
    Tensor tensor;
    tensor.dtypeName = reader.getString("dtype");
    tensor.storage = parseDType(tensor.dtypeName);
    int64_t size = 0;
    if (auto shape = parseShape(reader.find("shape"), tensor.storage, size))
      tensor.shape = std::move(*shape);
    else
      reader.refuse("shape", "a list of sizes whose product fits 63 bits");

    const json *offsets = reader.find("data_offsets");
    uint64_t begin = 0, end = 0;
    bool valid = offsets && offsets->is_array() && offsets->size() == 2 &&
                 (*offsets)[0].is_number_unsigned() &&
                 (*offsets)[1].is_number_unsigned();
    if (valid) {
      begin = (*offsets)[0].get<uint64_t>();
      end = (*offsets)[1].get<uint64_t>();
      valid = begin <= end && end <= data.size();
    }
    if (!valid)
      reader.refuse("data_offsets",
                    "[begin, end] with begin <= end <= " + Twine(data.size()) +
                        ", the bytes after the header; the file is truncated "
                        "or damaged, download it again");
    else if (tensor.storage && end - begin != static_cast<uint64_t>(size))
      reader.refuse("data_offsets", Twine(size) +
                                        " bytes apart as dtype and shape say; "
                                        "the file is damaged");
    if (reader.failed())
      return makeError(error);
    tensor.bytes = data.slice(begin, end);
    tensors.emplace(name, std::move(tensor));
  }
  return Error::success();
}

Error SafetensorsFile::checkOverlaps() const {
  std::vector<const std::pair<const std::string, Tensor> *> sorted;
  for (const auto &entry : tensors)
    if (!entry.second.bytes.empty())
      sorted.push_back(&entry);
  llvm::sort(sorted, [](auto *a, auto *b) {
    return a->second.bytes.data() < b->second.bytes.data();
  });
  for (size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i - 1]->second.bytes.end() > sorted[i]->second.bytes.begin())
      return makeError(getPath() + ": the data_offsets of tensors " +
                       quote(sorted[i - 1]->first) + " and " +
                       quote(sorted[i]->first) +
                       " overlap; the file is damaged");
  return Error::success();
}

SmallVector<StringRef> SafetensorsFile::getTensorNames() const {
  return to_vector(map_range(
      tensors, [](const auto &entry) { return StringRef(entry.first); }));
}

bool SafetensorsFile::hasTensor(StringRef name) const {
  return tensors.find(name) != tensors.end();
}

Expected<TensorView> SafetensorsFile::getTensor(StringRef name) const {
  auto it = tensors.find(name);
  if (it == tensors.end())
    return makeError(getPath() + ": has no tensor " + quote(name));
  const Tensor &tensor = it->second;
  if (!tensor.storage)
    return makeError(getPath() + ": tensor " + quote(name) + " has the dtype " +
                     quote(tensor.dtypeName) +
                     "; weights are read from BF16, F16 or F32, convert it");
  return TensorView(getPath(), it->first, *tensor.storage, tensor.shape,
                    tensor.bytes);
}
