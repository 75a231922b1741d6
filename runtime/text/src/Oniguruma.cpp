//===- Oniguruma.cpp - Expressions of tokenizer.json for PCRE2 ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#define PCRE2_CODE_UNIT_WIDTH 8
#include "Oniguruma.h"
#include "sherry/support/Error.h"
#include "sherry/support/Quote.h"
#include "sherry/text/Utf8.h"

#include <algorithm>
#include <pcre2.h>
#include <vector>

using namespace sherry::runtime;

namespace {

class Translator {
public:
  explicit Translator(std::string_view pattern)
      : pattern(pattern), left(pattern) {}
  std::string translate();

private:
  [[noreturn]] void refuse(const std::string &what) const {
    throw Error("the expression " + quote(pattern) + " has " + what +
                ", which is not supported");
  }
  /// Removes `text` from the front of `left` if it is there.
  bool consume(std::string_view text) {
    if (left.substr(0, text.size()) != text)
      return false;
    left.remove_prefix(text.size());
    return true;
  }
  std::string_view take(size_t size) {
    std::string_view taken = left.substr(0, size);
    left.remove_prefix(taken.size());
    return taken;
  }
  void beginAtom() { atom = out.size(); }
  void translateEscape(bool inClass);
  void translateProperty();
  void translateBoundary();
  void translateClass();
  void translatePosixClass(std::string_view name);
  void openGroup();
  void translateOptions();
  bool translateInterval();

  std::string_view pattern, left;
  std::string out;
  size_t atom = 0;            ///< offset of the last item in `out`
  std::vector<size_t> groups; ///< offsets of the open groups
};

} // namespace

static constexpr char wordClass[] = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
/// The characters that only \w outside of classes has, because of its table for
/// Latin-1: superscript digits and fractions.
static constexpr char moreOfWord[] = R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";

/// PCRE2's \s also has U+180E, which was a space before Unicode 6.3.
static constexpr char spaceClass[] = R"(\p{White_Space})";
static constexpr char otherThanSpace[] = R"(\P{White_Space})";

/// Classes in classes that have other characters in PCRE2.
static constexpr std::pair<std::string_view, const char *> posixClasses[] = {
    {"alnum", R"(\p{Alphabetic}\p{Nd})"},
    {"alpha", R"(\p{Alphabetic})"},
    {"blank", R"(\t\p{Zs})"},
    {"graph", R"(\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co})"},
    {"lower", R"(\p{Lowercase})"},
    {"print", R"(\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}\p{Zs})"},
    {"punct", R"(\p{P})"},
    {"space", spaceClass},
    {"upper", R"(\p{Uppercase})"},
    {"word", wordClass}};

static bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Whether PCRE2 knows a script of this name; there are more than a hundred.
static bool isScript(std::string_view name) {
  const std::string pattern = "\\p{sc:" + std::string(name) + "}";
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code *code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                    pattern.size(), PCRE2_UTF, &error, &offset, nullptr);
  pcre2_code_free(code);
  return code != nullptr;
}

/// `left` begins with the letter of a property, which has braces. In Oniguruma
/// a script has only its own characters; PCRE2 adds characters that it shares
/// with others.
void Translator::translateProperty() {
  const size_t end = left.find('}');
  if (left.substr(1, 1) != "{" || end == std::string_view::npos)
    refuse(std::string("\\") + left[0] + " without braces");
  std::string_view name = left.substr(2, end - 2);
  out += '\\';
  out += take(2);
  if (name.substr(0, 1) == "^") {
    out += take(1);
    name.remove_prefix(1);
  }
  if (isScript(name))
    out += "sc:";
  out += take(name.size() + 1);
}

/// `left` begins with the letter of \b or \B, the boundary of a word.
void Translator::translateBoundary() {
  const std::string word = std::string("[") + wordClass + moreOfWord + "])";
  const bool isBoundary = take(1) == "b";
  out += "(?:(?<=" + word + (isBoundary ? "(?!" : "(?=") + word + "|(?<!" +
         word + (isBoundary ? "(?=" : "(?!") + word + ")";
}

