//===- TokenizerSteps.cpp - The steps around the model --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenizerSteps.h"
#include "TokenizerFields.h"
#include "sherry/support/Quote.h"
#include "sherry/text/ByteLevel.h"

#include <functional>
#include <utility>

using namespace sherry::runtime;
using namespace sherry::runtime::fields;
using nlohmann::json;

/// The characters that Punctuation cuts: punctuation of Unicode, and the
/// symbols of ASCII.
static constexpr char punctuationPattern[] = R"([\p{P}$+<=>^`|~])";

static constexpr size_t maxSteps = 16;

namespace {

class StepParser {
public:
  StepParser(uint32_t vocabSize, TokenizerConfig &config)
      : vocabSize(vocabSize), config(config) {}
  void parse(const json &root);

private:
  void parseNormalizer(const json &step, const std::string &where);
  void parseMetaspace(const json &step, const std::string &where);
  void parsePreTokenizer(const json &step, const std::string &where);
  void parseSplit(const json &step, const std::string &where);
  void parsePostProcessor(const json &processor, const std::string &where);
  void parseTemplate(const json &processor, const std::string &where);
  void parseDecoder(const json &decoder, const std::string &where);

  uint32_t vocabSize;
  TokenizerConfig &config;
  bool byteLevel = false, hasDecoder = false;
};

} // namespace

/// Calls `parse` for `step` or, if it is a Sequence, for each of its parts in
/// the field `list`. Nested sequences are refused: no tokenizer needs them, and
/// they would recurse.
static void forEachStep(
    const json &step, const std::string &where, const char *list,
    const std::function<void(const json &, const std::string &)> &parse) {
  if (getString(step, "type", where) != "Sequence")
    return parse(step, where);
  const json &parts = getList(step, list, where);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string inner = where + list + "[" + std::to_string(i) + "].";
    if (getString(parts[i], "type", inner) == "Sequence")
      fail(inner + "type", "a Sequence in a Sequence is not supported");
    parse(parts[i], inner);
  }
}

void StepParser::parseNormalizer(const json &step, const std::string &where) {
  const std::string &type = getString(step, "type", where);
  if (type == "NFC") {
    config.nfc = true;
  } else if (!config.characters) {
    fail(where + "type",
         quote(type) + " is not supported, only null and \"NFC\" are");
  } else if (type == "Prepend") {
    if (getString(step, "prepend", where) != spaceSymbol)
      fail(where + "prepend", "only \"\u2581\" is supported");
    config.prefixSpace = PrefixSpace::Always;
  } else if (type == "Replace") {
    const json *pattern = find(step, "pattern");
    if (!pattern || getString(*pattern, "String", where + "pattern.") != " " ||
        getString(step, "content", where) != spaceSymbol)
      fail(where + "pattern", "only \" \" by \"\u2581\" is supported");
  } else {
    fail(where + "type", quote(type) + " is not supported");
  }
}

void StepParser::parseMetaspace(const json &step, const std::string &where) {
  if (getString(step, "replacement", where) != spaceSymbol)
    fail(where + "replacement", "only \"\u2581\" is supported");
  std::string scheme =
      getBool(step, "add_prefix_space", true, where) ? "always" : "never";
  if (find(step, "prepend_scheme"))
    scheme = getString(step, "prepend_scheme", where);
  config.prefixSpace = scheme == "always"  ? PrefixSpace::Always
                       : scheme == "first" ? PrefixSpace::First
                                           : PrefixSpace::Never;
  config.prefixesSpaces = false;
  config.splitsAtSpaces = getBool(step, "split", true, where);
}

static SplitBehavior parseBehavior(const std::string &name,
                                   const std::string &field) {
  constexpr std::pair<const char *, SplitBehavior> behaviors[] = {
      {"Isolated", SplitBehavior::Isolated},
      {"Removed", SplitBehavior::Removed},
      {"Contiguous", SplitBehavior::Contiguous},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
      {"MergedWithNext", SplitBehavior::MergedWithNext}};
  for (const auto &[known, behavior] : behaviors)
    if (name == known)
      return behavior;
  fail(field, quote(name) +
                  " is not supported, only \"Isolated\", \"Removed\", "
                  "\"Contiguous\", \"MergedWithPrevious\" and "
                  "\"MergedWithNext\" are");
}

void StepParser::parseSplit(const json &step, const std::string &where) {
  SplitStep split;
  split.behavior =
      parseBehavior(getString(step, "behavior", where), where + "behavior");
  split.inverts = getBool(step, "invert", false, where);
  split.seesBytes = byteLevel;
  const json *pattern = find(step, "pattern");
  if (!pattern)
    fail(where + "pattern", "is missing");
  split.literal = find(*pattern, "String");
  split.pattern = getString(*pattern, split.literal ? "String" : "Regex",
                            where + "pattern.");
  config.steps.push_back(std::move(split));
}

