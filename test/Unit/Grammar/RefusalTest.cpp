//===- RefusalTest.cpp - Tests of schemas that are refused ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/grammar/Grammar.h"

#include <gtest/gtest.h>

#include <ctime>

using namespace sherry::grammar;

namespace {

struct Refused {
  std::string keyword, pointer, message;
};

/// How a schema is refused; within a second of the processor, ten times as long
/// as it may take.
Refused refuse(const std::string &schema) {
  const std::clock_t begin = std::clock();
  Refused result = {"", "", "is not refused"};
  try {
    Grammar grammar(schema);
  } catch (const SchemaError &error) {
    result = {error.keyword(), error.pointer(), error.what()};
  }
  EXPECT_LT(std::clock() - begin, CLOCKS_PER_SEC) << schema.substr(0, 200);
  return result;
}

void expectRefused(const std::string &schema, const char *keyword,
                   const char *pointer, const char *part) {
  const Refused refused = refuse(schema);
  EXPECT_EQ(refused.keyword, keyword) << schema.substr(0, 200);
  EXPECT_EQ(refused.pointer, pointer) << schema.substr(0, 200);
  EXPECT_NE(refused.message.find(part), std::string::npos)
      << refused.message << "\n"
      << schema.substr(0, 200);
}

std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

} // namespace

TEST(Refusal, NamesKeywordAndPlace) {
  expectRefused(R"({"properties": {"a/b~": {"items": {"not": {}}}}})", "not",
                "/properties/a~1b~0/items", "is not supported");
  expectRefused(R"({"type": "object", "patternProperties": {}})",
                "patternProperties", "", "is not supported");
  expectRefused(R"({"anyOf": [{}, {"$ref": "#/$defs/x"}],
                    "$defs": {"x": {"multipleOf": 2}}})",
                "multipleOf", "/$defs/x", "is not supported");
  EXPECT_EQ(refuse(R"({"items": {"if": true}})").message,
            "JSON schema at '#/items': 'if': is not supported");
  for (const char *keyword :
       {"not", "if", "dependentRequired", "contains", "propertyNames",
        "minProperties", "$anchor", "$dynamicRef", "nullable", "multipleOf",
        "unevaluatedProperties", "strange"})
    expectRefused("{\"" + std::string(keyword) + "\": 1}", keyword, "",
                  "is not supported");
}

