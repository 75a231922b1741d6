//===- BpeTrainerTest.cpp -------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/BpeTrainer.h"

#include "gmock/gmock.h"

#include <algorithm>
#include <map>
#include <random>

using namespace sherry;
using namespace sherry::training;
using testing::ElementsAre;

static BpeVocabulary train(const BpeTrainer &trainer, size_t size,
                           uint64_t minFrequency = 1) {
  return trainer.train(size, minFrequency, [](size_t) {});
}

static BpeVocabulary trainOn(const std::vector<std::string> &pieces,
                             size_t size, uint64_t minFrequency = 1) {
  BpeTrainer trainer;
  for (const std::string &piece : pieces)
    trainer.addPiece(piece);
  return train(trainer, size, minFrequency);
}

/// The tokens that are no single byte, in order.
static std::vector<std::string> mergedTokens(const BpeVocabulary &vocabulary) {
  return {vocabulary.tokens.begin() + 256, vocabulary.tokens.end()};
}

//===----------------------------------------------------------------------===//
// By hand
//===----------------------------------------------------------------------===//

TEST(BpeTrainerTest, BytesComeFirst) {
  BpeVocabulary vocabulary = trainOn({"ab"}, 256);
  ASSERT_EQ(vocabulary.tokens.size(), 256u);
  EXPECT_EQ(vocabulary.tokens[0], "!"); // the first that is printable
  EXPECT_EQ(vocabulary.tokens[93], "~");
  EXPECT_EQ(vocabulary.tokens[94], "\xa1");
  EXPECT_EQ(vocabulary.tokens[187], "\xff");
  EXPECT_EQ(vocabulary.tokens[188], std::string(1, '\0'));
  EXPECT_EQ(vocabulary.tokens[220], " ");
  EXPECT_TRUE(vocabulary.merges.empty());
  EXPECT_EQ(vocabulary.encodedTokens, 2u);
}

