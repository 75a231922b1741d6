//===- Checkpoint.cpp - Tensors in, logits out ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Checkpoint.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <stdexcept>

void fail(const std::string &message) { throw std::runtime_error(message); }

static float decodeBf16(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

static float decodeF16(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 31)
    fail("an infinite or NaN f16 weight");
  float value = exponent == 0 ? std::ldexp(fraction, -24)
                              : std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -value : value;
}

json readJson(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    fail(path + ": cannot be read");
  return json::parse(file);
}

Checkpoint::Checkpoint(const std::string &folder) {
  std::ifstream index(folder + "/model.safetensors.index.json");
  std::set<std::string> names;
  if (!index) {
    names.insert("model.safetensors");
  } else {
    json parsed = json::parse(index);
    for (const json &name : parsed.at("weight_map"))
      names.insert(name.get<std::string>());
  }
  for (const std::string &name : names)
    addFile(folder + "/" + name);
}

void Checkpoint::addFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  uint64_t length = 0;
  if (!file.read(reinterpret_cast<char *>(&length), sizeof(length)) ||
      length > 100'000'000)
    fail(path + ": cannot be read");
  std::string header(length, '\0');
  if (!file.read(header.data(), length))
    fail(path + ": ends within its header");
  json parsed = json::parse(header);
  for (const auto &entry : parsed.items())
    if (entry.key() != "__metadata__")
      tensors[entry.key()] = {path, sizeof(length) + length, entry.value()};
}

std::vector<char> Checkpoint::readBytes(const std::string &name,
                                        const json &shape, const Widths &widths,
                                        std::string &type) const {
  auto found = tensors.find(name);
  if (found == tensors.end())
    fail("there is no tensor " + name);
  const Tensor &tensor = found->second;
  if (tensor.header.at("shape") != shape)
    fail(name + ": has the shape " + tensor.header.at("shape").dump() +
         " instead of " + shape.dump());
  type = tensor.header.at("dtype");
  if (!widths.count(type))
    fail(name + ": cannot read dtype " + type);
  uint64_t size = widths.at(type);
  for (uint64_t length : shape)
    size *= length;
  uint64_t begin = tensor.header.at("data_offsets").at(0);
  uint64_t end = tensor.header.at("data_offsets").at(1);
  if (end < begin || end - begin != size)
    fail(name + ": data_offsets do not fit the shape");
  std::vector<char> bytes(size);
  std::ifstream file(tensor.path, std::ios::binary);
  if (!file.seekg(tensor.dataStart + begin) ||
      !file.read(bytes.data(), bytes.size()))
    fail(tensor.path + ": ends within tensor " + name);
  return bytes;
}

Vector Checkpoint::read(const std::string &name, const json &shape) const {
  std::string type;
  std::vector<char> bytes =
      readBytes(name, shape, {{"F32", 4}, {"F16", 2}, {"BF16", 2}}, type);
  Vector values(bytes.size() / (type == "F32" ? 4 : 2));
  if (type == "F32") {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (uint64_t i = 0; i < values.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, &bytes[2 * i], sizeof(bits));
    values[i] = type == "F16" ? decodeF16(bits) : decodeBf16(bits);
  }
  return values;
}

Vector Checkpoint::readTrits(const std::string &name, int64_t rows,
                             int64_t cols) const {
  std::string type;
  std::vector<char> bytes =
      readBytes(name, json{rows / 4, cols}, {{"U8", 1}}, type);
  Vector values;
  for (int quarter = 0; quarter < 4; ++quarter)
    for (char byte : bytes)
      values.push_back(static_cast<float>(
          (static_cast<uint8_t>(byte) >> 2 * quarter & 3) - 1));
  return values;
}

void writeNpy(const std::string &path, const std::vector<Vector> &rows) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows.size()) + ", " +
                       std::to_string(rows.at(0).size()) + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  auto length = static_cast<uint16_t>(header.size());
  std::ofstream file(path, std::ios::binary);
  file.write("\x93NUMPY\x01\x00", 8);
  file.write(reinterpret_cast<const char *>(&length), sizeof(length));
  file << header;
  for (const Vector &row : rows)
    file.write(reinterpret_cast<const char *>(row.data()),
               row.size() * sizeof(float));
  if (!file.flush())
    fail(path + ": cannot be written");
}
