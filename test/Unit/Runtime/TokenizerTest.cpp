//===- TokenizerTest.cpp - Tests of text to tokens and back ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenizerFixture.h"
#include "sherry/support/Error.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>

using namespace sherry::runtime;
using namespace sherry::test;
using nlohmann::json;
using Tokens = std::vector<int32_t>;

namespace {
/// Seconds of the processor that a function takes.
template <typename Function> double timeOf(Function function) {
  const std::clock_t start = std::clock();
  function();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

} // namespace

TEST_F(TokenizerTest, MergesWithinPieces) {
  auto tokenizer = make();
  EXPECT_EQ(tokenizer.encode("the", false, false), Tokens{257});
  EXPECT_EQ(tokenizer.encode(" the", false, false), Tokens{258});
  // The expression cuts "a the" before the space, and "n't" before "'t".
  EXPECT_EQ(tokenizer.encode("a then't", false, false),
            (Tokens{'a', 258, 'n', '\'', 't'}));
  EXPECT_EQ(tokenizer.encode("", false, false), Tokens{});
}

TEST_F(TokenizerTest, AddedTokens) {
  addToken(300, "<a>", false);
  addToken(301, "<a><b>", false);
  addToken(302, "  ", false);
  auto tokenizer = make();
  // The longest wins; added tokens count in any case, special ones on demand.
  EXPECT_EQ(tokenizer.encode("<a><b><a>x", false, false),
            (Tokens{301, 300, 'x'}));
  EXPECT_EQ(tokenizer.encode("<|eos|>the", false, true), (Tokens{261, 257}));
  EXPECT_EQ(join(tokenizer, tokenizer.encode("<|eos|>", false, false)),
            "<|eos|>");
  EXPECT_EQ(tokenizer.encode("<|eos|>", false, false).size(), 7U);
  EXPECT_EQ(tokenizer.encode("a   b", false, false),
            (Tokens{'a', 302, ' ', 'b'}));
  EXPECT_TRUE(tokenizer.isSpecial(261));
  EXPECT_FALSE(tokenizer.isSpecial(300));
  EXPECT_FALSE(tokenizer.isSpecial(-1));
  EXPECT_EQ(tokenizer.bytes(301), "<a><b>");
  EXPECT_EQ(tokenizer.bytes(399), ""); // the vocabulary leaves it out
}

// The first bytes of all are the same, and those of the text.
TEST_F(TokenizerTest, ManyAddedTokensTakeLinearTime) {
  constexpr int count = 100000;
  const std::string common(30, '<');
  for (int id = 0; id < count; ++id)
    addToken(262 + id, (common + std::to_string(id) + ">").c_str(), false);
  const Tokenizer tokenizer(config.dump(), 262 + count, std::nullopt,
                            std::nullopt);
  const std::string text = std::string(200000, '<') + "123>";
  Tokens tokens;
  EXPECT_LT(timeOf([&] { tokens = tokenizer.encode(text, false, false); }), 20);
  EXPECT_EQ(tokens.back(), 262 + 123);
  EXPECT_EQ(join(tokenizer, tokens), text);
}

TEST_F(TokenizerTest, SpecialTokensHideNoAddedOnes) {
  addToken(300, "<a>", false);
  addToken(301, "<a>b", true);
  auto tokenizer = make();
  EXPECT_EQ(tokenizer.encode("<a>b", false, true), Tokens{301});
  EXPECT_EQ(tokenizer.encode("<a>b", false, false), (Tokens{300, 'b'}));
}

// Merges whose results are merged into each other's parts come to an end.
TEST_F(TokenizerTest, CyclicAndRepeatedMerges) {
  config["model"]["vocab"]["ab"] = 300;
  config["model"]["vocab"]["ba"] = 301;
  config["model"]["vocab"]["aba"] = 302;
  config["model"]["vocab"]["bab"] = 303;
  config["model"]["merges"] = {"a ba", "ab a", "b ab", "ba b", "a b", "b a"};
  EXPECT_EQ(make().encode("ababa", false, false), (Tokens{302, 301}));
  // The last of the same pair counts.
  config["model"]["merges"] = {"a b", "b a", "a b"};
  EXPECT_EQ(make().encode("aba", false, false), (Tokens{'a', 301}));
}

// As of any key of a JSON object, the last counts.
TEST_F(TokenizerTest, RepeatedNames) {
  std::string text = config.dump();
  const std::string entry = "\"\\\"\":34";
  const size_t at = text.find(entry);
  ASSERT_NE(at, std::string::npos);
  text.insert(at, "\"\\\"\":300,");
  const Tokenizer tokenizer(text, 400, std::nullopt, std::nullopt);
  EXPECT_EQ(tokenizer.encode("\"", false, false), Tokens{34});
  EXPECT_EQ(tokenizer.bytes(300), "");
}

TEST_F(TokenizerTest, AddedTokensStripSpace) {
  addToken(300, "<l>", true, "lstrip");
  addToken(301, "<r>", true, "rstrip");
  auto tokenizer = make();
  EXPECT_EQ(tokenizer.encode("a \n<l> b", false, true),
            (Tokens{'a', 300, ' ', 'b'}));
  EXPECT_EQ(tokenizer.encode("a <r> \t b", false, true),
            (Tokens{'a', ' ', 301, 'b'}));
  EXPECT_EQ(tokenizer.encode(" <l>", false, true), Tokens{300});
  EXPECT_EQ(tokenizer.encode("<r> ", false, true), Tokens{301});
}

TEST_F(TokenizerTest, BosRules) {
  EXPECT_FALSE(make().firstToken());
  EXPECT_FALSE(make(260).firstToken());
  EXPECT_EQ(make(260, true).firstToken(), 260);
  EXPECT_THROW(make(std::nullopt, true), Error);
  const json text = {{"Sequence", {{"id", "A"}}}};
  const json eos = {{"SpecialToken", {{"id", "<|eos|>"}}}};
  addTemplate({eos, text});
  EXPECT_EQ(make().firstToken(), 261);
  // The tokenizer's own counts, not what config.json calls BOS.
  EXPECT_EQ(make(260).firstToken(), 261);
  EXPECT_EQ(make(260, true).firstToken(), 261);
  EXPECT_FALSE(make(260, false).firstToken());
  EXPECT_EQ(make().encode("a", true, false), (Tokens{261, 'a'}));
  EXPECT_EQ(make().encode("a", false, false), Tokens{'a'});
  config["post_processor"] = {
      {"type", "Sequence"},
      {"processors", {{{"type", "ByteLevel"}}, config["post_processor"]}}};
  EXPECT_EQ(make().firstToken(), 261);
  addTemplate({text, eos}); // only what comes first
  EXPECT_FALSE(make().firstToken());
}

TEST_F(TokenizerTest, PrefixSpace) {
  config["pre_tokenizer"]["add_prefix_space"] = true;
  auto tokenizer = make();
  EXPECT_EQ(tokenizer.encode("the", false, false), Tokens{258});
  EXPECT_EQ(tokenizer.encode(" the", false, false), Tokens{258});
}

TEST_F(TokenizerTest, SplitSteps) {
  config["pre_tokenizer"] = json::parse(R"({"type": "Sequence",
    "pretokenizers": [
      {"type": "Split", "pattern": {"String": "th"}, "behavior": "Isolated"},
      {"type": "Digits", "individual_digits": true},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  config["model"]["vocab"]["12"] = 310;
  config["model"]["merges"].push_back("1 2");
  EXPECT_EQ(make().encode("the12", false, false), (Tokens{256, 'e', '1', '2'}));
  config["pre_tokenizer"]["pretokenizers"][1]["individual_digits"] = false;
  EXPECT_EQ(make().encode("the12", false, false), (Tokens{256, 'e', 310}));
}

// Only tokens of the same piece are merged, which shows where pieces end.
TEST_F(TokenizerTest, ClassesAreUnicode) {
  config["pre_tokenizer"] = json::parse(R"({"type": "Sequence",
    "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated"},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  json &pattern =
      config["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"];
  config["model"]["vocab"]["\u00a9t"] = 310; // a9 t
  config["model"]["vocab"]["\u0142t"] = 311; // a0 t
  config["model"]["merges"].push_back("\u00a9 t");
  config["model"]["merges"].push_back("\u0142 t");
  // U+00E9 is c3 a9, U+00A0 is c2 a0, U+0660 (a digit) is d9 a0.
  pattern = "\\w+";
  EXPECT_EQ(make().encode("\u00e9t", false, false), (Tokens{0xc3, 310}));
  pattern = "\\s+";
  EXPECT_EQ(make().encode("\u00a0t", false, false), (Tokens{0xc2, 0xa0, 't'}));
  pattern = "\\d+";
  EXPECT_EQ(make().encode("\u0660t", false, false), (Tokens{0xd9, 0xa0, 't'}));
  pattern = "x";
  EXPECT_EQ(make().encode("\u00a0t", false, false), (Tokens{0xc2, 311}));
}

TEST_F(TokenizerTest, MalformedRunIsOnePiece) {
  config["model"]["vocab"]["\u00fe\u00ff"] = 310;
  config["model"]["merges"].push_back("\u00fe \u00ff");
  EXPECT_EQ(make().encode("a\xfe\xff\xfe b", false, false),
            (Tokens{'a', 310, 0xfe, ' ', 'b'}));
}

TEST_F(TokenizerTest, BytesSurviveWhateverTheyAre) {
  auto tokenizer = make();
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    std::string text(random() % 40, ' ');
    for (char &c : text)
      c = static_cast<char>(random() % 4 ? random() % 128 : random() % 256);
    EXPECT_EQ(join(tokenizer, tokenizer.encode(text, false, true)), text);
  }
  const std::string cut = "caf\xc3\xa9 \xe2\x82 \xf0\x9f\x98\x80\xf0";
  EXPECT_EQ(join(tokenizer, tokenizer.encode(cut, false, false)), cut);
}

// Quadratic time would be minutes.
TEST_F(TokenizerTest, LongTextsTakeLinearTime) {
  constexpr size_t size = 1 << 20;
  std::string words;
  while (words.size() < size)
    words += "the then <| an \xc3\xa9\xff 12345\n";
  std::string merging;
  while (merging.size() < size)
    merging += "the";
  auto tokenizer = make();
  for (const std::string &text :
       {words, merging, std::string(size, ' '), std::string(size, '\n'),
        std::string(size, 'a'), std::string(size, '\xff'),
        std::string(size, ' ') + "x", std::string(size, '<')}) {
    Tokens tokens;
    EXPECT_LT(timeOf([&] { tokens = tokenizer.encode(text, false, true); }), 20)
        << text.substr(0, 8);
    EXPECT_EQ(join(tokenizer, tokens), text);
  }
}

TEST_F(TokenizerTest, HostileExpressionsEnd) {
  config["pre_tokenizer"] = json::parse(R"({"type": "Sequence",
    "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated"},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  json &pattern =
      config["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"];
  const std::string text = std::string(50, 'a') + "the";
  auto encode = [&](const char *regex) {
    pattern = regex;
    auto tokenizer = make();
    return join(tokenizer, tokenizer.encode(text, false, false));
  };
  EXPECT_THROW(encode("(a+)+[bc]"), Error);   // exponential
  EXPECT_THROW(encode("(?=(a))\\C"), Error);  // half characters
  EXPECT_THROW(encode("[a-z&&[^t]]"), Error); // means something else in PCRE2
  EXPECT_THROW(encode("(a"), Error);
  EXPECT_EQ(encode("a*?"), text);
  EXPECT_THROW(encode("(?R)?a"), Error); // no end
  EXPECT_EQ(encode("a(?=a)|\\b"), text);
  EXPECT_THROW(encode("a\\Ka"), Error);
}

TEST_F(TokenizerTest, ByteWithoutToken) {
  config["model"]["vocab"].erase("z");
  EXPECT_EQ(make().droppedBytes(), "z");
  EXPECT_EQ(make().encode("tzhe", false, false), Tokens{257});
  // An unknown token may be one of the vocabulary, or an added one.
  config["model"]["unk_token"] = "<|eos|>";
  EXPECT_EQ(make().encode("tzhe", false, false), (Tokens{'t', 261, 'h', 'e'}));
  EXPECT_EQ(make().droppedBytes(), "");
  config["model"]["unk_token"] = "th";
  EXPECT_EQ(make().encode("z", false, false), Tokens{256});
  // Bytes that are not in UTF-8 are not missed.
  config["model"].erase("unk_token");
  config["model"]["vocab"].erase("\u00ff");
  EXPECT_EQ(make().droppedBytes(), "z");
}

TEST_F(TokenizerTest, AddedTokensStripUnicodeSpace) {
  addToken(300, "<l>", true, "lstrip");
  addToken(301, "<r>", true, "rstrip");
  auto tokenizer = make();
  for (const char *space : {"\t", "\u0085", "\u00a0", "\u1680", "\u2003",
                            "\u2029", "\u202f", "\u205f", "\u3000"}) {
    const std::string run = std::string(" ") + space + space;
    EXPECT_EQ(tokenizer.encode("a" + run + "<l>", false, true),
              (Tokens{'a', 300}));
    EXPECT_EQ(tokenizer.encode("<r>" + run + "a", false, true),
              (Tokens{301, 'a'}));
  }
  // Not these: U+200B, U+180E and half a character.
  for (const char *other : {"\u200b", "\u180e", "\xe3\x80"}) {
    EXPECT_EQ(tokenizer.encode(other + std::string("<l>"), false, true).size(),
              std::string_view(other).size() + 1);
    EXPECT_EQ(tokenizer.encode("<r>" + std::string(other), false, true).size(),
              std::string_view(other).size() + 1);
  }
}

TEST_F(TokenizerTest, SingleWords) {
  addToken(300, "an", false, "single_word");
  auto tokenizer = make();
  const std::pair<const char *, int> cases[] = {{"an", 1},
                                                {"an an", 2},
                                                {"an.", 1},
                                                {"(an)", 1},
                                                {"\u4e00an", 0},
                                                {"anx", 0},
                                                {"xan", 0},
                                                {"_an", 0},
                                                {"an\u0301", 0},
                                                {"\u00e9an", 0},
                                                {"an1", 0},
                                                {"anan", 0},
                                                {"\xff"
                                                 "an",
                                                 1},
                                                {"an\u2014", 1},
                                                {"an\u200d", 0}};
  for (auto [text, count] : cases) {
    Tokens tokens = tokenizer.encode(text, false, false);
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 300), count) << text;
  }
}