TEST(BpeTrainerTest, WordsOfSennrich) {
  std::vector<std::string> pieces;
  for (auto &[word, count] : std::map<std::string, int>{
           {"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}})
    pieces.insert(pieces.end(), count, word);
  // es and st occur 9 times, lo and ow 7 times; then e+w, n+e and w+est 6
  // times: the smaller left id comes first.
  BpeVocabulary vocabulary = trainOn(pieces, 256 + 8);
  EXPECT_THAT(
      mergedTokens(vocabulary),
      ElementsAre("es", "est", "lo", "low", "ew", "new", "newest", "dest"));
  EXPECT_EQ(vocabulary.merges[1].first, 256u);
  // low; low e r; newest; w i dest
  EXPECT_EQ(vocabulary.encodedTokens, 5u + 2 * 3 + 6 + 3 * 3);
}

TEST(BpeTrainerTest, EqualBytesOverlap) {
  // aa occurs three times in aaaa, ab twice: aa is merged, left to right.
  BpeVocabulary vocabulary = trainOn({"aaaa", "ab", "ab"}, 256 + 3);
  EXPECT_THAT(mergedTokens(vocabulary), ElementsAre("aa", "ab", "aaaa"));
  vocabulary = trainOn({"aaaaa"}, 256 + 2);
  // aa aa a: both pairs occur once, and a has the smaller id, but is on the
  // right.
  EXPECT_THAT(mergedTokens(vocabulary), ElementsAre("aa", "aaa"));
}

TEST(BpeTrainerTest, StopsAtTheLeastFrequency) {
  std::vector<std::string> pieces = {"ab", "ab", "ab", "cd", "cd", "ef"};
  EXPECT_THAT(mergedTokens(trainOn(pieces, 1000, 3)), ElementsAre("ab"));
  EXPECT_THAT(mergedTokens(trainOn(pieces, 1000, 2)), ElementsAre("ab", "cd"));
  EXPECT_EQ(mergedTokens(trainOn(pieces, 1000, 1)).size(), 3u);
}

TEST(BpeTrainerTest, LongPiecesAreCut) {
  constexpr size_t max = BpeTrainer::kMaxPieceBytes;
  BpeTrainer trainer;
  trainer.addPiece(std::string(max, 'x') + std::string(max, 'x') + "y");
  EXPECT_EQ(trainer.getDistinctPieces(), 2u);
  EXPECT_EQ(trainer.getBytes(), 2 * max + 1);
  trainer.addPiece("");
  EXPECT_EQ(trainer.getDistinctPieces(), 2u);
  BpeVocabulary vocabulary = train(trainer, 1000);
  // x, xx, ... up to 256 times x, and no xy.
  EXPECT_EQ(vocabulary.tokens.size(), 256u + 8);
  EXPECT_EQ(vocabulary.encodedTokens, 3u);
}

//===----------------------------------------------------------------------===//
// Against a reference that counts everything anew for each merge
//===----------------------------------------------------------------------===//

static BpeVocabulary trainSlowly(const std::vector<std::string> &pieces,
                                 size_t size, uint64_t minFrequency) {
  BpeVocabulary result = trainOn({}, 256);
  std::vector<std::vector<uint32_t>> words;
  auto idOf = [&](const std::string &token) {
    auto it = std::find(result.tokens.begin(), result.tokens.end(), token);
    return static_cast<uint32_t>(it - result.tokens.begin());
  };
  for (const std::string &piece : pieces) {
    words.emplace_back();
    for (char byte : piece)
      words.back().push_back(idOf(std::string(1, byte)));
  }
  while (result.tokens.size() < size) {
    std::map<TokenPair, uint64_t> counts;
    for (const auto &word : words)
      for (size_t i = 0; i + 1 < word.size(); ++i)
        ++counts[{word[i], word[i + 1]}];
    // The map has the smallest pair first, and max_element finds the first.
    auto best =
        std::max_element(counts.begin(), counts.end(),
                         [](auto &a, auto &b) { return a.second < b.second; });
    if (best == counts.end() || best->second < minFrequency)
      break;
    TokenPair pair = best->first;
    std::string token = result.tokens[pair.first] + result.tokens[pair.second];
    auto id = static_cast<uint32_t>(result.tokens.size());
    EXPECT_EQ(idOf(token), id) << "two merges make the same token";
    result.tokens.push_back(token);
    result.merges.push_back(pair);
    for (auto &word : words) {
      std::vector<uint32_t> merged;
      for (size_t i = 0; i < word.size(); ++i) {
        bool matches =
            i + 1 < word.size() && TokenPair(word[i], word[i + 1]) == pair;
        merged.push_back(matches ? id : word[i]);
        i += matches;
      }
      word = merged;
    }
  }
  for (const auto &word : words)
    result.encodedTokens += word.size();
  return result;
}

TEST(BpeTrainerTest, SameMergesAsTheReference) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    auto draw = [&](size_t low, size_t high) {
      return low + random() % (high - low + 1);
    };
    // Few letters make ties and runs of equal tokens.
    size_t letters = draw(1, seed % 3 == 0 ? 200 : 4);
    size_t longest = draw(1, 40);
    std::vector<std::string> pieces(draw(1, 120));
    for (std::string &piece : pieces) {
      piece.resize(draw(0, longest));
      for (char &c : piece)
        c = static_cast<char>('A' + random() % letters);
    }
    size_t size = 256 + draw(0, 150);
    uint64_t minFrequency = draw(1, 3);
    BpeVocabulary expected = trainSlowly(pieces, size, minFrequency);
    BpeVocabulary actual = trainOn(pieces, size, minFrequency);
    ASSERT_EQ(actual.merges, expected.merges) << "seed " << seed;
    ASSERT_EQ(actual.tokens, expected.tokens) << "seed " << seed;
    ASSERT_EQ(actual.encodedTokens, expected.encodedTokens) << "seed " << seed;

    std::shuffle(pieces.begin(), pieces.end(), random);
    ASSERT_EQ(trainOn(pieces, size, minFrequency).merges, actual.merges);
  }
}