void StepParser::parsePreTokenizer(const json &step, const std::string &where) {
  const std::string &type = getString(step, "type", where);
  if (config.characters) {
    if (type != "Metaspace")
      fail(where + "type", quote(type) +
                               " is not supported with byte_fallback, "
                               "only \"Metaspace\" is");
    return parseMetaspace(step, where);
  }
  if (config.steps.size() >= maxSteps)
    fail(where + "type",
         "more than " + std::to_string(maxSteps) + " steps are not supported");
  if (type == "Split") {
    parseSplit(step, where);
  } else if (type == "Punctuation") {
    std::string behavior = "Isolated";
    if (find(step, "behavior"))
      behavior = getString(step, "behavior", where);
    config.steps.push_back({false, punctuationPattern, false,
                            parseBehavior(behavior, where + "behavior"), false,
                            byteLevel});
  } else if (type == "Digits") {
    bool each = getBool(step, "individual_digits", false, where);
    config.steps.push_back({false, each ? "\\p{N}" : "\\p{N}+", false,
                            SplitBehavior::Isolated, false, byteLevel});
  } else if (type == "ByteLevel") {
    if (byteLevel)
      fail(where + "type", "a second ByteLevel is not supported");
    byteLevel = true;
    config.steps.push_back(
        {getBool(step, "add_prefix_space", true, where),
         getBool(step, "use_regex", true, where) ? kGpt2Pattern : ""});
  } else {
    fail(where + "type", quote(type) + " is not supported");
  }
}

void StepParser::parsePostProcessor(const json &processor,
                                    const std::string &where) {
  const std::string &type = getString(processor, "type", where);
  if (type == "TemplateProcessing")
    parseTemplate(processor, where);
  else if (type != "ByteLevel") // which only moves offsets
    fail(where + "type", quote(type) + " is not supported");
}

void StepParser::parseTemplate(const json &processor,
                               const std::string &where) {
  // Tokens after the text are for training; a text that is to be continued has
  // none.
  const json &single = getList(processor, "single", where);
  const json *first =
      single.empty() ? nullptr : find(single[0], "SpecialToken");
  if (!first)
    return;
  if (single.size() > 1 && find(single[1], "SpecialToken"))
    fail(where + "single", "more than one token in front of the text is not "
                           "supported");
  const std::string &name =
      getString(*first, "id", where + "single[0].SpecialToken.");
  const std::string tokenField = where + "special_tokens[" + quote(name) + "]";
  const json *special = find(processor, "special_tokens");
  const json *token = special ? find(*special, name.c_str()) : nullptr;
  if (!token)
    fail(tokenField, "is missing");
  const json &ids = getList(*token, "ids", tokenField + ".");
  if (ids.size() != 1)
    fail(tokenField + ".ids", "must have one id");
  config.firstToken =
      getToken(&ids[0], vocabSize, [&] { return tokenField + ".ids"; });
}

/// The decoder of byte-level tokenizers: only turns tokens into bytes.
void StepParser::parseDecoder(const json &decoder, const std::string &where) {
  const std::string &type = getString(decoder, "type", where);
  if (type != "ByteLevel" || hasDecoder)
    fail(where + "type",
         quote(type) + " is not supported, only one \"ByteLevel\" is");
  hasDecoder = true;
}

void StepParser::parse(const json &root) {
  using std::placeholders::_1, std::placeholders::_2;
  if (const json *normalizer = find(root, "normalizer"))
    forEachStep(*normalizer, "normalizer.", "normalizers",
                std::bind(&StepParser::parseNormalizer, this, _1, _2));
  if (const json *step = find(root, "pre_tokenizer"))
    forEachStep(*step, "pre_tokenizer.", "pretokenizers",
                std::bind(&StepParser::parsePreTokenizer, this, _1, _2));
  if (!byteLevel && !config.characters)
    fail("pre_tokenizer",
         "has no ByteLevel: only byte-level BPE and tokenizers converted from "
         "SentencePiece are supported");
  if (const json *processor = find(root, "post_processor"))
    forEachStep(*processor, "post_processor.", "processors",
                std::bind(&StepParser::parsePostProcessor, this, _1, _2));
  if (const json *decoder = find(root, "decoder"); decoder && byteLevel)
    forEachStep(*decoder, "decoder.", "decoders",
                std::bind(&StepParser::parseDecoder, this, _1, _2));
}

void sherry::runtime::parseTokenizerSteps(const json &root, uint32_t vocabSize,
                                          TokenizerConfig &config) {
  StepParser(vocabSize, config).parse(root);
}
