//===- Lexer.cpp - The words of a template --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Lexer.h"
#include "sherry/text/jinja/Error.h"
#include "sherry/text/jinja/Text.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

using namespace sherry::jinja;

/// The most letters of a name.
static constexpr size_t maxName = 255;

/// Turns line ends into \n and removes the last one, as Jinja does.
static std::string normalizeLines(std::string_view source) {
  std::string result;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r')
      result += source[i];
    else if (source.substr(i, 2) != "\r\n")
      result += '\n';
  }
  if (!result.empty() && result.back() == '\n')
    result.pop_back();
  return result;
}

static bool isLetter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         byte == '_';
}
static bool isDigit(char byte) { return byte >= '0' && byte <= '9'; }

static void appendUtf8(std::string &out, uint32_t point) {
  if (point < 0x80)
    out += static_cast<char>(point);
  else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    if (point < 0x10000)
      out += static_cast<char>(0xE0 | point >> 12);
    else {
      out += static_cast<char>(0xF0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

namespace {

class Lexer {
public:
  explicit Lexer(std::string_view source) : source(normalizeLines(source)) {}
  std::vector<Token> read();

private:
  [[noreturn]] void fail(const std::string &what) const {
    throw LocatedError(line, what);
  }
  bool startsWith(std::string_view word) const {
    return source.compare(at, word.size(), word) == 0;
  }
  /// Moves on to `end`.
  void advance(size_t end) {
    line += static_cast<size_t>(
        std::count(source.begin() + static_cast<ptrdiff_t>(at),
                   source.begin() + static_cast<ptrdiff_t>(end), '\n'));
    at = end;
  }
  void add(Token::Kind kind, std::string text, size_t end) {
    tokens.push_back({kind, std::move(text), line});
    advance(end);
  }
  void readData();
  void addData(std::string_view text, char sign, bool isPrint);
  void readTag(bool isPrint);
  bool readEnd(bool isPrint);
  void readComment(size_t inside);
  bool readRaw();
  void trimAfter(char sign, bool isPrint);
  void readWord();
  void readNumber();
  void readString();
  uint32_t readEscape(size_t &place, size_t digits);
  void readOperator();

  std::string source;
  size_t at = 0, line = 1;
  bool isLineBegin = true; ///< nothing of the line has been read yet
  std::string brackets;    ///< the open ones
  std::vector<Token> tokens;
};

} // namespace

std::vector<Token> Lexer::read() {
  while (at < source.size())
    readData();
  add(Token::End, "", at);
  return std::move(tokens);
}

/// Adds text, without the white space that the tag after it removes.
void Lexer::addData(std::string_view text, char sign, bool isPrint) {
  const size_t end = at + text.size();
  if (sign == '-') {
    text = text.substr(0, Text(text).strip(nullptr, false, true).size());
  } else if (sign != '+' && !isPrint) {
    // A tag alone at the beginning of its line.
    const size_t begin = text.rfind('\n') + 1; // 0: no line end
    if ((begin > 0 || isLineBegin) &&
        Text(text.substr(begin)).strip(nullptr, true, true).empty())
      text = text.substr(0, begin);
  }
  if (!text.empty())
    tokens.push_back({Token::Data, std::string(text), line});
  advance(end);
}

/// Skips the white space that a tag which has just ended removes after it.
void Lexer::trimAfter(char sign, bool isPrint) {
  const size_t begin = at;
  if (sign == '-') {
    const std::string_view view = source;
    size_t end = at;
    while (end < view.size()) {
      const size_t size = characterSize(view.substr(end));
      if (!isSpace(view.substr(end, size)))
        break;
      end += size;
    }
    advance(end);
  } else if (sign != '+' && !isPrint && startsWith("\n"))
    advance(at + 1);
  isLineBegin = at > begin && source[at - 1] == '\n';
}

/// Reads text up to the next tag, and the tag.
void Lexer::readData() {
  size_t begin = at;
  while ((begin = source.find('{', begin)) != std::string::npos &&
         (begin + 1 >= source.size() ||
          std::string_view("{%#").find(source[begin + 1]) ==
              std::string_view::npos))
    ++begin;
  if (begin == std::string::npos) {
    add(Token::Data, source.substr(at), source.size());
    return;
  }
  const char kind = source[begin + 1];
  const char next = begin + 2 < source.size() ? source[begin + 2] : '\0';
  const char sign = next == '-' || next == '+' ? next : '\0';
  addData(std::string_view(source).substr(at, begin - at), sign, kind == '{');
  const size_t inside = at + (sign ? 3 : 2);
  if (kind == '#')
    return readComment(inside);
  advance(inside);
  if (kind == '%' && readRaw())
    return;
  tokens.push_back(
      {kind == '{' ? Token::PrintBegin : Token::BlockBegin, "", line});
  readTag(kind == '{');
}

/// Reads a comment, whose text begins at `inside`.
void Lexer::readComment(size_t inside) {
  const size_t end = source.find("#}", inside);
  if (end == std::string::npos)
    fail("a comment {# has no end");
  const char sign = source[end - 1];
  const bool hasSign = end > inside && (sign == '-' || sign == '+');
  advance(end + 2);
  trimAfter(hasSign ? sign : '\0', false);
}

/// Reads the text between {% raw %} and {% endraw %}. Returns false, and reads
/// nothing, at another tag.
bool Lexer::readRaw() {
  auto skipSpaces = [&](size_t place) {
    return std::min(source.find_first_not_of(" \t\n", place), source.size());
  };
  /// Finds the end of a tag of `word`, after its %}, and the sign before it.
  auto matchTag = [&](size_t place, std::string_view word, char &sign) {
    place = skipSpaces(place);
    if (source.compare(place, word.size(), word) != 0)
      return size_t{0};
    place = skipSpaces(place + word.size());
    sign = place < source.size() ? source[place] : '\0';
    if (sign == '-' || sign == '+')
      ++place;
    return source.compare(place, 2, "%}") == 0 ? place + 2 : 0;
  };
  char sign;
  const size_t begin = matchTag(at, "raw", sign);
  if (begin == 0)
    return false;
  advance(begin);
  // Unlike other tags, {% raw %} keeps the line end after it.
  trimAfter(sign == '-' ? '-' : '+', false);
  for (size_t end = at; (end = source.find("{%", end)) != std::string::npos;
       ++end) {
    const char before = end + 2 < source.size() ? source[end + 2] : '\0';
    const bool hasSign = before == '-' || before == '+';
    const size_t after = matchTag(end + (hasSign ? 3 : 2), "endraw", sign);
    if (after == 0)
      continue;
    addData(std::string_view(source).substr(at, end - at),
            hasSign ? before : '\0', false);
    advance(after);
    trimAfter(sign, false);
    return true;
  }
  fail("{% raw %} has no {% endraw %}");
}

bool Lexer::readEnd(bool isPrint) {
  const std::string_view end = isPrint ? "}}" : "%}";
  const bool hasSign = startsWith("-") || (!isPrint && startsWith("+"));
  if (!brackets.empty() || source.compare(at + (hasSign ? 1 : 0), 2, end) != 0)
    return false;
  const char sign = hasSign ? source[at] : '\0';
  add(isPrint ? Token::PrintEnd : Token::BlockEnd, "", at + (hasSign ? 3 : 2));
  trimAfter(sign, isPrint);
  return true;
}

void Lexer::readTag(bool isPrint) {
  const size_t begin = line;
  brackets.clear();
  while (true) {
    advance(std::min(source.find_first_not_of(" \t\n\v\f", at), source.size()));
    if (at == source.size())
      throw LocatedError(begin, std::string("a tag ") +
                                    (isPrint ? "{{" : "{%") + " has no end");
    if (readEnd(isPrint))
      return;
    const char byte = source[at];
    if (isLetter(byte))
      readWord();
    else if (isDigit(byte))
      readNumber();
    else if (byte == '\'' || byte == '"')
      readString();
    else
      readOperator();
  }
}

void Lexer::readWord() {
  size_t end = at;
  while (end < source.size() && (isLetter(source[end]) || isDigit(source[end])))
    ++end;
  // Names are limited, because they are looked up in each pass of a loop, and
  // occur in errors.
  if (end - at > maxName)
    fail("a name has more than " + std::to_string(maxName) + " letters");
  add(Token::Name, source.substr(at, end - at), end);
}

void Lexer::readNumber() {
  size_t end = at;
  auto skipDigits = [&] {
    while (end < source.size() && (isDigit(source[end]) || source[end] == '_'))
      ++end;
  };
  auto byteAt = [&](size_t place) {
    return place < source.size() ? source[place] : '\0';
  };
  skipDigits();
  bool isFloat = false;
  if (byteAt(end) == '.' && isDigit(byteAt(end + 1))) {
    isFloat = true;
    ++end;
    skipDigits();
  }
  if (byteAt(end) == 'e' || byteAt(end) == 'E') {
    const bool hasSign = byteAt(end + 1) == '-' || byteAt(end + 1) == '+';
    if (isDigit(byteAt(end + (hasSign ? 2 : 1)))) {
      isFloat = true;
      end += hasSign ? 2 : 1;
      skipDigits();
    }
  }
  if (isLetter(byteAt(end)))
    fail("'" + source.substr(at, end + 1 - at) +
         "' is not a number in decimal digits");
  std::string digits = source.substr(at, end - at);
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  Token token = {isFloat ? Token::Float : Token::Integer, digits, line};
  errno = 0;
  if (isFloat)
    token.number = std::strtod(digits.c_str(), nullptr);
  else
    token.integer = std::strtoll(digits.c_str(), nullptr, 10);
  if (!isFloat && errno == ERANGE)
    fail("the number " + digits + " has more than 63 bits");
  tokens.push_back(std::move(token));
  advance(end);
}

/// Reads a number of hexadecimal digits from `place` on.
uint32_t Lexer::readEscape(size_t &place, size_t digits) {
  const std::string word = source.substr(place, digits);
  if (word.size() < digits ||
      word.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
    fail("a \\x, \\u or \\U in a string has too few digits");
  place += digits;
  const auto point = static_cast<uint32_t>(std::stoul(word, nullptr, 16));
  if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
    fail("\\u" + word + " in a string is not a character");
  return point;
}

void Lexer::readString() {
  static constexpr std::string_view names("\n\\'\"abfnrtv"),
      values("\0\\'\"\a\b\f\n\r\t\v", 11);
  const char quote = source[at];
  std::string value;
  size_t place = at + 1;
  while (true) {
    if (place >= source.size())
      fail("a string has no end");
    const char byte = source[place++];
    if (byte == quote)
      break;
    if (byte != '\\' || place == source.size()) {
      value += byte;
      continue;
    }
    const char name = source[place++];
    const size_t known = names.find(name);
    if (known != std::string_view::npos)
      value.append(values.substr(known, name == '\n' ? 0 : 1));
    else if (name == 'x' || name == 'u' || name == 'U')
      appendUtf8(value, readEscape(place, name == 'x'   ? 2
                                          : name == 'u' ? 4
                                                        : 8));
    else if (isDigit(name) || name == 'N')
      fail(std::string("the escape \\") + name +
           " in a string is not supported; \\x and \\u are");
    else {
      value += '\\';
      value += name;
    }
  }
  add(Token::String, std::move(value), place);
}

void Lexer::readOperator() {
  for (std::string_view word : {"//", "**", "==", "!=", ">=", "<="})
    if (startsWith(word))
      return add(Token::Operator, std::string(word), at + 2);
  const char byte = source[at];
  constexpr std::string_view all = "+-/*%~[](){}><=.:|,;";
  if (all.find(byte) == std::string_view::npos)
    fail("unexpected '" +
         source.substr(at, characterSize(std::string_view(source).substr(at))) +
         "'");
  constexpr std::string_view opening = "([{", closing = ")]}";
  if (opening.find(byte) != std::string_view::npos)
    brackets += closing[opening.find(byte)];
  else if (closing.find(byte) != std::string_view::npos) {
    if (brackets.empty() || brackets.back() != byte)
      fail(std::string("unexpected '") + byte + "'");
    brackets.pop_back();
  }
  add(Token::Operator, std::string(1, byte), at + 1);
}

std::vector<Token> sherry::jinja::readTokens(std::string_view source) {
  return Lexer(source).read();
}
