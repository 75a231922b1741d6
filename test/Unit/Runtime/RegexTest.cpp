//===- RegexTest.cpp - Tests of expressions and of what they cut ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Regex.h"
#include "Oniguruma.h"
#include "TestSupport.h"
#include "sherry/support/Error.h"

using namespace sherry::runtime;
using namespace sherry::test;

static std::string split(const char *pattern, std::string_view text,
                         SplitBehavior behavior = SplitBehavior::Isolated,
                         bool inverts = false) {
  std::string result;
  MatchBudget budget(text.size());
  Splitter(pattern, /*literal=*/false, behavior, inverts)
      .split(text, budget, [&](std::string_view piece) {
        result += (result.empty() ? "" : "|") + std::string(piece);
      });
  return result;
}

static std::string errorOf(const char *pattern) {
  try {
    translateOniguruma(pattern);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

// The expressions of known tokenizers stay as they are.
TEST(Oniguruma, LeavesCommonSyntax) {
  for (const char *same :
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)",
        R"(\p{L}++|[\p{Lu}\p{M}]*+|a??|(?<=x)y|(?<!x)y|(?>a)|(?<n>a)\k<n>)",
        R"([\x{4e00}-\x{9fa5}]+)", R"([[:digit:][:^cntrl:]_\b]{2,}?)",
        "\\x41\\A\\z", "\u4e00{2}"})
    EXPECT_EQ(translateOniguruma(same), same);
}

TEST(Oniguruma, TranslatesWhatMeansSomethingElse) {
  const std::pair<const char *, const char *> cases[] = {
      {R"(\p{N}{1,3}+)", R"((?:\p{N}{1,3})+)"},
      {"(a|b){2}?x", "(?:(a|b){2})?x"},
      {"[a-c]{,3}", "[a-c]{0,3}"},
      {"a{x}", "a\\{x}"},
      {"\\h+", "[0-9a-fA-F]+"},
      {"[\\hx]", "[0-9a-fA-Fx]"},
      {"\\H", "[^0-9a-fA-F]"},
      {"^a$", "(?m:^)a(?m:$)"},
      {"[a^$]", "[a^$]"},
      {"[\\w]", "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]"},
      {"[[:word:]]", "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]"},
      {"[a[:alpha:][:^punct:]]", "[a\\p{Alphabetic}\\P{P}]"},
      {R"( ?[^\s\p{L}]+|\s*[\r\n]+|\s+(?!\S))",
       R"( ?[^\p{White_Space}\p{L}]+|\p{White_Space}*[\r\n]+|)"
       R"(\p{White_Space}+(?!\P{White_Space}))"},
      {"[[:space:]][^[:^space:]\\S]",
       "[\\p{White_Space}][^\\P{White_Space}\\P{White_Space}]"},
      {"[[:blank:]]", "[\\t\\p{Zs}]"},
      {"[[:lower:][:^upper:]]", "[\\p{Lowercase}\\P{Uppercase}]"},
      {"\\p{Han}\\P{^greek}[^\\p{Latin}]",
       "\\p{sc:Han}\\P{^sc:greek}[^\\p{sc:Latin}]"},
      {"\\p{Lu}\\p{Alphabetic}", "\\p{Lu}\\p{Alphabetic}"},
      {"\\v", "[\\x{b}]"},
      {"\\u4e00", "\\x{4e00}"},
      {"(?m:.)", "(?s:.)"},
      {"(?i)a|b", "(?i)a|b"},
      {"[]a]", "[\\]a]"}};
  for (auto [pattern, expected] : cases)
    EXPECT_EQ(translateOniguruma(pattern), expected);
}

TEST(Oniguruma, NamesWhatHasNoCounterpart) {
  const std::pair<const char *, const char *> cases[] = {
      {"[a-z&&[^t]]", "an intersection of classes by &&"},
      {"[a[b]]", "a class in a class (a bracket is written \\[)"},
      {"[\\H]", "\\H in a class"},
      {"[\\W]", "\\W in a class"},
      {"[[:^alnum:]]", "[:^alnum:] in a class"},
      {"[[:^blank:]]", "[:^blank:] in a class"},
      {"\\p{L", "\\p without braces"},
      {"a\\Kb", "\\K"},
      {"(?=(a))\\C", "\\C"},
      {"a(?i)b", "options in its middle, (?i)"},
      {"(?x: a)", "a group (?x"},
      {"(?R)", "a group (?R"},
      {"(?P<n>a)", "a group (?P"},
      {"(*FAIL)", "(*"},
      {"\\pL", "\\p without braces"},
      {"a\\", "a backslash at the end"},
      {"[a", "a class without an end"}};
  for (auto [pattern, what] : cases) {
    EXPECT_CONTAINS(errorOf(pattern), "the expression \"");
    EXPECT_CONTAINS(errorOf(pattern),
                    "\" has " + std::string(what) + ", which is not supported");
  }
}

