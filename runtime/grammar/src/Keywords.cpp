//===- Keywords.cpp - The values of keywords ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Keywords.h"

#include <algorithm>
#include <cmath>

using namespace sherry::grammar;

namespace {

/// A keyword and the types of values that it restricts.
struct Keyword {
  std::string_view name;
  unsigned types;
};

constexpr unsigned kNumber = kInteger | kFraction;
constexpr Keyword kKeywords[] = {
    {"$ref", kAllTypes},           {"additionalProperties", kObject},
    {"allOf", kAllTypes},          {"anyOf", kAllTypes},
    {"const", kAllTypes},          {"enum", kAllTypes},
    {"exclusiveMaximum", kNumber}, {"exclusiveMinimum", kNumber},
    {"format", kString},           {"items", kArray},
    {"maxItems", kArray},          {"maxLength", kString},
    {"maximum", kNumber},          {"minItems", kArray},
    {"minLength", kString},        {"minimum", kNumber},
    {"oneOf", kAllTypes},          {"pattern", kString},
    {"prefixItems", kArray},       {"properties", kObject},
    {"required", kObject},         {"type", kAllTypes},
    {"uniqueItems", kArray},
};

/// Keywords that do not restrict values.
constexpr std::string_view kAnnotations[] = {
    "$comment",    "$defs",      "$id",         "$schema", "default",
    "definitions", "deprecated", "description", "example", "examples",
    "readOnly",    "title",      "writeOnly"};

const Keyword *findKeyword(std::string_view name) {
  const auto *found = std::find_if(
      std::begin(kKeywords), std::end(kKeywords),
      [&](const Keyword &keyword) { return keyword.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

bool isAnnotation(std::string_view name) {
  return name.substr(0, 2) == "x-" ||
         std::find(std::begin(kAnnotations), std::end(kAnnotations), name) !=
             std::end(kAnnotations);
}

std::optional<uint32_t> countOf(const Json &schema, const char *keyword) {
  const Json *value = find(schema, keyword);
  if (!value)
    return std::nullopt;
  if (!value->is_number_unsigned())
    throw KeywordRefusal(keyword, "must be a whole number from 0 on");
  return static_cast<uint32_t>(
      std::min<uint64_t>(value->get<uint64_t>(), kNoLimit));
}

/// A limit of numbers. For whole numbers it is the nearest whole number within
/// the limit, and inclusive.
std::optional<int64_t> limitOf(const Json &schema, const char *keyword,
                               bool whole, bool isMin, bool excludes) {
  constexpr int64_t most = int64_t{1} << 53;
  const Json *value = find(schema, keyword);
  if (!value)
    return std::nullopt;
  if (!value->is_number())
    throw KeywordRefusal(keyword, "must be a number");
  const double number = value->get<double>();
  // Beyond these limits a double may differ from the written number.
  const bool isTooLarge = value->is_number_unsigned()
                              ? value->get<uint64_t>() > uint64_t{most}
                          : value->is_number_integer()
                              ? value->get<int64_t>() < -most
                              : std::fabs(number) > static_cast<double>(most);
  if (isTooLarge)
    throw KeywordRefusal(keyword, "is supported from -2^53 to 2^53");
  const double rounded = isMin ? std::ceil(number) : std::floor(number);
  if (rounded != number && !whole)
    throw KeywordRefusal(keyword, "is supported with a whole number only, "
                                  "unless the type is integer");
  const auto result = static_cast<int64_t>(rounded);
  if (!whole || !excludes || rounded != number)
    return result;
  return isMin ? result + 1 : result - 1;
}

void narrow(std::optional<int64_t> &limit, bool &excludes, bool isMin,
            std::optional<int64_t> other, bool otherExcludes) {
  if (!other)
    return;
  if (limit && *limit == *other) {
    excludes |= otherExcludes;
  } else if (!limit || (isMin ? *other > *limit : *other < *limit)) {
    limit = other;
    excludes = otherExcludes;
  }
}

} // namespace

void sherry::grammar::checkKeywords(const Json &schema, bool isRoot) {
  for (const auto &[name, value] : schema.items()) {
    if (name == "$id" && !isRoot)
      throw KeywordRefusal(name, "is supported at the root only");
    if (!findKeyword(name) && !isAnnotation(name))
      throw KeywordRefusal(shorten(name), "is not supported");
  }
  const Json *unique = find(schema, "uniqueItems");
  if (unique && *unique != false)
    throw KeywordRefusal("uniqueItems", "is supported as false only");
}

void sherry::grammar::checkAlone(const Json &schema, std::string_view keyword,
                                 std::string_view allowed) {
  for (const auto &[name, value] : schema.items())
    if (name != keyword && name != allowed && findKeyword(name))
      throw KeywordRefusal(name, "is not supported beside '" +
                                     std::string(keyword) + "'");
}

unsigned sherry::grammar::typesOf(const Json &schema) {
  if (const std::optional<unsigned> types = namedTypes(schema))
    return *types;
  unsigned types = 0;
  for (const auto &[name, value] : schema.items())
    if (const Keyword *keyword = findKeyword(name))
      types |= keyword->types;
  return types ? types : kAllTypes;
}

Lengths sherry::grammar::lengthsOf(const Json &schema, const char *min,
                                   const char *max) {
  Lengths lengths;
  lengths.min = countOf(schema, min).value_or(0);
  lengths.max = countOf(schema, max).value_or(kNoLimit);
  if (lengths.min == kNoLimit)
    throw KeywordRefusal(min, "is too large");
  if (lengths.min > lengths.max)
    throw KeywordRefusal(min, "is above '" + std::string(max) + "'");
  return lengths;
}

NumberShape sherry::grammar::numberShapeOf(const Json &schema, unsigned type) {
  NumberShape shape;
  shape.whole = type == kInteger;
  const auto take = [&](const char *keyword, bool isMin, bool excludes) {
    narrow(isMin ? shape.min : shape.max,
           isMin ? shape.excludesMin : shape.excludesMax, isMin,
           limitOf(schema, keyword, shape.whole, isMin, excludes),
           excludes && !shape.whole);
  };
  take("minimum", true, false);
  take("exclusiveMinimum", true, true);
  take("maximum", false, false);
  take("exclusiveMaximum", false, true);
  const Json *format = find(schema, "format");
  if (!format || (typesOf(schema) & kString))
    return shape; // a format of strings
  if (shape.whole && *format == "int32") {
    bool excludes = false;
    narrow(shape.min, excludes, true, INT32_MIN, false);
    narrow(shape.max, excludes, false, INT32_MAX, false);
  } else if (*format != (shape.whole ? "int64" : "double") &&
             (shape.whole || *format != "float")) {
    throw KeywordRefusal("format", "is not supported for numbers as given");
  }
  return shape;
}

std::vector<std::string> sherry::grammar::requiredNames(const Json &schema) {
  std::vector<std::string> names;
  const Json *required = find(schema, "required");
  if (!required)
    return names;
  if (!required->is_array())
    throw KeywordRefusal("required", "must be an array of names");
  for (const Json &name : *required) {
    if (!name.is_string())
      throw KeywordRefusal("required", "must be an array of names");
    names.push_back(name.get<std::string>());
  }
  return names;
}
