//===- Print.cpp - Values as text, as Python writes them ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Value.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

using namespace sherry::jinja;

/// The shortest text that reads as the same number.
static std::string printFloat(double value, bool isJson) {
  if (std::isnan(value))
    return isJson ? "NaN" : "nan";
  if (std::isinf(value))
    return std::string(value < 0 ? "-" : "") + (isJson ? "Infinity" : "inf");
  // Python uses exponents for more than 16 digits, the library for more than
  // 15.
  if (std::abs(value) >= 1e15 && std::abs(value) < 1e16) {
    char buffer[32];
    std::snprintf(buffer, sizeof(buffer), "%.1f", value);
    return buffer;
  }
  return nlohmann::json(value).dump();
}

static std::string writeHex(const char *prefix, uint32_t number, int digits) {
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), "%s%0*x", prefix, digits, number);
  return buffer;
}

/// Appends `text` in quotes; `escape` returns the text that replaces a
/// character, empty if none does. The replacement has the origin of the
/// character.
template <typename Escape>
static void appendQuoted(Text &out, const Text &text, char quote,
                         const Escape &escape) {
  const std::string_view mark(&quote, 1);
  out.append(mark, Origin::Template);
  size_t begin = 0; // of bytes that are not escaped
  const std::string_view view = text.bytes();
  for (size_t i = 0, next; i < view.size(); i = next) {
    next = i + characterSize(view.substr(i));
    const std::string escaped = escape(view.substr(i, next - i));
    if (escaped.empty())
      continue;
    out.append(text, begin, i);
    out.append(escaped, text.originAt(i));
    begin = next;
  }
  out.append(text, begin, text.size());
  out.append(mark, Origin::Template);
}

/// The escape of `character` with a letter that repr and JSON share; else
/// empty.
static std::string escapeCommon(std::string_view character, char quote) {
  const char byte = character.front();
  switch (byte) {
  case '\\':
    return "\\\\";
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  case '\t':
    return "\\t";
  default:
    return byte == quote ? std::string("\\") + quote : "";
  }
}

/// Escapes characters as Python's repr does.
static std::string escapeForRepr(std::string_view character, char quote) {
  const std::string common = escapeCommon(character, quote);
  if (!common.empty() || isPrintable(character))
    return common;
  const uint32_t point = decode(character);
  return point < 0x100     ? writeHex("\\x", point, 2)
         : point < 0x10000 ? writeHex("\\u", point, 4)
                           : writeHex("\\U", point, 8);
}

/// Escapes characters as Python's json.dumps does.
static std::string escapeForJson(std::string_view character, bool isAscii) {
  switch (character.front()) {
  case '\b':
    return "\\b";
  case '\f':
    return "\\f";
  default:
    break;
  }
  const std::string common = escapeCommon(character, '"');
  const uint32_t point = decode(character);
  if (!common.empty() || (point >= 0x20 && (!isAscii || point < 0x7F)))
    return common;
  if (point < 0x10000)
    return writeHex("\\u", point, 4);
  if (point == UINT32_MAX)
    throw Error("tojson: a text is not valid UTF-8");
  const uint32_t rest = point - 0x10000;
  return writeHex("\\u", 0xD800 + (rest >> 10), 4) +
         writeHex("\\u", 0xDC00 + (rest & 0x3FF), 4);
}

static void appendRepr(Text &out, const Value &value);

template <typename Append>
static void appendRepr(Text &out, const Entries &entries,
                       const Append &append) {
  out.append("{", Origin::Template);
  for (size_t i = 0; i < entries.size(); ++i) {
    append(entries[i].first);
    out.append(": ", Origin::Template);
    append(entries[i].second);
    if (i + 1 < entries.size())
      out.append(", ", Origin::Template);
  }
  out.append("}", Origin::Template);
}

/// The brackets around the elements of a list.
static std::pair<const char *, const char *> listMarks(const Value &list) {
  switch (list.listKind()) {
  case ListKind::List:
    return {"[", "]"};
  case ListKind::Tuple:
    return {"(", list.elements().size() == 1 ? ",)" : ")"};
  case ListKind::Keys:
    return {"dict_keys([", "])"};
  case ListKind::Values:
    return {"dict_values([", "])"};
  case ListKind::Items:
    return {"dict_items([", "])"};
  default:
    throw Error("the result of range, map and similar functions is not a text; "
                "make it a "
                "list");
  }
}

