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

Vector Checkpoint::read(const std::string &name, const json &shape) const {
  auto found = tensors.find(name);
  if (found == tensors.end())
    fail("there is no tensor " + name);
  const Tensor &tensor = found->second;
  if (tensor.header.at("shape") != shape)
    fail(name + ": has the shape " + tensor.header.at("shape").dump() +
         " instead of " + shape.dump());
  std::string type = tensor.header.at("dtype");
  if (type != "F32" && type != "F16" && type != "BF16")
    fail(name + ": cannot read dtype " + type);
  uint64_t count = 1, width = type == "F32" ? 4 : 2;
  for (uint64_t size : shape)
    count *= size;
  uint64_t begin = tensor.header.at("data_offsets").at(0);
  uint64_t end = tensor.header.at("data_offsets").at(1);
  if (end < begin || end - begin != count * width)
    fail(name + ": data_offsets do not fit the shape");
  std::vector<char> bytes(count * width);
  std::ifstream file(tensor.path, std::ios::binary);
  if (!file.seekg(tensor.dataStart + begin) ||
      !file.read(bytes.data(), bytes.size()))
    fail(tensor.path + ": ends within tensor " + name);

  Vector values(count);
  if (type == "F32") {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (uint64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, &bytes[2 * i], sizeof(bits));
    values[i] = type == "F16" ? decodeF16(bits) : decodeBf16(bits);
  }
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
