//===- SchemaTest.cpp - Tests of what schemas allow -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Documents.h"

using namespace sherry::grammar;

TEST(Schema, AnyObject) {
  const Grammar grammar = Grammar::anyObject();
  for (const char *text :
       {"{}", "{ }", R"({"a":1})", R"({"a": [1, {"b": null}, "x"], "a": true})",
        "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}", R"({"": {"": []}})"})
    EXPECT_TRUE(allows(grammar, text)) << text;
  for (const char *text :
       {"", "[]", "1", "{", R"({"a"})", R"({"a":1,})", R"({,"a":1})",
        R"({a:1})", R"({"a":1}})", R"({"a":1} )", R"({"a":tru})", R"({'a':1})",
        R"({"a":[1,]})", R"({"a":nul})"})
    EXPECT_FALSE(allows(grammar, text)) << text;
}

TEST(Schema, BlanksAreBounded) {
  const Grammar grammar = Grammar::anyObject();
  EXPECT_FALSE(allows(grammar, R"({"a":  1})"));
  EXPECT_FALSE(allows(grammar, R"({"a" :1})"));
  EXPECT_FALSE(allows(grammar, "{\"a\":\n1}"));
  EXPECT_FALSE(allows(grammar, "{\n\n}"));
  EXPECT_FALSE(allows(grammar, "{\"a\":1,  \"b\":1}"));
  EXPECT_FALSE(allows(grammar, "{\r\n}"));
  EXPECT_FALSE(allows(grammar, " {}"));
  EXPECT_TRUE(allows(grammar, "{\n\t\t\"a\": 1\n\t}"));
  EXPECT_TRUE(allows(grammar, "{\n" + std::string(64, ' ') + "}"));
  EXPECT_FALSE(allows(grammar, "{\n" + std::string(65, ' ') + "}"));
}

TEST(Schema, Properties) {
  expectDocuments(
      R"({"type": "object", "additionalProperties": false, "required": ["b"],
          "properties": {"a": {"type": "null"}, "b": {"type": "boolean"},
                         "c": {"type": "null"}, "d": {"type": "null"}}})",
      {R"({"b":true})", R"({"a":null,"b":false})", R"({"b":true,"d":null})",
       R"({"a":null,"b":true,"c":null,"d":null})"},
      {"{}", R"({"a":null})", R"({"b":null})", R"({"b":true,"a":null})",
       R"({"b":true,"b":true})", R"({"b":true,"e":1})", R"({"c":null})",
       R"({"\u0062":true})"});
}

// What is said of objects holds for values without a type, too; names that are
// not listed must be allowed by name.
TEST(Schema, PropertiesWithoutTheRest) {
  expectDocuments(R"({"properties": {"a": {"type": "null"}}})",
                  {"{}", R"({"a":null})"}, {"1", R"({"b":1})"});
  expectDocuments(R"({"type": "object", "properties": {}})", {"{}"},
                  {R"({"b":1})"});
  expectDocuments(R"({"required": ["x", "y", "x"]})",
                  {R"({"x":1,"y":[]})", R"({"x":1,"y":2,"z":3})"},
                  {"{}", R"({"x":1})", R"({"y":1,"x":1})"});
}

