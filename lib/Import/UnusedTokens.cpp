//===- UnusedTokens.cpp - Tokens that a model does not have ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "UnusedTokens.h"
#include "sherry/Support/Json.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/ConvertUTF.h"

#include <algorithm>
#include <map>

using namespace llvm;
using namespace sherry;
using nlohmann::json;

/// Whether text can become a token of a byte-level or converted vocabulary: the
/// token is a character, a byte, or part or result of a merge.
static bool occursInText(StringRef token, const StringSet<> &merged) {
  const auto *bytes = reinterpret_cast<const UTF8 *>(token.data());
  return token.size() <= getNumBytesForUTF8(token.empty() ? 0 : bytes[0]) ||
         token.starts_with("<0x") || merged.contains(token);
}

static StringSet<> listMerged(const json &merges) {
  StringSet<> merged;
  for (const json &merge : merges) {
    std::string left, right;
    if (merge.is_string()) {
      auto [first, second] =
          StringRef(merge.get_ref<const std::string &>()).split(' ');
      left = first.str();
      right = second.str();
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    }
    merged.insert(left);
    merged.insert(right);
    merged.insert(left + right);
  }
  return merged;
}

bool sherry::leaveOutTokens(json &root, int64_t vocabSize, StringRef file,
                            std::vector<std::string> &notes) {
  auto isBeyond = [&](const json *id) {
    return id && id->is_number_unsigned() &&
           id->get<uint64_t>() >= static_cast<uint64_t>(vocabSize);
  };
  std::map<uint64_t, std::string> left;
  auto added = root.find("added_tokens");
  if (added != root.end() && added->is_array())
    added->erase(
        std::remove_if(added->begin(), added->end(),
                       [&](const json &token) {
                         const json *id = member(token, "id");
                         const json *content = member(token, "content");
                         if (!isBeyond(id) || !content || !content->is_string())
                           return false;
                         left[*id] = *content;
                         return true;
                       }),
        added->end());
  auto model = root.find("model");
  const json *vocab = model != root.end() ? member(*model, "vocab") : nullptr;
  if (vocab && vocab->is_object()) {
    std::vector<std::string> beyond;
    for (const auto &[token, id] : vocab->items())
      if (isBeyond(&id))
        beyond.push_back(token);
    const json *merges = member(*model, "merges");
    const json *whole = member(*model, "ignore_merges");
    StringSet<> merged;
    if (!beyond.empty() && merges)
      merged = listMerged(*merges);
    for (const std::string &token : beyond) {
      const auto id = (*vocab)[token].get<uint64_t>();
      auto it = left.find(id);
      const bool isAdded = it != left.end() && it->second == token;
      if (!isAdded &&
          ((whole && *whole == true) || occursInText(token, merged)))
        continue;
      left[id] = token;
      (*model)["vocab"].erase(token);
    }
  }
  if (left.empty())
    return false;
  notes.push_back((file + ": the model has " + Twine(vocabSize) + " tokens; " +
                   Twine(left.size()) + " beyond these, such as " +
                   quote(left.begin()->second) + " with the id " +
                   Twine(left.begin()->first) + ", " +
                   (left.size() == 1 ? "is" : "are") +
                   " left out: where a text has such a name, it is text")
                      .str());
  return true;
}
