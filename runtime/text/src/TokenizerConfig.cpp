//===- TokenizerConfig.cpp - Contents of a tokenizer.json -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/TokenizerConfig.h"
#include "TokenizerFields.h"
#include "TokenizerSteps.h"
#include "sherry/support/Quote.h"
#include "sherry/text/ByteLevel.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

using namespace sherry::runtime;
using namespace sherry::runtime::fields;
using nlohmann::json;

/// Real vocabularies have up to two merges per token, and 2^18 tokens.
static constexpr size_t maxMerges = 1 << 22;
static constexpr size_t maxAddedBytes = 1 << 10;

//===----------------------------------------------------------------------===//
// Vocabulary
//===----------------------------------------------------------------------===//

namespace {

class Parser {
public:
  Parser(const json &root, uint32_t vocabSize)
      : root(root), vocabSize(vocabSize) {}
  TokenizerConfig parse();

private:
  void parseModel();
  void parseBpe(const json &model);
  void parsePieces(const json &model);
  void addPieceMerges(const std::vector<double> &scores);
  void parseVocab(const json &vocab);
  void parseMerges(const json &list, const json &vocab);
  void parseAddedTokens();
  TokenEntry &entry(int32_t id);

  const json &root;
  uint32_t vocabSize;
  TokenizerConfig config;
  std::vector<const std::string *> names; ///< by id, of the vocabulary
  std::string unknownName;                ///< empty: none
};

} // namespace

std::string sherry::runtime::replaceSpaceSymbols(std::string_view text) {
  std::string result;
  for (size_t at; (at = text.find(spaceSymbol)) != std::string_view::npos;) {
    result.append(text.substr(0, at)) += ' ';
    text.remove_prefix(at + sizeof(spaceSymbol) - 1);
  }
  return result.append(text);
}

/// The byte that a piece such as <0x0A> stands for.
static std::optional<char> parseBytePiece(const std::string &piece) {
  if (piece.size() != 6 || piece.compare(0, 3, "<0x") != 0 || piece[5] != '>')
    return std::nullopt;
  int value = 0;
  for (char digit : {piece[3], piece[4]}) {
    bool isNumber = digit >= '0' && digit <= '9';
    if (!isNumber && (digit < 'A' || digit > 'F'))
      return std::nullopt;
    value = 16 * value + (isNumber ? digit - '0' : digit - 'A' + 10);
  }
  return static_cast<char>(value);
}

static void setPiece(TokenEntry &token, const std::string &piece) {
  if (auto byte = parseBytePiece(piece)) {
    token.kind = TokenKind::Byte;
    token.bytes.assign(1, *byte);
    return;
  }
  token.bytes = replaceSpaceSymbols(piece);
  token.kind = token.bytes.empty() ? TokenKind::Opaque : TokenKind::Text;
}

TokenEntry &Parser::entry(int32_t id) {
  auto index = static_cast<size_t>(id);
  if (config.tokens.size() <= index)
    config.tokens.resize(index + 1);
  return config.tokens[index];
}

void Parser::parseVocab(const json &vocab) {
  if (!vocab.is_object())
    fail("model.vocab", "must be an object");
  for (auto it = vocab.begin(); it != vocab.end(); ++it) {
    const std::string &name = it.key();
    int32_t id = getToken(&*it, vocabSize,
                          [&] { return "model.vocab[" + quote(name) + "]"; });
    TokenEntry &token = entry(id);
    if (token.kind != TokenKind::None)
      fail("model.vocab", "the tokens " + quote(*names[id]) + " and " +
                              quote(name) + " have the same id " +
                              std::to_string(id));
    names.resize(config.tokens.size());
    names[id] = &name;
    if (config.characters) {
      setPiece(token, name);
      continue;
    }
    auto bytes = decodeByteLevel(name);
    token.kind = bytes && !bytes->empty() ? TokenKind::Text : TokenKind::Opaque;
    token.bytes = bytes ? *bytes : name;
  }
}

