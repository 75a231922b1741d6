//===- PreTokenizers.cpp - Rules of words in GGUF files -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/PreTokenizers.h"
#include "sherry/text/ByteLevel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

#include <algorithm>

using namespace llvm;
using namespace sherry;
using runtime::kGpt2Pattern;

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

// As in Hugging Face's files, which llama.cpp may spell in another way.
// Characters beyond ASCII stand for themselves, because readers in other
// languages do not know \x{...}.

static constexpr char kLlama3[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static constexpr char kQwen2[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Words end where a lower-case letter is followed by an upper-case one.
static constexpr char kTekken[] =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static constexpr char kGpt4o[] =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static constexpr char kChinese[] = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
static constexpr char kEastAsian[] =
    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";
// A punctuation mark and the letters after it, or words, or marks, or white
// space.
static constexpr char kMarksAndWords[] =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {
struct NamedRule {
  std::vector<StringRef> names; ///< the first is written to files
  PreTokenizer rule;
};
} // namespace

static const std::vector<NamedRule> &getRules() {
  static const std::vector<NamedRule> rules = {
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-e", "falcon_e",
        "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
       {{kLlama3}, /*ignoresMerges=*/true, /*addsBos=*/true}},
      {{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, {{kLlama3}}},
      {{"qwen2"}, {{kQwen2}, false, false, /*normalizes=*/true}},
      {{"deepseek-r1-qwen", "hunyuan", "stablelm2", "megrez", "kormo",
        "f2llmv2", "grok-2", "solar-open"},
       {{kQwen2}}},
      {{"gpt-2", "phi-2", "olmo", "mpt", "jais", "exaone4", "trillion",
        "gigachat", "a.x-4.0", "mellum", "granite-docling", "modern-bert",
        "jina-es", "jina-de", "jina-v2-es", "jina-v2-de"},
       {{kGpt2Pattern}}},
      {{"default", ""},
       {{R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Pattern, R"(\p{N}+)",
         R"([0-9][0-9][0-9])"}}},
      {{"falcon"},
       {{R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Pattern, R"([0-9][0-9][0-9])"}}},
      {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone",
        "minerva-7b", "mellum2"},
       {{R"(\p{N})", kGpt2Pattern}}},
      {{"deepseek-coder"},
       {{R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kEastAsian, R"(\p{N})"}}},
      {{"deepseek-v3", "hunyuan-dense", "hy_v4", "joyai-llm"},
       {{R"(\p{N}{1,3})", kChinese, kMarksAndWords}}},
      {{"tekken"}, {{kTekken}, /*ignoresMerges=*/true, /*addsBos=*/true}},
      {{"gpt-4o", "llama4", "kanana2"}, {{kGpt4o}}}};
  return rules;
}

PreTokenizer sherry::getPreTokenizer(StringRef name) {
  for (const NamedRule &entry : getRules())
    if (is_contained(entry.names, name))
      return entry.rule;
  return {};
}

std::string sherry::listPreTokenizers() {
  std::vector<StringRef> names;
  for (const NamedRule &entry : getRules())
    for (StringRef name : entry.names)
      if (!name.empty())
        names.push_back(name);
  return join(names, ", ");
}

/// Replaces escapes that stand for one character by the character.
static std::string resolveEscapes(StringRef pattern) {
  std::string result;
  while (!pattern.empty()) {
    if (!pattern.consume_front("\\")) {
      result += pattern.front();
      pattern = pattern.drop_front();
      continue;
    }
    auto [digits, rest] = pattern.split('}');
    uint32_t codePoint;
    char utf8[UNI_MAX_UTF8_BYTES_PER_CODE_POINT], *end = utf8;
    // Characters below may have a meaning of their own.
    constexpr uint32_t firstHarmless = 0x80;
    if (digits.consume_front("x{") && !digits.getAsInteger(16, codePoint) &&
        codePoint >= firstHarmless && ConvertCodePointToUTF8(codePoint, end)) {
      result.append(utf8, end);
      pattern = rest;
    } else if (pattern.consume_front("r")) {
      result += '\r';
    } else if (pattern.consume_front("n")) {
      result += '\n';
    } else {
      result += '\\';
      result += pattern.take_front();
      pattern = pattern.drop_front(std::min<size_t>(1, pattern.size()));
    }
  }
  return result;
}

std::string sherry::findPreTokenizer(const PreTokenizer &rule) {
  auto isSame = [](StringRef a, StringRef b) {
    return resolveEscapes(a) == resolveEscapes(b);
  };
  for (const auto &[names, known] : getRules())
    if (known.ignoresMerges == rule.ignoresMerges &&
        known.normalizes == rule.normalizes &&
        llvm::equal(rule.patterns, known.patterns, isSame))
      return names.front().str();
  return "";
}