TEST_F(TokenizerTest, NormalForm) {
  config["normalizer"] = {{"type", "NFC"}};
  addToken(300, "e\u0301x", false, "normalized");
  addToken(301, "<e\u0301>", true);
  auto tokenizer = make();
  auto encode = [&](const char *text) {
    return tokenizer.encode(text, false, true);
  };
  EXPECT_EQ(encode("e\u0301"), (Tokens{0xc3, 0xa9}));
  EXPECT_EQ(encode("the"), Tokens{257});
  // Found in the normal form, or in the text as it is.
  EXPECT_EQ(encode("\u00e9x"), Tokens{300});
  EXPECT_EQ(encode("e\u0301x"), Tokens{300});
  EXPECT_EQ(encode("<e\u0301>"), Tokens{301});
  EXPECT_EQ(encode("<\u00e9>"), (Tokens{'<', 0xc3, 0xa9, '>'}));
  EXPECT_EQ(tokenizer.bytes(300), "e\u0301x");
  // A mark belongs to no token.
  EXPECT_EQ(encode("<e\u0301>\u0301"), (Tokens{301, 0xcc, 0x81}));
}

// The rule of Falcon: what comes behind ByteLevel sees its alphabet.
TEST_F(TokenizerTest, StepsBehindByteLevel) {
  config["pre_tokenizer"] = json::parse(R"({"type": "Sequence",
    "pretokenizers": [
      {"type": "Punctuation", "behavior": "Contiguous"},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
      {"type": "Digits", "individual_digits": false},
      {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"},
       "behavior": "Isolated", "invert": false}]})");
  auto pieces = [&](const char *text) {
    std::string result;
    make().cut(
        text, false,
        [&](std::string_view piece) {
          result += (result.empty() ? "" : "|") + std::string(piece);
        },
        [](int32_t) {});
    return result;
  };
  EXPECT_EQ(pieces("the cat"), "the| cat");
  EXPECT_EQ(pieces("a...,`$ b"), "a|...,`$| b");
  EXPECT_EQ(pieces("x 12345y"), "x| |123|45|y");
  // U+00F2 is c3 b2, and b2 is called U+00B2, which is a number.
  EXPECT_EQ(pieces("a\u00f2b"), "a\xc3|\xb2|b");
  EXPECT_EQ(pieces("a\u00e9b"), "a\u00e9b");
}

// A limit for each match would let this take hours.
TEST_F(TokenizerTest, SlowExpressionsHaveOneLimitForATextOfAllMatches) {
  config["pre_tokenizer"] = json::parse(R"({"type": "Sequence",
    "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "a*a*a*b|a"},
       "behavior": "Isolated"},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  auto tokenizer = make();
  const std::string some(30, 'a'), many(20000, 'a');
  EXPECT_EQ(tokenizer.encode(some, false, false).size(), some.size());
  EXPECT_THROW(tokenizer.encode(many, false, false), Error);
}