TEST(Schema, AdditionalProperties) {
  expectDocuments(
      R"({"properties": {"ab": {"type": "null"}, "abc": {"type": "null"},
                         "\u00fc\"": {"type": "null"}},
          "required": ["abc"], "additionalProperties": {"type": "integer"}})",
      {R"({"abc":null})", R"({"abc":null,"a":1})",
       R"({"ab":null,"abc":null,"abd":1,"":2,"abcd":3})",
       "{\"abc\":null,\"\u00fc\\\"\":null,\"\u00fc\":1,\"\u00fd\":2}",
       R"({"abc":null,"\n":1,"\u0007\\":2,"x":3,"x":4})"},
      {R"({"a":1})", R"({"abc":1})", R"({"abc":null,"ab":1})",
       R"({"abc":null,"abc":1})", R"({"abc":null,"a":null})",
       "{\"abc\":null,\"\u00fc\\\"\":1}",
       // Names have one spelling: others might be those of properties.
       R"({"abc":null,"\u0061b":1})", R"({"abc":null,"\/":1})"});
  expectDocuments(R"({"additionalProperties": true, "properties": {"a": {}}})",
                  {"{}", R"({"b":{}})", R"({"a":{},"b":[]})"},
                  {R"({"b":1,"a":1})"});
  expectDocuments(R"({"additionalProperties": false, "type": "object"})",
                  {"{}"}, {R"({"a":1})"});
  // Digits of escapes may be large letters: the name is the same.
  expectDocuments(
      R"({"properties": {"a\u001fb": {"type": "null"}, "\\u00ff": {}},
          "additionalProperties": {"type": "string"}})",
      {R"({"a\u001eb":"x"})", R"({"a\u001Eb":"x"})", R"({"\\u00fF":"x"})"},
      {R"({"a\u001Fb":"x"})", R"({"a\u001fb":"x"})"});
}

TEST(Schema, Types) {
  expectDocuments(R"({"type": ["null", "boolean", "integer"]})",
                  {"null", "true", "false", "-1"},
                  {"1.5", "{}", "\"a\"", "nul"});
  expectDocuments("true", {"null", "1e5", "[[]]", "{}", "\"\""}, {"", "x"});
  expectDocuments(R"({"title": "x", "default": 1})", {"null", "{}"}, {"x"});
}

TEST(Schema, Strings) {
  expectDocuments(
      R"({"type": "string"})",
      {"\"\"", "\"a/\x7f\"", R"("\"\\\/\b\f\n\r\t")", R"("\u0000\uD7ff\ue000")",
       R"("\ud83d\ude00\uDBFF\uDFFF")", "\"\u00fc\u20ac\U0001F600\""},
      {"\"", "a", "\"a\"\"", "\"\n\"", "\"\x1f\"", R"("\x41")", R"("\u12g4")",
       R"("\ud83d")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\ud83d")",
       R"("\ude00")", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
       "\"\xf4\x90\x80\x80\"", "\"\x80\"", "\"\xff\""});
  // Characters are counted, however they are written.
  expectDocuments(
      R"({"minLength": 2, "maxLength": 3})",
      {"\"ab\"", "\"\U0001F600\u00fc\"", R"("\ud83d\ude00\n\u0041")"},
      {"\"a\"", "\"abcd\"", R"("\ud83d\ude00")", "\"\U0001F600\""});
}

TEST(Schema, LengthsAreCountedNotUnrolled) {
  const Grammar small(R"({"type": "string", "maxLength": 10})");
  const Grammar large(R"({"type": "string", "maxLength": 10000})");
  EXPECT_EQ(small.size(), large.size());
  const Grammar array(R"({"type": "array", "maxItems": 1000000000})");
  EXPECT_LT(array.size(), 50'000u);
  EXPECT_TRUE(allows(large, '"' + std::string(10000, 'x') + '"'));
  EXPECT_FALSE(allows(large, '"' + std::string(10001, 'x') + '"'));
  EXPECT_FALSE(allows(large, '"' + std::string(10001, 'x')));
}

TEST(Schema, Arrays) {
  expectDocuments(R"({"items": {"type": "integer"}})",
                  {"[]", "[1]", "[1, 2,3]", "[\n  1,\n  2\n]"},
                  {"[1,]", "[,1]", "[\"a\"]", "[1 2]", "[1"});
  expectDocuments(
      R"({"items": {"type": "null"}, "minItems": 2, "maxItems": 3})",
      {"[null,null]", "[null,null,null]"},
      {"[]", "[null]", "[null,null,null,null]"});
  expectDocuments(R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"});
  expectDocuments(R"({"type": "array", "minItems": 1, "maxItems": 1})",
                  {"[1]", "[[[]]]"}, {"[]", "[1,2]"});
  expectDocuments(
      R"({"prefixItems": [{"type": "null"}, {"type": "boolean"}],
          "items": {"type": "integer"}, "minItems": 1, "maxItems": 4})",
      {"[null]", "[null,true]", "[null,true,1]", "[null,true,1,2]"},
      {"[]", "[true]", "[null,1]", "[null,true,true]", "[null,true,1,2,3]"});
  expectDocuments(R"({"prefixItems": [{"type": "null"}, {"type": "boolean"}],
                      "items": false, "maxItems": 1})",
                  {"[]", "[null]"}, {"[null,true]"});
  expectDocuments(R"({"prefixItems": [{"type": "null"}], "minItems": 3})",
                  {"[null,1,2]"}, {"[null,1]"});
}

