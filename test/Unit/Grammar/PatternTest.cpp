//===- PatternTest.cpp - Tests of the patterns of strings -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Documents.h"

#include <nlohmann/json.hpp>

#include <regex>

using namespace sherry::grammar;

namespace {

std::string schemaOf(const std::string &pattern, const char *more = "") {
  return R"({"type": "string", "pattern": )" + nlohmann::json(pattern).dump() +
         more + "}";
}

void expectMatches(const std::string &pattern,
                   const std::vector<std::string> &matches,
                   const std::vector<std::string> &others) {
  const Grammar grammar(schemaOf(pattern));
  for (const std::string &text : matches)
    EXPECT_TRUE(allows(grammar, nlohmann::json(text).dump()))
        << pattern << ": " << text;
  for (const std::string &text : others)
    EXPECT_FALSE(allows(grammar, nlohmann::json(text).dump()))
        << pattern << ": " << text;
}

} // namespace

TEST(Pattern, Syntax) {
  expectMatches("^a(b|c)*d?$", {"a", "abcbd", "ad"}, {"", "add", "b", "xa"});
  expectMatches("b", {"b", "abc", "bb", "\n\"b\u00fc"}, {"", "a"});
  expectMatches("^b", {"b", "bc"}, {"", "ab"});
  expectMatches("b$", {"b", "ab"}, {"", "ba"});
  expectMatches("^a$|b", {"a", "xby"}, {"aa", ""});
  expectMatches("", {"", "x"}, {});
  expectMatches("^$", {""}, {"x"});
  expectMatches("^(?:ab){2,3}?$", {"abab", "ababab"}, {"ab", "abababab"});
  expectMatches("^a{3}b{0,1}c{2,}$", {"aaacc", "aaabccc"}, {"aacc", "aaac"});
  expectMatches("^[^a-c\\]\\-]+$", {"d", "\u00fc\n"}, {"a", "]", "-", ""});
  expectMatches("^[\\w.-]+@[a\\d]$", {"a_B.1-@7", "x@a"},
                {"@a", "x@b", "\u00fc@a"});
  expectMatches("^\\D\\S\\W$", {"ab-", "xy\u00fc"}, {"1b-", "a -", "abc"});
  expectMatches("^.$", {"a", "\"", "\\", "\u00fc", "\U0001F600"},
                {"\n", "\u2028", "ab"});
  expectMatches("^[\\s\\S]$", {"\n", "\u2028", "\x01"}, {""});
  expectMatches("^\\x41\\u00fc\\ud83d\\ude00\\/\\.$", {"A\u00fc\U0001F600/."},
                {"A"});
  expectMatches("^[\u00e0-\u00ff\U0001F600-\U0001F64F]{2}$",
                {"\u00e0\u00ff", "\U0001F600\U0001F64F"},
                {"\u00df\u00e0", "\U0001F650\U0001F600"});
  expectMatches("^(a*)*(b?)+$", {"", "aab"}, {"ba"});
}

// Escaped where it must be, and else written as it is.
TEST(Pattern, Spelling) {
  const Grammar grammar(schemaOf("^[\\s\\S]*$"));
  EXPECT_TRUE(allows(grammar, R"("\"\\\n\t\b\f\r\u0000\u001F\u001f/")"));
  EXPECT_FALSE(allows(grammar, R"("\/")"));
  EXPECT_FALSE(allows(grammar, R"("\u0041")"));
  EXPECT_FALSE(allows(grammar, R"("\u000a")"));
  EXPECT_FALSE(allows(grammar, "\"\n\""));
  EXPECT_FALSE(allows(grammar, "\"\xed\xa0\x80\""));
}

TEST(Pattern, Lengths) {
  const Grammar grammar(
      schemaOf("^(ab|\u00fc\")*$", R"(, "minLength": 3, "maxLength": 5)"));
  EXPECT_TRUE(allows(grammar, "\"abab\""));
  EXPECT_TRUE(allows(grammar, "\"ab\u00fc\\\"\""));
  EXPECT_FALSE(allows(grammar, "\"ab\""));
  EXPECT_FALSE(allows(grammar, "\"ababab\""));
  // The fifth could not be followed by the sixth.
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.advance("\"abab"));
  EXPECT_FALSE(matcher.accepts("a"));
  EXPECT_TRUE(matcher.accepts("\""));
}

// The same as the standard library says, for all short strings.
TEST(Pattern, EqualsStandardLibrary) {
  for (const char *pattern :
       {"^(a|ab)(c|bcd)*$", "a+b", "^(a|b)*a(a|b){2}$", "^((a|b)+c?){1,3}$",
        "c|^ab?$", "^[^b]*b[^b]*$", "(ab|ba)$", "^a?b?c?d?$"}) {
    const Grammar grammar(schemaOf(pattern));
    const std::regex expected(pattern);
    for (unsigned code = 0; code < 4 * 4 * 4 * 4 * 4; ++code) {
      std::string text;
      for (unsigned rest = code, i = 0; i < code % 6; ++i, rest /= 4)
        text += static_cast<char>('a' + rest % 4);
      EXPECT_EQ(allows(grammar, '"' + text + '"'),
                std::regex_search(text, expected))
          << pattern << ": " << text;
    }
  }
}

TEST(Pattern, Formats) {
  const auto expectFormat = [](const char *name,
                               const std::vector<std::string> &valid,
                               const std::vector<std::string> &invalid) {
    const Grammar grammar(R"({"type": "string", "format": ")" +
                          std::string(name) + "\"}");
    for (const std::string &text : valid)
      EXPECT_TRUE(allows(grammar, '"' + text + '"')) << name << ": " << text;
    for (const std::string &text : invalid)
      EXPECT_FALSE(allows(grammar, '"' + text + '"')) << name << ": " << text;
  };
  expectFormat("date", {"2024-02-29", "2000-02-29", "1999-12-31", "2026-11-30"},
               {"2023-02-29", "1900-02-29", "2026-11-31", "2026-13-01",
                "2026-00-10", "2026-1-1", "26-01-01", ""});
  expectFormat("time", {"00:00:00Z", "23:59:59.123+05:30"},
               {"24:00:00Z", "12:60:00Z", "12:00Z", "12:00:00"});
  expectFormat("date-time", {"2024-02-29T12:00:00Z"},
               {"2024-02-30T12:00:00Z", "2024-02-29 12:00:00Z", "2024-02-29"});
  expectFormat("uuid", {"123e4567-E89b-12d3-a456-426614174000"},
               {"123e4567e89b12d3a456426614174000", "g23e4567-e89b-12d3-a456-"
                                                    "426614174000"});
  expectFormat("email", {"a.b+c@example.org"},
               {"a@b", "@example.org", "a..b@example.org", "a b@c.de"});
  expectFormat("ipv4", {"0.10.255.199"}, {"256.0.0.0", "1.2.3", "01.2.3.4"});
}