void Parser::parseMerges(const json &list, const json &vocab) {
  for (size_t i = 0; i < list.size(); ++i) {
    const json &merge = list[i];
    auto field = [&] { return "model.merges[" + std::to_string(i) + "]"; };
    std::string left, right;
    if (merge.is_string()) {
      const auto &both = merge.get_ref<const std::string &>();
      size_t space = both.find(' ');
      left = both.substr(0, space);
      right = space == std::string::npos ? "" : both.substr(space + 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    }
    if (left.empty() || right.empty())
      fail(field(), "must be two tokens, \"a b\" or [\"a\", \"b\"]");
    auto lookUp = [&](const std::string &name) {
      auto it = vocab.find(name);
      if (it == vocab.end())
        fail(field(), "the token " + quote(name) + " is not in model.vocab");
      return it->get<int32_t>(); // checked with the vocabulary
    };
    config.merges.push_back({lookUp(left), lookUp(right), lookUp(left + right),
                             static_cast<uint32_t>(i)});
  }
}

void Parser::parseModel() {
  const json *model = find(root, "model");
  if (!model || !model->is_object())
    fail("model", "must be an object");
  std::string type = "BPE";
  if (find(*model, "type"))
    type = getString(*model, "type", "model.");
  if (type == "BPE")
    parseBpe(*model);
  else if (type == "SentencePieceBPE")
    parsePieces(*model);
  else
    fail("model.type", quote(type) + " is not supported, only \"BPE\" and "
                                     "\"SentencePieceBPE\" are");
}

void Parser::parseBpe(const json &model) {
  auto refuse = [&](const char *name, bool present) {
    if (present)
      fail(std::string("model.") + name, "is not supported");
  };
  for (const char *name : {"continuing_subword_prefix", "end_of_word_suffix"})
    refuse(name, find(model, name) && *find(model, name) != "");
  refuse("dropout", find(model, "dropout") && *find(model, "dropout") != 0);
  config.ignoreMerges = getBool(model, "ignore_merges", false, "model.");
  // Only tokenizers that were converted from SentencePiece fall back to bytes.
  config.characters = getBool(model, "byte_fallback", false, "model.");

  const json *vocab = find(model, "vocab");
  if (!vocab)
    fail("model.vocab", "is missing");
  parseVocab(*vocab);
  if (find(model, "unk_token")) {
    // The unknown token may also be only an added token.
    unknownName = getString(model, "unk_token", "model.");
    auto it = vocab->find(unknownName);
    if (it != vocab->end())
      config.unknown = it->get<int32_t>();
  }
  config.fuseUnknown = getBool(model, "fuse_unk", false, "model.");
  parseMerges(getList(model, "merges", "model."), *vocab);
}

/// Pieces with their scores, by id. A pair of adjacent pieces merges if both
/// together are a piece, the one with the highest score first.
void Parser::parsePieces(const json &model) {
  config.characters = true;
  config.fuseUnknown = true;
  config.prefixSpace = getBool(model, "add_dummy_prefix", true, "model.")
                           ? PrefixSpace::Always
                           : PrefixSpace::Never;
  if (getBool(model, "prefix_first_only", false, "model.") &&
      config.prefixSpace == PrefixSpace::Always)
    config.prefixSpace = PrefixSpace::First;
  const json &vocab = getList(model, "vocab", "model.");
  if (vocab.size() > vocabSize)
    fail("model.vocab", "has " + std::to_string(vocab.size()) +
                            " pieces, the model " + std::to_string(vocabSize) +
                            " tokens");
  std::vector<double> scores;
  for (size_t id = 0; id < vocab.size(); ++id) {
    const json &piece = vocab[id];
    if (!piece.is_array() || piece.size() != 3 || !piece[0].is_string() ||
        !piece[1].is_number() || !piece[2].is_string())
      fail("model.vocab[" + std::to_string(id) + "]",
           "must be a piece, a score and a kind");
    const auto &text = piece[0].get_ref<const std::string &>();
    const auto &kind = piece[2].get_ref<const std::string &>();
    scores.push_back(piece[1].get<double>());
    TokenEntry &token = entry(static_cast<int32_t>(id));
    names.push_back(&text);
    token.bytes = replaceSpaceSymbols(text);
    token.kind = TokenKind::Opaque;
    if (kind == "normal" && !token.bytes.empty())
      token.kind = TokenKind::Text;
    else if (kind == "byte")
      setPiece(token, text);
    else if (kind == "control" && !token.bytes.empty())
      token.kind = TokenKind::Special;
    else if (kind == "user_defined" && !token.bytes.empty())
      token.kind = TokenKind::Added;
    else if (kind == "unknown")
      config.unknown = static_cast<int32_t>(id);
  }
  addPieceMerges(scores);
}

void Parser::addPieceMerges(const std::vector<double> &scores) {
  // Pieces of equal scores have equal ranks.
  std::vector<int32_t> order;
  std::unordered_map<std::string_view, int32_t> ids;
  // A piece of n bytes needs n - 1 look-ups of pairs with n bytes each.
  constexpr size_t maxPieceBytes = 1 << 10, maxPairBytes = 1 << 30;
  size_t pairBytes = 0;
  for (size_t id = 0; id < config.tokens.size(); ++id)
    if (const TokenEntry &token = config.tokens[id];
        token.kind == TokenKind::Text) {
      if (token.bytes.size() > maxPieceBytes)
        fail("model.vocab[" + std::to_string(id) + "]",
             "pieces of more than " + std::to_string(maxPieceBytes) +
                 " bytes are not supported");
      pairBytes += token.bytes.size() * token.bytes.size();
      if (pairBytes > maxPairBytes)
        fail("model.vocab", "has too many long pieces: the squares of their "
                            "bytes are more than " +
                                std::to_string(maxPairBytes) + " in all");
      order.push_back(static_cast<int32_t>(id));
      ids.emplace(token.bytes, static_cast<int32_t>(id));
    }
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return scores[a] > scores[b]; });
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && scores[order[i]] < scores[order[i - 1]])
      ++rank;
    std::string_view piece = config.tokens[order[i]].bytes;
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      auto left = ids.find(piece.substr(0, cut));
      auto right = ids.find(piece.substr(cut));
      if (left == ids.end() || right == ids.end())
        continue;
      if (config.merges.size() == maxMerges)
        fail("model.vocab", "has pieces that are made of others in more than " +
                                std::to_string(maxMerges) + " ways");
      config.merges.push_back({left->second, right->second, order[i], rank});
    }
  }
}

