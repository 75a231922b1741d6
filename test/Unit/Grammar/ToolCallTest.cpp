//===- ToolCallTest.cpp - Tests of text around documents ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Documents.h"

using namespace sherry::grammar;

namespace {

/// A call as models of the Hermes family write it.
Sequence makeCall(const std::string &name, const std::string &schema) {
  return {Part::literal("<tool_call>\n{\"name\": \"" + name +
                        "\", \"arguments\": "),
          Part::document(schema), Part::literal("}\n</tool_call>")};
}

Format makeFormat() {
  Format format;
  format.alternatives = {
      makeCall("add", R"({"properties": {"a": {"type": "integer"}},
                          "required": ["a"]})"),
      makeCall("address", R"({"type": "object", "properties": {}})")};
  format.max = 3;
  format.separator = "\n";
  return format;
}

} // namespace

TEST(ToolCall, SeveralOfSeveral) {
  const Grammar grammar(makeFormat());
  const std::string add = "<tool_call>\n{\"name\": \"add\", \"arguments\": "
                          "{\"a\": 1}}\n</tool_call>";
  const std::string address =
      "<tool_call>\n{\"name\": \"address\", \"arguments\": {}}\n</tool_call>";
  EXPECT_TRUE(allows(grammar, add));
  EXPECT_TRUE(allows(grammar, address));
  EXPECT_TRUE(allows(grammar, add + "\n" + address + "\n" + add));
  EXPECT_FALSE(allows(grammar, ""));
  EXPECT_FALSE(allows(grammar, add + address));
  EXPECT_FALSE(allows(grammar, add + "\n"));
  EXPECT_FALSE(allows(grammar, add + "\n" + add + "\n" + add + "\n" + add));
  EXPECT_FALSE(allows(grammar, "<tool_call>\n{\"name\": \"address\", "
                               "\"arguments\": {\"a\": 1}}\n</tool_call>"));
  EXPECT_FALSE(allows(grammar, "<tool_call>\n{\"name\": \"other\""));

  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.advance(add + "\n" + add));
  EXPECT_TRUE(matcher.isComplete());
  EXPECT_FALSE(matcher.mustEnd());
  ASSERT_TRUE(matcher.advance("\n" + address));
  EXPECT_TRUE(matcher.mustEnd());
}

// As LLaMA 3 writes one.
TEST(ToolCall, OneWithoutText) {
  Format format;
  format.alternatives = {{Part::literal(R"({"name": "f", "parameters": )"),
                          Part::document(R"({"type": "object"})"),
                          Part::literal("}")}};
  const Grammar grammar(format);
  EXPECT_TRUE(allows(grammar, R"({"name": "f", "parameters": {"x": []}})"));
  EXPECT_FALSE(allows(grammar, R"({"name": "f", "parameters": []})"));
}

TEST(ToolCall, ReferencesStayWithinTheirSchema) {
  Format format;
  format.alternatives = {
      {Part::document(R"({"$ref": "#/$defs/x", "$defs": {"x": {"const": 1}}})"),
       Part::literal(";"),
       Part::document(
           R"({"$ref": "#/$defs/x", "$defs": {"x": {"const": 2}}})")}};
  format.max = UINT32_MAX;
  const Grammar grammar(format);
  EXPECT_TRUE(allows(grammar, "1;2"));
  EXPECT_TRUE(allows(grammar, "1;21;21;2"));
  EXPECT_FALSE(allows(grammar, "1;1"));
}

TEST(ToolCall, ErrorsNameTheAlternative) {
  Format format = makeFormat();
  format.alternatives.push_back(
      makeCall("bad", R"({"items": {"pattern": "("}})"));
  try {
    const Grammar grammar(format);
    FAIL() << "is not refused";
  } catch (const SchemaError &error) {
    EXPECT_EQ(error.alternative(), 2u);
    EXPECT_EQ(error.keyword(), "pattern");
    EXPECT_EQ(error.pointer(), "/items");
  }
  format.alternatives[2] = makeCall("bad", R"({"anyOf": [{"$ref": "#"}]})");
  try {
    const Grammar grammar(format);
    FAIL() << "is not refused";
  } catch (const SchemaError &error) {
    EXPECT_EQ(error.alternative(), 2u);
  }
}

TEST(ToolCall, FormatsThatAllowNothing) {
  Format format;
  EXPECT_THROW(Grammar{format}, std::invalid_argument);
  format.alternatives = {{}};
  EXPECT_THROW(Grammar{format}, std::invalid_argument);
  format.alternatives = {{Part::literal("")}};
  EXPECT_THROW(Grammar{format}, std::invalid_argument);
  format.alternatives = {{Part::literal("a")}};
  EXPECT_NO_THROW(Grammar{format});
  format.min = 0;
  EXPECT_THROW(Grammar{format}, std::invalid_argument);
  format.min = 2;
  EXPECT_THROW(Grammar{format}, std::invalid_argument);
}

TEST(ToolCall, ManyTools) {
  Format format;
  for (unsigned i = 0; i < 129; ++i)
    format.alternatives.push_back(makeCall(
        "tool" + std::to_string(i), R"({"type": "object", "properties": {}})"));
  EXPECT_THROW(Grammar{format}, SchemaError);
  format.alternatives.pop_back();
  const Grammar grammar(format);
  EXPECT_TRUE(allows(grammar, "<tool_call>\n{\"name\": \"tool127\", "
                              "\"arguments\": {}}\n</tool_call>"));
}