static void appendRepr(Text &out, const Value &value) {
  auto append = [&](const Value &member) { appendRepr(out, member); };
  if (value.isText()) {
    const std::string &bytes = value.text().bytes();
    const bool isDouble = bytes.find('\'') != std::string::npos &&
                          bytes.find('"') == std::string::npos;
    const char quote = isDouble ? '"' : '\'';
    appendQuoted(out, value.text(), quote, [&](std::string_view character) {
      return escapeForRepr(character, quote);
    });
  } else if (value.isList()) {
    const auto [begin, end] = listMarks(value);
    out.append(begin, Origin::Template);
    for (size_t i = 0; i < value.elements().size(); ++i) {
      if (i != 0)
        out.append(", ", Origin::Template);
      append(value.elements()[i]);
    }
    out.append(end, Origin::Template);
  } else if (value.isObject())
    appendRepr(out, value.entries(), append);
  else if (value.isUndefined())
    out.append("Undefined", Origin::Template);
  else
    out.append(value.toText());
}

Text Value::toText() const {
  if (isText())
    return text();
  if (isUndefined())
    return Text();
  if (isNone())
    return Text("None");
  if (isBoolean())
    return Text(boolean() ? "True" : "False");
  if (isInteger())
    return Text(std::to_string(*integer()));
  if (isFloat())
    return Text(printFloat(number(), /*isJson=*/false));
  if (!isList() && !isObject())
    throw Error(std::string(kind()) + " cannot be written as text");
  Text result;
  appendRepr(result, *this);
  return result;
}

namespace {

class JsonPrinter {
public:
  explicit JsonPrinter(const JsonStyle &style) : style(style) {}
  Text print(const Value &value) {
    append(value);
    return std::move(out);
  }

private:
  void append(const Value &value);
  void write(std::string_view bytes) { out.append(bytes, Origin::Template); }
  void newLine() {
    if (style.indent < 0)
      return;
    // Cannot overflow: at most Text::maxSize times Value::maxDepth.
    const auto count = static_cast<size_t>(style.indent) * level;
    if (count > Text::maxSize)
      throw Error("the indent of tojson is too large");
    write("\n" + std::string(count, ' '));
  }
  void separate(const Text *separator, const char *otherwise) {
    if (separator)
      out.append(*separator);
    else
      write(otherwise);
  }
  void appendText(const Text &text) {
    appendQuoted(out, text, '"', [&](std::string_view character) {
      return escapeForJson(character, style.isAscii);
    });
  }
  void appendObject(Entries entries);
  /// Writes `count` members, each by `member(i)`, between brackets.
  template <typename Member>
  void appendAll(const char *brackets, size_t count, const Member &member) {
    write({brackets, 1});
    ++level;
    for (size_t i = 0; i < count; ++i) {
      if (i != 0)
        separate(style.itemSeparator, style.indent < 0 ? ", " : ",");
      newLine();
      member(i);
    }
    --level;
    if (count != 0)
      newLine();
    write({brackets + 1, 1});
  }

  const JsonStyle &style;
  size_t level = 0;
  Text out;
};

} // namespace

void JsonPrinter::append(const Value &value) {
  if (value.isNone())
    return write("null");
  if (value.isBoolean())
    return write(value.boolean() ? "true" : "false");
  if (value.isFloat())
    return write(printFloat(value.number(), /*isJson=*/true));
  if (value.isInteger())
    return out.append(value.toText());
  if (value.isText())
    return appendText(value.text());
  if (value.isListOrTuple())
    return appendAll("[]", value.elements().size(),
                     [&](size_t i) { append(value.elements()[i]); });
  if (!value.isObject())
    throw Error(std::string(value.kind()) + " cannot be written as JSON");
  appendObject(value.entries());
}

void JsonPrinter::appendObject(Entries entries) {
  if (style.sortsKeys)
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto &a, const auto &b) {
                       return compare(a.first, b.first) < 0;
                     });
  appendAll("{}", entries.size(), [&](size_t i) {
    const auto &[key, member] = entries[i];
    if (key.isText())
      appendText(key.text());
    else
      appendText(JsonPrinter(JsonStyle()).print(key));
    separate(style.keySeparator, ": ");
    append(member);
  });
}

Text Value::toJson(const JsonStyle &style) const {
  if (style.indent > static_cast<int64_t>(Text::maxSize))
    throw Error("the indent of tojson is too large");
  return JsonPrinter(style).print(*this);
}
