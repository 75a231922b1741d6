//===- BpeTrainer.cpp - Merges of byte-pair encoding ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/BpeTrainer.h"
#include "sherry/text/ByteLevel.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <algorithm>
#include <array>
#include <optional>
#include <queue>

using namespace llvm;
using namespace sherry;
using namespace sherry::training;

void BpeTrainer::addPiece(StringRef piece) {
  bytes += piece.size();
  for (; !piece.empty();
       piece = piece.drop_front(std::min<size_t>(piece.size(), kMaxPieceBytes)))
    ++pieces[piece.take_front(kMaxPieceBytes)];
}

namespace {

/// A distinct piece: its tokens are `length` symbols from `begin` on.
struct Word {
  uint64_t begin;
  uint32_t length;
  uint64_t count;
};

/// The occurrences of a pair.
struct Occurrences {
  uint64_t count = 0;
  /// All words that have the pair, and some that had it earlier.
  std::vector<uint32_t> words;
};

/// The pair of the greatest candidate is merged first.
struct Candidate {
  uint64_t count;
  TokenPair pair;

  bool operator<(const Candidate &other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

/// The words during training, with all pairs in them.
class Corpus {
public:
  Corpus(const StringMap<uint64_t> &pieces,
         const std::array<uint32_t, 256> &byteIds);

  /// The pair to merge next; nothing if none occurs `minFrequency` times.
  std::optional<TokenPair> findBest(uint64_t minFrequency);
  /// Replaces `pair` by the token `result` everywhere.
  void merge(TokenPair pair, uint32_t result);
  uint64_t countTokens() const;

private:
  void mergeIn(uint32_t word, TokenPair pair, uint32_t result);
  void add(TokenPair pair, uint32_t word);
  void remove(TokenPair pair, uint32_t word);

  std::vector<uint32_t> symbols;
  std::vector<Word> words;
  DenseMap<TokenPair, Occurrences> pairs;
  /// Has every pair with its count, or with an earlier, higher one, which is
  /// corrected when the pair reaches the top.
  std::priority_queue<Candidate> queue;
  DenseSet<TokenPair> grown; ///< pairs whose counts rose in this merge
};

} // namespace

Corpus::Corpus(const StringMap<uint64_t> &pieces,
               const std::array<uint32_t, 256> &byteIds) {
  words.reserve(pieces.size());
  for (const auto &piece : pieces) {
    StringRef bytes = piece.getKey();
    auto word = static_cast<uint32_t>(words.size());
    words.push_back({symbols.size(), static_cast<uint32_t>(bytes.size()),
                     piece.getValue()});
    for (char byte : bytes)
      symbols.push_back(byteIds[static_cast<uint8_t>(byte)]);
    for (size_t i = words[word].begin; i + 1 < symbols.size(); ++i)
      add({symbols[i], symbols[i + 1]}, word);
  }
  grown.clear();
  for (const auto &[pair, occurrences] : pairs)
    queue.push({occurrences.count, pair});
}

void Corpus::add(TokenPair pair, uint32_t word) {
  Occurrences &occurrences = pairs[pair];
  occurrences.count += words[word].count;
  if (occurrences.words.empty() || occurrences.words.back() != word)
    occurrences.words.push_back(word);
  grown.insert(pair);
}

void Corpus::remove(TokenPair pair, uint32_t word) {
  auto it = pairs.find(pair);
  if (it == pairs.end())
    return; // the pair that is being merged
  it->second.count -= words[word].count;
  if (it->second.count == 0)
    pairs.erase(it);
}

std::optional<TokenPair> Corpus::findBest(uint64_t minFrequency) {
  while (!queue.empty() && queue.top().count >= minFrequency) {
    const Candidate &top = queue.top();
    auto it = pairs.find(top.pair);
    uint64_t count = it == pairs.end() ? 0 : it->second.count;
    if (count == top.count)
      return it->first;
    // A count that rose has a new candidate.
    Candidate corrected{count, top.pair};
    bool fell = count < top.count;
    queue.pop();
    if (fell && count > 0)
      queue.push(corrected);
  }
  return std::nullopt;
}

void Corpus::merge(TokenPair pair, uint32_t result) {
  auto it = pairs.find(pair);
  std::vector<uint32_t> where = std::move(it->second.words);
  pairs.erase(it);
  grown.clear();
  for (uint32_t word : where)
    mergeIn(word, pair, result);
  for (TokenPair pair : grown)
    if (auto it = pairs.find(pair); it != pairs.end())
      queue.push({it->second.count, pair});
}

void Corpus::mergeIn(uint32_t index, TokenPair pair, uint32_t result) {
  Word &word = words[index];
  MutableArrayRef<uint32_t> tokens(symbols.data() + word.begin, word.length);
  uint32_t kept = 0;
  for (size_t i = 0; i < tokens.size();) {
    if (i + 1 == tokens.size() || TokenPair(tokens[i], tokens[i + 1]) != pair) {
      tokens[kept++] = tokens[i++];
      continue;
    }
    if (kept > 0) {
      remove({tokens[kept - 1], pair.first}, index);
      add({tokens[kept - 1], result}, index);
    }
    i += 2;
    if (i < tokens.size()) {
      remove({pair.second, tokens[i]}, index);
      add({result, tokens[i]}, index);
    }
    tokens[kept++] = result;
  }
  word.length = kept;
}

uint64_t Corpus::countTokens() const {
  uint64_t count = 0;
  for (const Word &word : words)
    count += word.count * word.length;
  return count;
}

BpeVocabulary
BpeTrainer::train(size_t size, uint64_t minFrequency,
                  llvm::function_ref<void(size_t)> onMerge) const {
  std::vector<std::pair<std::string, uint8_t>> alphabet;
  for (int byte = 0; byte < 256; ++byte)
    alphabet.emplace_back(
        runtime::encodeByteLevel(std::string(1, static_cast<char>(byte))),
        static_cast<uint8_t>(byte));
  // The order of UTF-8 is the order of the characters.
  std::sort(alphabet.begin(), alphabet.end());

  BpeVocabulary vocabulary;
  std::array<uint32_t, 256> byteIds;
  for (const auto &[character, byte] : alphabet) {
    byteIds[byte] = static_cast<uint32_t>(vocabulary.tokens.size());
    vocabulary.tokens.emplace_back(1, static_cast<char>(byte));
  }

  Corpus corpus(pieces, byteIds);
  while (vocabulary.tokens.size() < size) {
    std::optional<TokenPair> pair = corpus.findBest(minFrequency);
    if (!pair)
      break;
    // Equal bytes that become one token are merged alike everywhere, so no
    // token has these bytes yet.
    vocabulary.tokens.push_back(vocabulary.tokens[pair->first] +
                                vocabulary.tokens[pair->second]);
    vocabulary.merges.push_back(*pair);
    corpus.merge(*pair, static_cast<uint32_t>(vocabulary.tokens.size() - 1));
    onMerge(vocabulary.tokens.size());
  }
  vocabulary.encodedTokens = corpus.countTokens();
  return vocabulary;
}