TEST(Schema, ListedValues) {
  expectDocuments(
      R"({"enum": ["a", "ab", 1, 12, null, {"x": [1, "\u00fc\n"]}, 1.5]})",
      {"\"a\"", "\"ab\"", "1", "12", "null", "{\"x\":[1,\"\u00fc\\n\"]}",
       "1.5"},
      {"\"abc\"", "\"\"", "123", "nul", "{}", "1.", "1.50"});
  expectDocuments(R"({"const": "x", "type": "string"})", {"\"x\""}, {"\"y\""});
  expectDocuments(R"({"enum": [1, "1", 1.5, 2.0], "type": "integer"})",
                  {"1", "2.0"}, {"\"1\"", "1.5"});
}

TEST(Schema, Branches) {
  expectDocuments(R"({"anyOf": [{"type": "integer"}, {"const": "x"},
                                {"anyOf": [{"type": "null"}, {"const": 1.5}]}],
                      "title": "t"})",
                  {"12", "\"x\"", "null", "1.5"}, {"\"y\"", "1.6", "{}"});
  expectDocuments(
      R"({"oneOf": [
           {"type": "object", "properties": {"k": {"const": "a"}, "v": {"type": "integer"}},
            "required": ["k", "v"]},
           {"type": "object", "properties": {"k": {"const": "b"}, "v": {"type": "string"}},
            "required": ["k", "v"]}]})",
      {R"({"k":"a","v":1})", R"({"k":"b","v":"x"})"},
      {R"({"k":"a","v":"x"})", R"({"k":"b","v":1})", R"({"k":"c","v":1})"});
  expectDocuments(R"({"allOf": [{"type": "null"}]})", {"null"}, {"1"});
}

TEST(Schema, References) {
  expectDocuments(
      R"({"type": "object", "properties": {"a": {"$ref": "#/$defs/x~1y"},
                                           "b": {"$ref": "#/properties/a"},
                                           "c": {"$ref": "#"}},
          "$defs": {"x/y": {"type": "null"}, "unused": {"not": {}}}})",
      {R"({"a":null,"b":null})", R"({"c":{"c":{"a":null}}})"},
      {R"({"a":1})", R"({"b":1})", R"({"c":null})"});
  // A list that never ends by itself needs the second branch.
  expectDocuments(
      R"({"anyOf": [{"type": "array", "items": {"$ref": "#"}, "minItems": 1},
                    {"type": "null"}]})",
      {"null", "[null]", "[[null],[[null,null]]]"}, {"[]", "[[]]", "[1]"});
}

// No answer is led to where it cannot be completed.
TEST(Schema, DepthIsBounded) {
  const Grammar grammar = Grammar::anyObject();
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.advance("{\"a\":"));
  unsigned depth = 0;
  for (; matcher.advance("["); ++depth)
    ASSERT_LT(depth, 200u);
  EXPECT_GT(depth, 50u);
  EXPECT_TRUE(matcher.advance("]")) << depth;
  while (--depth > 0)
    EXPECT_TRUE(matcher.advance("]"));
  EXPECT_TRUE(matcher.advance("}"));
  EXPECT_TRUE(matcher.mustEnd());
}