TEST(Refusal, Values) {
  expectRefused("", "", "", "is not JSON");
  expectRefused("{", "", "", "is not JSON");
  expectRefused("[]", "", "", "must be an object");
  expectRefused("1", "", "", "must be an object");
  expectRefused("false", "", "", "allows nothing");
  expectRefused(R"({"maximum": 1e999})", "", "", "too large");
  expectRefused(R"({"a": 1, "a": 2})", "", "", "same name twice");
  expectRefused("{\"title\": \"\xff\"}", "", "", "is not JSON");
  expectRefused(R"({"type": "strin"})", "type", "", "no type");
  expectRefused(R"({"type": []})", "type", "", "no type");
  expectRefused(R"({"type": 1})", "type", "", "no type");
  expectRefused(R"({"properties": []})", "properties", "", "must be an object");
  expectRefused(R"({"properties": {"a": 1}})", "", "/properties/a", "must be");
  expectRefused(R"({"required": "a"})", "required", "", "array of names");
  expectRefused(R"({"required": [1]})", "required", "", "array of names");
  expectRefused(R"({"required": ["b"], "additionalProperties": false})",
                "required", "", "'b', which is not a property");
  expectRefused(R"({"additionalProperties": 1})", "", "/additionalProperties",
                "must be");
  expectRefused(R"({"enum": []})", "enum", "", "with values");
  expectRefused(R"({"enum": ["a"], "type": "integer"})", "enum", "",
                "no value of the type");
  expectRefused(R"({"enum": [1], "minimum": 0})", "minimum", "",
                "beside 'enum'");
  expectRefused(R"({"const": 1, "enum": [1]})", "enum", "", "beside 'const'");
  expectRefused(R"({"anyOf": []})", "anyOf", "", "array of schemas");
  expectRefused(R"({"anyOf": [{}], "type": "object"})", "type", "",
                "beside 'anyOf'");
  expectRefused(R"({"allOf": [{}, {}]})", "allOf", "", "one schema only");
  expectRefused(R"({"items": [{}]})", "items", "", "prefixItems");
  expectRefused(R"({"prefixItems": {}})", "prefixItems", "",
                "array of schemas");
  expectRefused(R"({"uniqueItems": true})", "uniqueItems", "", "false only");
  expectRefused(R"({"minLength": -1})", "minLength", "", "whole number");
  expectRefused(R"({"maxLength": 1.5})", "maxLength", "", "whole number");
  expectRefused(R"({"maxItems": "1"})", "maxItems", "", "whole number");
  expectRefused(R"({"minLength": 4294967295})", "minLength", "", "too large");
  expectRefused(R"({"minLength": 2, "maxLength": 1})", "minLength", "",
                "above 'maxLength'");
  expectRefused(R"({"prefixItems": [{}], "items": false, "minItems": 2})",
                "minItems", "", "more than there are items");
  expectRefused(R"({"minimum": 2, "maximum": 1})", "type", "", "no number");
  expectRefused(R"({"minimum": "1"})", "minimum", "", "must be a number");
  expectRefused(R"({"minimum": 1, "exclusiveMinimum": true})",
                "exclusiveMinimum", "", "must be a number");
  expectRefused(R"({"minimum": 0.5})", "minimum", "", "whole number only");
  expectRefused(R"({"maximum": 1e16})", "maximum", "", "2^53");
  expectRefused(R"({"exclusiveMaximum": 2000000000})", "type", "",
                "supported up to");
  expectRefused(
      R"({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2})",
      "type", "", "no number");
  expectRefused(R"({"exclusiveMinimum": 1, "maximum": 1})", "type", "",
                "allows nothing");
  expectRefused(R"({"format": "hostname"})", "format", "",
                "'hostname' is not supported");
  expectRefused(R"({"type": "number", "format": "int32"})", "format", "",
                "not supported");
  expectRefused(R"({"format": "date", "pattern": "a"})", "format", "",
                "beside 'pattern'");
  expectRefused(R"({"format": "date", "maxLength": 3})", "format", "",
                "allows nothing");
  expectRefused(R"({"items": {"$id": "x"}})", "$id", "/items", "root only");
}

TEST(Refusal, References) {
  for (const char *reference : {"\"#/a\"", "\"#/$defs/y\"", "\"#/$defs/x/0\""})
    expectRefused("{\"$ref\": " + std::string(reference) +
                      R"(, "$defs": {"x": {}}})",
                  "$ref", "", "leads nowhere");
  for (const char *reference :
       {"\"\"", "\"http://a/b\"", "\"#a\"", "\"x#/a\"", "\"#/%24defs\"", "1"})
    expectRefused("{\"$ref\": " + std::string(reference) + "}", "$ref", "", "");
  expectRefused(
      R"({"$ref": "#/$defs/x", "type": "object", "$defs": {"x": {}}})", "type",
      "", "beside '$ref'");
  expectRefused(R"({"$ref": "#"})", "$ref", "", "leads to itself");
  expectRefused(R"({"$ref": "#/$defs/a", "$defs": {
                    "a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})",
                "$ref", "/$defs/b", "leads to itself");
  expectRefused(R"({"anyOf": [{"type": "null"}, {"$ref": "#"}]})", "$ref",
                "/anyOf/1", "leads to itself");
  // Each value needs another one within it.
  expectRefused(R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})",
                "", "", "within each other");
}

// Where such a value is not required, it is left out.
TEST(Refusal, EndlessValuesAreLeftOut) {
  EXPECT_NO_THROW(Grammar(
      R"({"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a":
          {"properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}}})"));
}

TEST(Refusal, OneOfMustBeDisjoint) {
  expectRefused(R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})",
                "oneOf", "", "schemas 0 and 1 may both be met");
  expectRefused(R"({"oneOf": [{"const": {"a": 1, "b": 2}},
                              {"const": {"b": 2, "a": 1}}]})",
                "oneOf", "", "may both be met");
  expectRefused(
      R"({"oneOf": [{"properties": {"k": {"const": 1}}, "required": ["k"]},
                              {"properties": {"k": {"const": 2}}, "required": ["k"]}]})",
      "oneOf", "", "may both be met");
  expectRefused(R"({"oneOf": [{"enum": [1, 2]}, {"enum": [3, 2.0]}]})", "oneOf",
                "", "may both be met");
  EXPECT_NO_THROW(Grammar(R"({"oneOf": [{"enum": [1, 2]}, {"enum": [3, "2"]},
      {"$ref": "#/$defs/o"}], "$defs": {"o": {"type": "object"}}})"));
}

