//===- BpeTest.cpp - Tests of byte-pair encoding --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Bpe.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>

using namespace sherry::runtime;

namespace {

/// A vocabulary over the letters a to c with random merges.
struct RandomBpe {
  Bpe bpe;
  std::map<std::string, int32_t> ids;
  std::vector<std::string> names;
  std::map<std::pair<int32_t, int32_t>, size_t> ranks;
  std::vector<BpeMerge> merges;

  explicit RandomBpe(unsigned seed) {
    std::mt19937 random(seed);
    for (const char *letter : {"a", "b", "c"})
      add(letter);
    while (merges.size() < 20) {
      auto left = static_cast<int32_t>(random() % names.size());
      auto right = static_cast<int32_t>(random() % names.size());
      std::string joined = names[left] + names[right];
      if (joined.size() > 6 || ranks.count({left, right}))
        continue;
      add(joined); // a second way to the same token is possible
      ranks[{left, right}] = merges.size();
      merges.push_back(
          {left, right, ids[joined], static_cast<uint32_t>(merges.size())});
      bpe.addMerge(merges.back());
    }
  }
  void add(const std::string &name) {
    if (ids.count(name))
      return;
    auto id = static_cast<int32_t>(names.size());
    ids[name] = id;
    names.push_back(name);
    bpe.addToken(name, id);
  }

  /// By the definition: merge the best pair of all, again and again.
  std::vector<int32_t> encodeSlowly(const std::string &text) const {
    std::vector<int32_t> tokens;
    for (char c : text)
      tokens.push_back(ids.at(std::string(1, c)));
    while (true) {
      size_t best = merges.size(), position = 0;
      for (size_t i = 0; i + 1 < tokens.size(); ++i)
        if (auto it = ranks.find({tokens[i], tokens[i + 1]});
            it != ranks.end() && it->second < best) {
          best = it->second;
          position = i;
        }
      if (best == merges.size())
        return tokens;
      tokens[position] = merges[best].result;
      tokens.erase(tokens.begin() + static_cast<ptrdiff_t>(position) + 1);
    }
  }
};

} // namespace

TEST(Bpe, AgreesWithTheDefinition) {
  std::mt19937 random(7);
  size_t merged = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    RandomBpe vocabulary(seed);
    for (int i = 0; i < 20; ++i) {
      std::string text(random() % 60, 'a');
      for (char &c : text)
        c = static_cast<char>('a' + random() % 3);
      std::vector<int32_t> tokens;
      vocabulary.bpe.encode(text, tokens);
      ASSERT_EQ(tokens, vocabulary.encodeSlowly(text)) << text;
      merged += text.size() - tokens.size();
    }
  }
  EXPECT_GT(merged, 10000U); // the texts did make the merges work
}

TEST(Bpe, IgnoreMergesKeepsWholeTokens) {
  Bpe bpe;
  bpe.addToken("a", 0);
  bpe.addToken("b", 1);
  bpe.addToken("ab", 2);
  std::vector<int32_t> tokens;
  bpe.encode("ab", tokens);
  bpe.setIgnoreMerges(true);
  bpe.encode("ab", tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{0, 1, 2}));
}

TEST(Bpe, BytesWithoutToken) {
  Bpe bpe;
  bpe.addToken("a", 0);
  bpe.addToken("b", 1);
  bpe.addToken("ab", 2);
  bpe.addMerge({0, 1, 2, 0});
  auto encode = [&](const char *text) {
    std::vector<int32_t> tokens;
    bpe.encode(text, tokens);
    return tokens;
  };
  using Tokens = std::vector<int32_t>;
  EXPECT_TRUE(bpe.drops('c'));
  EXPECT_FALSE(bpe.drops('a'));
  // Nothing of it is left: its neighbours meet.
  EXPECT_EQ(encode("ac\xfe"
                   "b"),
            Tokens{2});
  EXPECT_EQ(encode("c"), Tokens{});
  bpe.setUnknown(7, /*fuse=*/false);
  EXPECT_FALSE(bpe.drops('c'));
  EXPECT_EQ(encode("accb"), (Tokens{0, 7, 7, 1}));
  bpe.setUnknown(7, /*fuse=*/true);
  EXPECT_EQ(encode("accbc"), (Tokens{0, 7, 1, 7}));
}

TEST(Bpe, EmptyPiece) {
  std::vector<int32_t> tokens;
  Bpe().encode("", tokens);
  EXPECT_TRUE(tokens.empty());
}