TEST(Schema, Numbers) {
  expectDocuments(R"({"type": "number"})",
                  {"0", "-0", "10", "-1.50", "1e5", "1.5E-10", "0.0e+1",
                   "123456789012345678.123456789012345678e-99"},
                  {"", "-", "01", ".5", "1.", "+1", "1e", "1e100", "NaN",
                   "1234567890123456789", "0x1", "Infinity", "--1"});
  expectDocuments(R"({"type": "integer"})",
                  {"0", "9223372036854775807", "-9223372036854775808"},
                  {"-0", "1.0", "1e5", "01", "9223372036854775808",
                   "-9223372036854775809", "-"});
  expectDocuments(R"({"type": "integer", "format": "int32"})",
                  {"2147483647", "-2147483648"}, {"2147483648", "-2147483649"});
  expectDocuments(
      R"({"type": "integer", "minimum": -3.5, "exclusiveMaximum": 4})",
      {"-3", "0", "3"}, {"-4", "4", "10", "-10", "1.5"});
  expectDocuments(R"({"minimum": 0, "maximum": 1})",
                  {"0", "0.0", "0.123456", "1", "1.000000"},
                  {"-0.1", "1.1", "2", "1.01", "0.1e1", "00"});
  expectDocuments(R"({"exclusiveMinimum": -2, "exclusiveMaximum": 0})",
                  {"-1", "-1.999999", "-0.000001", "-1.5", "-0.5"},
                  {"-2", "-2.0", "0", "-0", "-0.0", "0.5", "-1.9999999"});
  expectDocuments(R"({"exclusiveMinimum": 5, "minimum": 2})",
                  {"5.1", "6", "1000000", "5.01"}, {"5", "5.0", "2", "4.9"});
}

// Every number of a range, and none beside it.
TEST(Schema, RangesOfIntegers) {
  for (const auto &[min, max] : {std::pair(-12, 105),
                                 {0, 9},
                                 {7, 7},
                                 {98, 1003},
                                 {-1001, -99},
                                 {-5, 0},
                                 {1, 200}}) {
    const Grammar grammar(R"({"type": "integer", "minimum": )" +
                          std::to_string(min) + R"(, "maximum": )" +
                          std::to_string(max) + "}");
    for (int number = -1200; number <= 1200; ++number)
      EXPECT_EQ(allows(grammar, std::to_string(number)),
                number >= min && number <= max)
          << number << " from " << min << " to " << max;
  }
}

TEST(Schema, LimitsThatDoublesRound) {
  for (const char *limit :
       {R"("minimum": 9007199254740993)", R"("maximum": -9007199254740993)"})
    EXPECT_THROW(Grammar("{\"type\": \"integer\", " + std::string(limit) + "}"),
                 SchemaError);
}

// A value has the same automaton, whatever is said about it.
TEST(Schema, AnnotationsChangeNothing) {
  const Grammar plain(
      R"({"type": "object", "properties": {"a": {"type": "string"}}})");
  const Grammar described(
      R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x",
          "title": "t", "description": "d", "$comment": "c", "examples": [1],
          "default": {}, "x-order": 1, "type": "object", "properties": {"a":
          {"description": "a }\" of \n", "deprecated": true,
           "type": "string"}}})");
  EXPECT_EQ(plain.size(), described.size());
  for (const char *text : {"{}", R"({"a":"x"})", R"({"a":1})", R"({"b":1})"})
    EXPECT_EQ(allows(plain, text), allows(described, text)) << text;
}

TEST(Schema, ManyOptionalProperties) {
  std::string schema = R"({"type": "object", "properties": {)";
  for (unsigned i = 0; i < 100; ++i)
    schema += (i ? ", \"" : "\"") + std::string("name") + std::to_string(i) +
              R"(": {"type": "integer"})";
  const Grammar grammar(schema + "}}");
  EXPECT_TRUE(allows(grammar, R"({"name3":1,"name77":2,"name99":3})"));
  EXPECT_FALSE(allows(grammar, R"({"name3":1,"name2":2})"));
  EXPECT_FALSE(allows(grammar, R"({"name100":1})"));
}
