//===- PatternParser.cpp - The syntax of regular expressions --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Pattern.h"

#include <string>

using namespace sherry::grammar;

namespace {

constexpr unsigned kMaxGroups = 32;
constexpr uint32_t kMaxRepeat = 10'000;
constexpr char32_t kEnd = 0xFFFFFFFF;

std::u32string decode(std::string_view text) {
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const unsigned length = lead < 0x80   ? 1
                            : lead < 0xE0 ? 2
                            : lead < 0xF0 ? 3
                                          : 4;
    char32_t c = length == 1 ? lead : lead & (0xFF >> (length + 1));
    for (unsigned k = 1; k < length && i + k < text.size(); ++k)
      c = c << 6 | (text[i + k] & 0x3F);
    result += c;
    i += length;
  }
  return result;
}

using Node = Pattern::Node;

class Parser {
public:
  explicit Parser(std::string_view text) : text(decode(text)) {}

  Pattern parse() {
    do {
      Pattern::Branch branch = {};
      branch.fromBegin = take('^');
      branch.root = parseSequence(0);
      branch.toEnd = take('$');
      pattern.branches.push_back(branch);
    } while (take('|'));
    if (peek() != kEnd)
      refuse(peek() == ')' ? "')' closes nothing"
                           : "'^' and '$' are supported at its ends only");
    return std::move(pattern);
  }

private:
  [[noreturn]] void refuse(const std::string &problem) const {
    throw Refusal("at character " + std::to_string(at + 1) + ": " + problem);
  }
  char32_t peek(size_t ahead = 0) const {
    return at + ahead < text.size() ? text[at + ahead] : kEnd;
  }
  bool take(char32_t c) {
    if (peek() != c)
      return false;
    ++at;
    return true;
  }
  uint32_t add(Node node) {
    pattern.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(pattern.nodes.size() - 1);
  }

  uint32_t parseSequence(unsigned depth);
  uint32_t parseAlternatives(unsigned depth);
  uint32_t parseAtom(unsigned depth);
  uint32_t parseQuantifier(uint32_t atom);
  bool parseNumber(uint32_t &number);
  Characters parseClass();
  Characters parseEscape(bool inClass);
  char32_t parseHex(unsigned digits);

  std::u32string text;
  size_t at = 0;
  Pattern pattern;
};