/// `left` begins with a backslash.
void Translator::translateEscape(bool inClass) {
  left.remove_prefix(1);
  if (left.empty())
    refuse("a backslash at the end");
  const char letter = left[0];
  auto put = [&](const std::string &members) {
    left.remove_prefix(1);
    out += inClass ? members : "[" + members + "]";
  };
  auto putOthers = [&](const std::string &members) {
    if (inClass)
      refuse(std::string("\\") + letter + " in a class");
    left.remove_prefix(1);
    out += "[^" + members + "]";
  };
  switch (letter) {
  case 'h': // a hexadecimal digit; PCRE2: a blank
    return put("0-9a-fA-F");
  case 'H':
    return putOthers("0-9a-fA-F");
  case 'w': // PCRE2 leaves marks out
    return put(std::string(wordClass) + (inClass ? "" : moreOfWord));
  case 'W':
    return putOthers(std::string(wordClass) + moreOfWord);
  case 's':
  case 'S':
    left.remove_prefix(1);
    out += letter == 's' ? spaceClass : otherThanSpace;
    return;
  case 'p':
  case 'P':
    return translateProperty();
  case 'v': // one character; PCRE2: a class
    return put("\\x{b}");
  case 'u': // four digits
    left.remove_prefix(1);
    if (left.size() < 4)
      refuse("\\u without four digits");
    out += "\\x{" + std::string(take(4)) + "}";
    return;
  case 'x': {
    const bool hasBraces = left.size() > 1 && left[1] == '{';
    const size_t end = left.find('}');
    if (hasBraces && end == std::string_view::npos)
      refuse("\\x without braces");
    auto isHex = [](char c) {
      return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    size_t size = 1;
    while (size < std::min<size_t>(3, left.size()) && isHex(left[size]))
      ++size;
    out += '\\';
    out += take(hasBraces ? end + 1 : size);
    return;
  }
  // Known to only one of the two, or with different meanings.
  case 'C':
  case 'E':
  case 'K':
  case 'M':
  case 'O':
  case 'Q':
  case 'V':
  case 'Y':
  case 'c':
  case 'g':
  case 'y':
    refuse(std::string("\\") + letter);
  default: {
    if (!inClass && (letter == 'b' || letter == 'B'))
      return translateBoundary();
    // A letter with the same meaning in both, or a literal character.
    size_t length;
    classifyUtf8(left, length);
    out += '\\';
    out += take(length);
  }
  }
}

/// A class within a class, [:name:] or [:^name:].
void Translator::translatePosixClass(std::string_view name) {
  const bool isNegated = name.substr(0, 1) == "^";
  for (const auto &[known, text] : posixClasses) {
    if (name.substr(isNegated) != known)
      continue;
    const std::string members = text;
    // Only a single property can be negated.
    if (isNegated && members.rfind("\\p{") != 0)
      refuse("[:" + std::string(name) + ":] in a class");
    out += isNegated ? "\\P" + members.substr(2) : members;
    return;
  }
  out += "[:" + std::string(name) + ":]";
}

/// `left` begins with a bracket.
void Translator::translateClass() {
  out += take(1);
  if (consume("^"))
    out += '^';
  if (consume("]"))
    out += "\\]";
  while (true) {
    if (left.empty())
      refuse("a class without an end");
    if (consume("]"))
      break;
    if (left.substr(0, 2) == "&&")
      refuse("an intersection of classes by &&");
    if (left.substr(0, 2) == "[:") {
      const size_t end = left.find(":]");
      if (end == std::string_view::npos)
        refuse("[: in a class without an end");
      translatePosixClass(left.substr(2, end - 2));
      left.remove_prefix(end + 2);
    } else if (left[0] == '[') {
      refuse("a class in a class (a bracket is written \\[)");
    } else if (left[0] == '\\') {
      translateEscape(/*inClass=*/true);
    } else {
      out += take(1);
    }
  }
  out += ']';
}

/// Options of a group: i, and m, with which a dot also matches the end of a
/// line.
void Translator::translateOptions() {
  const size_t begin = groups.back();
  out += '?';
  while (true) {
    if (consume("i"))
      out += 'i';
    else if (consume("m"))
      out += 's';
    else if (consume("-"))
      out += '-';
    else
      break;
  }
  if (consume(":"))
    out += ':';
  else if (left.substr(0, 1) != ")")
    refuse("a group (?" + std::string(left.substr(0, 1)));
  // The options hold for the following alternatives: in Oniguruma for all of
  // them as one group, in PCRE2 for each; this is the same only at the
  // beginning.
  else if (begin != 0)
    refuse("options in its middle, (?" + out.substr(begin + 2) + ")");
}

/// `left` begins with a parenthesis.
void Translator::openGroup() {
  groups.push_back(out.size());
  out += take(1);
  if (left.substr(0, 1) == "*")
    refuse("(*");
  if (!consume("?"))
    return;
  for (std::string_view kind : {":", "=", "!", ">", "<=", "<!"})
    if (consume(kind)) {
      out += '?';
      out += kind;
      return;
    }
  for (auto [open, close] : {std::pair('<', '>'), std::pair('\'', '\'')})
    if (left.substr(0, 1) == std::string_view(&open, 1)) {
      const size_t end = left.find(close, 1);
      if (end == std::string_view::npos)
        refuse("the name of a group without an end");
      out += '?';
      out += take(end + 1);
      return;
    }
  translateOptions();
}

/// A repetition {n,m}, if `left` begins with one. In PCRE2 a + after it is
/// possessive and a ? after {n} is lazy; in Oniguruma both are further
/// repetitions.
bool Translator::translateInterval() {
  const size_t end = left.find('}');
  if (end == std::string_view::npos)
    return false;
  std::string_view inner = left.substr(1, end - 1);
  const size_t comma = inner.find(',');
  const std::string_view low = inner.substr(0, comma);
  const std::string_view high =
      comma == std::string_view::npos ? low : inner.substr(comma + 1);
  if (!std::all_of(low.begin(), low.end(), isDigit) ||
      !std::all_of(high.begin(), high.end(), isDigit) ||
      (low.empty() && high.empty()))
    return false;
  left.remove_prefix(end + 1);
  out += '{';
  out += low.empty() ? "0" : low;
  if (comma != std::string_view::npos)
    (out += ',') += high;
  out += '}';
  const bool isFixed = comma == std::string_view::npos;
  if (left.substr(0, 1) == "+" || (isFixed && left.substr(0, 1) == "?")) {
    out.insert(atom, "(?:");
    out += ')';
  } else if (consume("?")) {
    out += '?';
  }
  return true;
}

std::string Translator::translate() {
  while (!left.empty()) {
    const char c = left[0];
    switch (c) {
    case '\\':
      beginAtom();
      translateEscape(/*inClass=*/false);
      break;
    case '[':
      beginAtom();
      translateClass();
      break;
    case '(':
      openGroup();
      break;
    case ')':
      if (!groups.empty()) {
        atom = groups.back();
        groups.pop_back();
      }
      out += take(1);
      break;
    case '^': // of a line
      beginAtom();
      left.remove_prefix(1);
      out += "(?m:^)";
      break;
    case '$':
      beginAtom();
      left.remove_prefix(1);
      out += "(?m:$)";
      break;
    case '{':
      if (translateInterval())
        break;
      beginAtom();
      left.remove_prefix(1);
      out += "\\{";
      break;
    case '*':
    case '+':
    case '?':
    case '|':
      out += take(1);
      break;
    default: {
      size_t length;
      classifyUtf8(left, length);
      beginAtom();
      out += take(length);
    }
    }
  }
  return out;
}

std::string sherry::runtime::translateOniguruma(std::string_view pattern) {
  return Translator(pattern).translate();
}