TEST(Splitter, MeansWhatOnigurumaDoes) {
  // A repetition of one to three numbers, again and again.
  EXPECT_EQ(split(R"(\p{N}{1,3}+)", "12345 12"), "12345| |12");
  EXPECT_EQ(split(R"(\p{N}{1,3})", "12345 12"), "123|45| |12");
  EXPECT_EQ(split(R"(\h+|\s+|.)", "abc 12zz"), "abc| |12|z|z");
  EXPECT_EQ(split("^a", "a\na ba"), "a|\n|a| ba");
  EXPECT_EQ(split("a$", "a\nba"), "a|\nb|a");
  EXPECT_EQ(split("\\w+", "ne\u0301e"), "ne\u0301e");
  EXPECT_EQ(split("\\w+", "x\u00b2\u2075y"), "x\u00b2|\u2075|y");
  EXPECT_EQ(split("[\\w]+", "x\u00b2"), "x|\u00b2");
  // Marks are parts of words.
  EXPECT_EQ(split("e\\b", "e\u0301e e"), "e\u0301|e| |e");
  EXPECT_EQ(split("e\\B", "e\u0301e"), "e|\u0301e");
  // What scripts share is of none of them.
  EXPECT_EQ(split("\\p{Han}+", "\u6f22\u3002\u5b57"), "\u6f22|\u3002|\u5b57");
  // Symbols are no punctuation.
  EXPECT_EQ(split("[[:punct:]]+", "a+!"), "a+|!");
  // Some letters that are of either case are neither Ll nor Lu.
  EXPECT_EQ(split("[[:lower:]]+", "a\u00aaA"), "a\u00aa|A");
  EXPECT_EQ(split("[[:upper:]]+", "A\u2160a"), "A\u2160|a");
  // U+180E is no space any more, U+0085 is one.
  const std::string spaces = " \t\u0085\u3000", former = "\u180e";
  EXPECT_EQ(split("\\s+", spaces + former), spaces + "|" + former);
  EXPECT_EQ(split("\\S+", spaces + former), spaces + "|" + former);
  EXPECT_EQ(split("[[:space:]]+", spaces + former), spaces + "|" + former);
  EXPECT_EQ(split("[[:blank:]]+", "\t\u3000" + former + "\n"),
            "\t\u3000|" + former + "\n");
  // Matches of nothing cut, too.
  EXPECT_EQ(split("(?=b)", "abab"), "a|ba|b");
  EXPECT_EQ(split("x*", "axb"), "a|x|b");
}

// Results of Hugging Face tokenizers (tests of SplitDelimiterBehavior).
TEST(Splitter, Behaviors) {
  const char *text = "the-final--countdown";
  EXPECT_EQ(split("-", text), "the|-|final|-|-|countdown");
  EXPECT_EQ(split("-", text, SplitBehavior::Removed), "the|final|countdown");
  EXPECT_EQ(split("-", text, SplitBehavior::MergedWithPrevious),
            "the-|final-|-|countdown");
  EXPECT_EQ(split("-", text, SplitBehavior::MergedWithNext),
            "the|-final|-|-countdown");
  EXPECT_EQ(split("-", text, SplitBehavior::Contiguous),
            "the|-|final|--|countdown");
  // What does not match is removed: as if each match were a piece.
  EXPECT_EQ(split("[a-z]+|-", text, SplitBehavior::Removed, true),
            split("[a-z]+|-", text));
  EXPECT_EQ(split("[a-z]+", text, SplitBehavior::Removed, true),
            "the|final|countdown");
}

TEST(Splitter, LiteralsMatchThemselves) {
  MatchBudget budget(5);
  std::vector<std::string> pieces;
  Splitter(".*", /*literal=*/true, SplitBehavior::Isolated, false)
      .split("a.*b", budget,
             [&](std::string_view piece) { pieces.emplace_back(piece); });
  EXPECT_EQ(pieces, (std::vector<std::string>{"a", ".*", "b"}));
}
