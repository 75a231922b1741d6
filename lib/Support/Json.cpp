//===- Json.cpp - JSON from strangers -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Support/Json.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <set>
#include <vector>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

Error sherry::makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

std::string sherry::joinPath(StringRef directory, StringRef file) {
  SmallString<128> path(directory);
  sys::path::append(path, file);
  return std::string(path);
}

namespace {
/// Finds errors that the parser would accept (duplicate keys, deep nesting),
/// and the offset at which a text stops being JSON.
class Checker : public nlohmann::json_sax<json> {
public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override { return push(); }
  bool end_object() override { return pop(); }
  bool start_array(size_t) override { return push(); }
  bool end_array() override { return pop(); }

  bool key(string_t &name) override {
    if (keys.back().insert(name).second)
      return true;
    problem = "the key " + quote(name) + " occurs twice";
    return false;
  }

  bool parse_error(size_t position, const std::string &,
                   const json::exception &) override {
    errorPosition = position;
    return false;
  }

  std::string problem;
  size_t errorPosition = 0;

private:
  bool push() {
    constexpr size_t maxDepth = 64;
    keys.emplace_back();
    if (keys.size() <= maxDepth)
      return true;
    problem = "values are nested too deeply";
    return false;
  }

  bool pop() {
    keys.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys; ///< of the open objects and arrays
};
} // namespace

Expected<json> sherry::parseJsonObject(StringRef text, StringRef file,
                                       uint64_t offset) {
  Checker checker;
  if (!json::sax_parse(text.begin(), text.end(), &checker)) {
    std::string problem = checker.problem;
    if (problem.empty())
      problem = "byte " + std::to_string(offset + checker.errorPosition) +
                " is not valid JSON; the file is damaged";
    return makeError(file + ": " + problem);
  }
  json value = json::parse(text.begin(), text.end(), nullptr,
                           /*allow_exceptions=*/false);
  if (!value.is_object())
    return makeError(file + ": is not a JSON object");
  return value;
}

Expected<json> sherry::readJsonObject(StringRef path) {
  constexpr uint64_t maxBytes = 1 << 24;
  auto text = readFile(path, maxBytes);
  if (!text)
    return text.takeError();
  return parseJsonObject((*text)->getBuffer(), path);
}

const json *sherry::member(const json &object, StringRef name) {
  auto it = object.find(name); // end() if it is not an object
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string sherry::printJson(const json &value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return std::to_string(value.get<double>());
  // Replaces bytes that are not UTF-8 instead of throwing.
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  constexpr size_t maxLength = 60;
  return text.size() > maxLength ? text.substr(0, maxLength) + "..." : text;
}

//===----------------------------------------------------------------------===//
// FieldReader
//===----------------------------------------------------------------------===//

const json *FieldReader::find(StringRef name) const {
  return member(*object, name);
}

bool FieldReader::isNull(StringRef name) const {
  auto it = object->find(name);
  return it != object->end() && it->is_null();
}

std::string FieldReader::spell(StringRef name) const {
  std::string path = prefix + name.str();
  if (!names)
    return path;
  auto it = names->find(path);
  return it == names->end() ? path : it->second;
}

void FieldReader::refuse(StringRef name, const Twine &must) {
  if (failed())
    return;
  const json *field = find(name);
  *error = (file + ": " + (names ? "key" : "field") + " \"" + spell(name) +
            "\" is " + (field ? printJson(*field) : "missing") +
            "; it must be " + must)
               .str();
}

std::optional<FieldReader> FieldReader::getObject(StringRef name) {
  const json *field = find(name);
  if (!field)
    return {};
  if (!field->is_object()) {
    refuse(name, "an object");
    return {};
  }
  return FieldReader(file, *field, *error, prefix + name.str() + ".", names);
}

int64_t FieldReader::getInteger(StringRef name, int64_t min, int64_t max,
                                std::optional<int64_t> fallback) {
  const json *field = find(name);
  if (!field && fallback)
    return *fallback;
  // Integers beyond int64 are unsigned.
  if (field && field->is_number_integer() &&
      (!field->is_number_unsigned() ||
       field->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX))) {
    auto value = field->get<int64_t>();
    if (value >= min && value <= max)
      return value;
  }
  refuse(name, "an integer from " + Twine(min) + " to " + Twine(max));
  return min;
}

double FieldReader::getNumber(StringRef name, double min, double max,
                              std::optional<double> fallback) {
  const json *field = find(name);
  if (!field && fallback)
    return *fallback;
  if (field && field->is_number()) {
    auto value = field->get<double>();
    if (value >= min && value <= max)
      return value;
  }
  refuse(name, "a number from " + json(min).dump() + " to " + json(max).dump());
  return min;
}

bool FieldReader::getBool(StringRef name, bool fallback) {
  const json *field = find(name);
  if (!field)
    return fallback;
  if (!field->is_boolean()) {
    refuse(name, "true or false");
    return fallback;
  }
  return field->get<bool>();
}

std::string FieldReader::getString(StringRef name,
                                   std::optional<std::string> fallback) {
  const json *field = find(name);
  if (!field && fallback)
    return *fallback;
  if (field && field->is_string())
    return field->get<std::string>();
  refuse(name, "a string");
  return "";
}