TEST(Refusal, Patterns) {
  const auto expectPattern = [](const char *pattern, const char *part) {
    expectRefused(R"({"pattern": ")" + std::string(pattern) + "\"}", "pattern",
                  "", part);
  };
  for (const char *pattern : {"*", "a|*", "(+)", "?", "a**", "^+", "{2}"})
    expectPattern(pattern, "at character");
  expectPattern("*", "nothing to repeat");
  expectPattern("a(", "not closed");
  expectPattern("a)", "closes nothing");
  expectPattern("[a", "not closed");
  expectPattern("[z-a]", "out of order");
  expectPattern("[\\\\d-z]", "out of order");
  expectPattern("(?=a)", "not supported");
  expectPattern("(?<n>a)", "not supported");
  expectPattern("(a)\\\\1", "not supported");
  expectPattern("\\\\bx", "not supported");
  expectPattern("\\\\p{L}", "not supported");
  expectPattern("\\\\", "nothing follows");
  expectPattern("\\\\u12", "hexadecimal");
  expectPattern("\\\\ud800", "surrogate");
  expectPattern("a^", "at its ends only");
  expectPattern("(^a)", "at its ends only");
  expectPattern("a{2,1}", "out of order");
  expectPattern("a{2", "not closed");
  expectPattern("a{}", "count");
  expectPattern("a{99999999999}", "above 10000");
  expectPattern("^[]$", "allows nothing");
}

TEST(Refusal, Deep) {
  expectRefused(repeat(R"({"items": )", 30000 / 10) + "{}" + repeat("}", 3000),
                "", "", "nested more than 64");
  expectRefused(repeat("[", 65000), "", "", "nested more than 64");
  expectRefused(repeat(R"({"anyOf": [)", 5000) + repeat("]}", 5000), "", "",
                "nested more than 64");
  expectRefused(R"({"pattern": ")" + repeat("(", 60000) + "\"}", "pattern", "",
                "groups within each other");
  expectRefused(R"({"pattern": ")" + repeat("(", 30000) + "a" +
                    repeat(")", 30000) + "\"}",
                "pattern", "", "groups within each other");
  // As deep as schemas may be.
  EXPECT_NO_THROW(Grammar(repeat(R"({"items":)", 60) + "{}" + repeat("}", 60)));
}

TEST(Refusal, Wide) {
  expectRefused("{\"title\": \"" + repeat("a", 70000) + "\"}", "", "",
                "at most 65536");
  std::string members, branches, optional, values;
  for (unsigned i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(i);
    const char *comma = i ? "," : "";
    members += comma + ("\"" + number + "\":{}");
    branches += comma + ("{\"const\":" + number + "}");
    if (i < 200)
      optional += comma + ("\"" + number + "\":{}");
    if (i < 1000)
      values += comma + ("\"" + number + repeat("x", i % 10) + "\"");
  }
  expectRefused("{\"properties\":{" + members + "}}", "", "",
                "more than 1000 members");
  expectRefused("{\"anyOf\":[" + branches + "]}", "anyOf", "",
                "more than 128 schemas");
  expectRefused("{\"properties\":{" + optional + "}}", "properties", "",
                "not required");
  EXPECT_NO_THROW(Grammar("{\"enum\":[" + values + "]}"));
}

// Chains and trees of references, each of which leads to two.
TEST(Refusal, ReferencesWithoutEnd) {
  std::string chain = R"({"$ref": "#/$defs/0", "$defs": {)";
  std::string tree = chain, nested = chain;
  for (unsigned i = 0; i < 900; ++i) {
    const std::string number = std::to_string(i);
    const std::string next =
        R"({"$ref": "#/$defs/)" + std::to_string(i + 1) + "\"}";
    chain += "\"" + number + "\":" + next + ",";
    tree += "\"" + number + R"(":{"anyOf":[)" + next + "," + next + "]},";
    if (i < 500)
      nested += "\"" + number + R"(":{"items":)" + next + R"(,"minItems":1},)";
  }
  const std::string end = R"("900": {"type": "null"}, "500": {}}})";
  EXPECT_EQ(refuse(chain + R"("900": {"type": "null"}}})").message,
            "is not refused");
  EXPECT_EQ(refuse(tree + R"("900": {"type": "null"}}})").message,
            "is not refused");
  expectRefused(nested + R"("500": {"type": "null"}}})", "", "",
                "64 values within each other");
}