void Parser::parseAddedTokens() {
  if (!find(root, "added_tokens"))
    return;
  const json &list = getList(root, "added_tokens", "");
  std::unordered_set<std::string> contents;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = "added_tokens[" + std::to_string(i) + "].";
    const std::string &content = getString(list[i], "content", where);
    if (content.empty() || !contents.insert(content).second)
      fail(where + "content", "is empty or there already");
    if (content.size() > maxAddedBytes)
      fail(where + "content", "has more than " + std::to_string(maxAddedBytes) +
                                  " bytes, which is not supported");
    int32_t id =
        getToken(find(list[i], "id"), vocabSize, [&] { return where + "id"; });
    TokenEntry &token = entry(id);
    names.resize(config.tokens.size());
    if (token.kind != TokenKind::None && (!names[id] || *names[id] != content))
      fail(where + "id", "another token than " + quote(content) +
                             " has the same id " + std::to_string(id));
    token.kind = getBool(list[i], "special", false, where) ? TokenKind::Special
                                                           : TokenKind::Added;
    token.bytes = content;
    token.stripLeft = getBool(list[i], "lstrip", false, where);
    token.stripRight = getBool(list[i], "rstrip", false, where);
    token.singleWord = getBool(list[i], "single_word", false, where);
    token.normalized = getBool(list[i], "normalized", false, where);
    if (config.unknown < 0 && content == unknownName)
      config.unknown = id;
  }
}

TokenizerConfig Parser::parse() {
  if (!root.is_object())
    throw Error("tokenizer: not a JSON object");
  parseModel();
  parseAddedTokens();
  parseTokenizerSteps(root, vocabSize, config);
  return std::move(config);
}

TokenizerConfig TokenizerConfig::parse(std::string_view text,
                                       uint32_t vocabSize) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::exception &error) {
    throw Error(std::string("tokenizer: ") + error.what());
  }
  return Parser(root, vocabSize).parse();
}