Characters digits() { return {{'0', '9'}}; }
Characters wordCharacters() {
  return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
}
// WhiteSpace and LineTerminator of ECMA-262.
Characters spaces() {
  return {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},
          {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
          {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
          {0xFEFF, 0xFEFF}};
}

uint32_t Parser::parseAlternatives(unsigned depth) {
  Node node = {Node::Kind::Alternatives, {}, {}};
  do
    node.children.push_back(parseSequence(depth));
  while (take('|'));
  return add(std::move(node));
}

uint32_t Parser::parseSequence(unsigned depth) {
  Node node = {Node::Kind::Sequence, {}, {}};
  while (peek() != kEnd && peek() != '|' && peek() != ')' && peek() != '$' &&
         peek() != '^')
    node.children.push_back(parseQuantifier(parseAtom(depth)));
  return add(std::move(node));
}

uint32_t Parser::parseAtom(unsigned depth) {
  const char32_t c = peek();
  switch (c) {
  case '*':
  case '+':
  case '?':
    refuse("nothing to repeat");
  case '{':
  case '}':
  case ']':
    refuse("'{', '}' and ']' must be written with '\\'");
  case '(': {
    ++at;
    if (peek() == '?') {
      if (peek(1) != ':')
        refuse("groups other than (...) and (?:...) are not supported");
      at += 2;
    }
    if (depth == kMaxGroups)
      refuse("more than " + std::to_string(kMaxGroups) +
             " groups within each other");
    const uint32_t group = parseAlternatives(depth + 1);
    if (!take(')'))
      refuse(peek() == kEnd ? "a group is not closed"
                            : "'^' and '$' are supported at its ends only");
    return group;
  }
  case '[':
    ++at;
    return add({Node::Kind::Characters, parseClass(), {}});
  case '\\':
    ++at;
    return add({Node::Kind::Characters, parseEscape(false), {}});
  case '.':
    ++at;
    return add({Node::Kind::Characters,
                complement({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}),
                {}});
  default:
    ++at;
    return add({Node::Kind::Characters, {{c, c}}, {}});
  }
}

bool Parser::parseNumber(uint32_t &number) {
  const size_t begin = at;
  number = 0;
  while (peek() >= '0' && peek() <= '9') {
    number = number * 10 + (text[at++] - '0');
    if (number > kMaxRepeat)
      refuse("a count is above " + std::to_string(kMaxRepeat));
  }
  return at != begin;
}

uint32_t Parser::parseQuantifier(uint32_t atom) {
  Node node = {Node::Kind::Repeat, {}, {atom}};
  if (take('*')) {
    node.max = kNoLimit;
  } else if (take('+')) {
    node.min = 1;
    node.max = kNoLimit;
  } else if (take('?')) {
    node.max = 1;
  } else if (take('{')) {
    if (!parseNumber(node.min))
      refuse("'{' must be followed by a count, or written with '\\'");
    node.max = node.min;
    if (take(',') && !parseNumber(node.max))
      node.max = kNoLimit;
    if (!take('}'))
      refuse("a count is not closed by '}'");
    if (node.max < node.min)
      refuse("the counts are out of order");
  } else {
    return atom;
  }
  take('?'); // greedy or lazy: the strings are the same
  return add(std::move(node));
}

Characters Parser::parseClass() {
  const bool negated = take('^');
  Characters result;
  while (!take(']')) {
    if (peek() == kEnd)
      refuse("'[' is not closed");
    const auto parseItem = [&]() -> Characters {
      if (take('\\'))
        return parseEscape(true);
      const char32_t c = text[at++];
      return {{c, c}};
    };
    Characters item = parseItem();
    if (peek() == '-' && peek(1) != ']' && peek(1) != kEnd) {
      ++at;
      const Characters last = parseItem();
      const bool single = item.size() == 1 && last.size() == 1 &&
                          item[0].first == item[0].second &&
                          last[0].first == last[0].second;
      if (!single || last[0].first < item[0].first)
        refuse("a range is out of order");
      item[0].second = last[0].second;
    }
    result.insert(result.end(), item.begin(), item.end());
  }
  normalize(result);
  return negated ? complement(result) : result;
}

char32_t Parser::parseHex(unsigned digits) {
  char32_t value = 0;
  for (unsigned i = 0; i < digits; ++i, ++at) {
    const char32_t c = peek();
    if (c >= '0' && c <= '9')
      value = value * 16 + (c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
      value = value * 16 + ((c | 0x20) - 'a' + 10);
    else
      refuse("an escape needs " + std::to_string(digits) +
             " hexadecimal digits");
  }
  return value;
}

Characters Parser::parseEscape(bool inClass) {
  const char32_t c = peek();
  if (c == kEnd)
    refuse("nothing follows '\\'");
  ++at;
  const auto single = [](char32_t c) { return Characters{{c, c}}; };
  switch (c) {
  case 'd':
    return digits();
  case 'D':
    return complement(digits());
  case 'w':
    return wordCharacters();
  case 'W':
    return complement(wordCharacters());
  case 's':
    return spaces();
  case 'S':
    return complement(spaces());
  case 'n':
    return single('\n');
  case 't':
    return single('\t');
  case 'r':
    return single('\r');
  case 'f':
    return single('\f');
  case 'v':
    return single('\v');
  case 'x':
    return single(parseHex(2));
  case 'u': {
    const char32_t high = parseHex(4);
    if (high < 0xD800 || high > 0xDBFF)
      return single(high);
    if (peek() != '\\' || peek(1) != 'u')
      refuse("half of a surrogate pair");
    at += 2;
    const char32_t low = parseHex(4);
    if (low < 0xDC00 || low > 0xDFFF)
      refuse("half of a surrogate pair");
    return single(0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF)));
  }
  case 'b':
    if (inClass)
      return single('\b');
    break;
  default:
    if (c > ' ' && c < 0x7F && !(c >= '0' && c <= '9') &&
        !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
      return single(c);
  }
  refuse("this escape is not supported");
}

} // namespace

Pattern Pattern::parse(std::string_view text) { return Parser(text).parse(); }
