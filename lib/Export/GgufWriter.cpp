//===- GgufWriter.cpp - Writer of the GGUF format -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Export/GgufWriter.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace sherry;

/// The default alignment of files.
static constexpr uint64_t kAlignment = 32;

/// Numbers are little-endian, as are all CPUs that Sherry compiles for.
template <typename T> static void append(std::string &out, T value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof(T));
}

static void appendString(std::string &out, StringRef text) {
  append<uint64_t>(out, text.size());
  out += text;
}

bool GgufWriter::begin(StringRef key, GgufType type, bool array,
                       uint64_t count) {
  if (!keys.insert(key.str()).second)
    return false;
  appendString(values, key);
  if (array)
    append(values, GgufType::Array);
  append(values, type);
  if (array)
    append(values, count);
  return true;
}

void GgufWriter::addInteger(StringRef key, uint32_t value) {
  if (begin(key, GgufType::U32))
    append(values, value);
}

void GgufWriter::addNumber(StringRef key, float value) {
  if (begin(key, GgufType::F32))
    append(values, value);
}

void GgufWriter::addBool(StringRef key, bool value) {
  if (begin(key, GgufType::Bool))
    append<uint8_t>(values, value);
}

void GgufWriter::addString(StringRef key, StringRef value) {
  if (begin(key, GgufType::String))
    appendString(values, value);
}

void GgufWriter::addStrings(StringRef key, ArrayRef<std::string> list) {
  if (begin(key, GgufType::String, /*array=*/true, list.size()))
    for (const std::string &value : list)
      appendString(values, value);
}

void GgufWriter::addNumbers(StringRef key, ArrayRef<float> list) {
  if (begin(key, GgufType::F32, /*array=*/true, list.size()))
    for (float value : list)
      append(values, value);
}

void GgufWriter::addIntegers(StringRef key, ArrayRef<int32_t> list) {
  if (begin(key, GgufType::I32, /*array=*/true, list.size()))
    for (int32_t value : list)
      append(values, value);
}

void GgufWriter::addValue(StringRef key, const GgufValue &value) {
  if (!begin(key, value.getType(), value.isArray(), value.size()))
    return;
  values += value.getBytes();
  if (value.getType() == GgufType::String)
    for (uint64_t i = 0; i < value.size(); ++i)
      appendString(values, *value.getString(i));
}

void GgufWriter::addTensor(StringRef name, ArrayRef<int64_t> shape,
                           format::TensorType storage) {
  appendString(tensors, name);
  append<uint32_t>(tensors, shape.size());
  uint64_t rows = 1;
  for (int64_t size : reverse(shape))
    append<uint64_t>(tensors, size);
  for (int64_t size : shape.drop_back())
    rows *= size;
  append(tensors, getGgufTypeId(storage));
  append(tensors, dataSize);
  dataSize += alignTo(rows * format::infoOf(storage).rowBytes(shape.back()),
                      kAlignment);
  ++numTensors;
}

void GgufWriter::padTensor(raw_ostream &out, uint64_t bytes) {
  out.write_zeros(offsetToAlignment(bytes, Align(kAlignment)));
}

void GgufWriter::writeHeader(raw_ostream &out) const {
  std::string front = "GGUF";
  append<uint32_t>(front, 3);
  append<uint64_t>(front, numTensors);
  append<uint64_t>(front, keys.size());
  out << front << values << tensors;
  padTensor(out, front.size() + values.size() + tensors.size());
}