TEST(Refusal, PatternsThatExplode) {
  for (const char *pattern :
       {"^((a{100}){100}){100}$", "^(((){1000}){1000}){1000}$",
        "^(a|b)*a(a|b){20}$", "^[^]{5000}$", "^(a?){3000}a{3000}$",
        "^((a*)*)*(b|c*|d+){500}$"})
    expectRefused(R"({"pattern": ")" + std::string(pattern) + "\"}", "pattern",
                  "", "make it simpler");
  expectRefused(R"({"pattern": "^.*$", "maxLength": 10000})", "pattern", "",
                "make it simpler");
  expectRefused(R"({"pattern": "^()" + std::string(400, '|') + "){10000}$\"}",
                "pattern", "", "make it simpler");
  // Many of them together.
  std::string properties;
  for (unsigned i = 0; i < 900; ++i)
    properties += (i ? ",\"" : "\"") + std::to_string(i) +
                  R"(":{"pattern":"a[^]{9}b[^]{9}"})";
  EXPECT_NE(refuse("{\"required\":[\"0\"],\"properties\":{" + properties + "}}")
                .message,
            "is not refused");
}

// Long ways of references, looked at for each pair of schemas.
TEST(Refusal, ReferencesThatTakeLong) {
  std::string members;
  for (unsigned i = 0; i < 900; ++i)
    members += ",\"m" + std::to_string(i) + "\":{}";
  std::string definitions;
  for (unsigned i = 0; i < 7; ++i)
    definitions += (i ? ",\"d" : "\"d") + std::to_string(i) +
                   "\":{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"}";
  definitions += ",\"d7\":{\"type\":\"string\"}" + members;
  std::string properties, names;
  for (unsigned i = 0; i < 60; ++i) {
    const std::string name = "\"p" + std::to_string(i) + "\"";
    properties += (i ? "," : "") + name + ":{\"$ref\":\"#/$defs/d0\"}";
    names += (i ? "," : "") + name;
  }
  const std::string object = "{\"type\":\"object\",\"properties\":{" +
                             properties + "},\"required\":[" + names + "]}";
  std::string branches = object;
  for (unsigned i = 0; i < 12; ++i)
    branches += "," + object;
  EXPECT_NE(
      refuse("{\"$defs\":{" + definitions + "},\"oneOf\":[" + branches + "]}")
          .message,
      "is not refused");
}

// What tools of other programs say about their arguments.
// firecrawl 4512; llama.cpp 27619: a length of 10000 is too much.
TEST(Refusal, OrdinaryToolsAreNotRefused) {
  for (const char *schema : {
           R"({"type": "object", "properties": {
               "url": {"type": "string", "description": "The URL to scrape"},
               "formats": {"type": "array", "items": {"type": "string",
                 "enum": ["markdown", "html", "links"]}, "default": ["markdown"]},
               "prompt": {"type": "string", "maxLength": 10000},
               "timeout": {"type": "number", "minimum": 0},
               "location": {"type": "object", "properties": {
                 "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
                 "languages": {"type": "array", "items": {"type": "string"}}},
                 "additionalProperties": false}},
               "required": ["url"], "additionalProperties": false,
               "$schema": "http://json-schema.org/draft-07/schema#"})",
           R"({"properties": {"location": {"description": "City", "title":
               "Location", "type": "string"}, "unit": {"anyOf": [{"enum": ["c",
               "f"], "type": "string"}, {"type": "null"}], "default": null}},
               "required": ["location"], "title": "Weather", "type": "object"})",
           R"({"type": "object", "properties": {}})",
           R"({"type": "object", "required": ["steps", "answer"], "properties":
               {"steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
                "answer": {"type": ["string", "null"]}}, "$defs": {"step":
               {"type": "object", "properties": {"text": {"type": "string"}},
                "required": ["text"], "additionalProperties": false}},
               "additionalProperties": false})"})
    EXPECT_NO_THROW(Grammar{std::string(schema)});
}
