//===- Print.cpp - Values as text, as Python writes them ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Value.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace sherry::jinja;

/// The shortest text that gives the same number.
static std::string printFloat(double value, bool isJson) {
  if (std::isnan(value))
    return isJson ? "NaN" : "nan";
  if (std::isinf(value))
    return std::string(value < 0 ? "-" : "") + (isJson ? "Infinity" : "inf");
  // Python begins with exponents where 16 digits end, the library with 15.
  if (std::abs(value) >= 1e15 && std::abs(value) < 1e16) {
    char buffer[32];
    std::snprintf(buffer, sizeof(buffer), "%.1f", value);
    return buffer;
  }
  return nlohmann::json(value).dump();
}

static std::string escapeControl(unsigned char byte, const char *prefix,
                                 int digits) {
  char buffer[8];
  std::snprintf(buffer, sizeof(buffer), "%s%0*x", prefix, digits, byte);
  return buffer;
}

/// Appends `text` between quotes; `escape` gives what is written for a byte, if
/// not the byte itself. All of it has the origin of the byte.
template <typename Escape>
static void appendQuoted(Text &out, const Text &text, char quote,
                         const Escape &escape) {
  const std::string_view mark(&quote, 1);
  out.append(mark, Origin::Template);
  size_t begin = 0; // of what is written as it is
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string escaped = escape(text.bytes()[i]);
    if (escaped.empty())
      continue;
    out.append(text, begin, i);
    out.append(escaped, text.originAt(i));
    begin = i + 1;
  }
  out.append(text, begin, text.size());
  out.append(mark, Origin::Template);
}

static std::string escapeCommon(char byte, char quote) {
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

static void appendRepr(Text &out, const Value &value) {
  auto append = [&](const Value &member) { appendRepr(out, member); };
  if (value.isText()) {
    const std::string &bytes = value.text().bytes();
    const bool isDouble = bytes.find('\'') != std::string::npos &&
                          bytes.find('"') == std::string::npos;
    const char quote = isDouble ? '"' : '\'';
    appendQuoted(out, value.text(), quote, [&](char byte) {
      const auto code = static_cast<unsigned char>(byte);
      const std::string common = escapeCommon(byte, quote);
      const bool isControl = code < 0x20 || code == 0x7F;
      return common.empty() && isControl ? escapeControl(code, "\\x", 2)
                                         : common;
    });
  } else if (value.isList()) {
    out.append("[", Origin::Template);
    for (size_t i = 0; i < value.elements().size(); ++i) {
      if (i != 0)
        out.append(", ", Origin::Template);
      append(value.elements()[i]);
    }
    out.append("]", Origin::Template);
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
  explicit JsonPrinter(int64_t indent) : indent(indent) {}
  Text print(const Value &value) {
    append(value);
    return std::move(out);
  }

private:
  void append(const Value &value);
  void write(std::string_view bytes) { out.append(bytes, Origin::Template); }
  void newLine() {
    if (indent < 0)
      return;
    // At most Text::maxSize times Value::maxDepth.
    const auto count = static_cast<size_t>(indent) * level;
    if (count > Text::maxSize)
      throw Error("the indent of tojson is too large");
    write("\n" + std::string(count, ' '));
  }
  void appendText(const Text &text) {
    appendQuoted(out, text, '"', [](char byte) -> std::string {
      const auto code = static_cast<unsigned char>(byte);
      if (byte == '\b')
        return "\\b";
      if (byte == '\f')
        return "\\f";
      const std::string common = escapeCommon(byte, '"');
      return common.empty() && code < 0x20 ? escapeControl(code, "\\u", 4)
                                           : common;
    });
  }
  /// What lies between brackets: `count` members that `member(i)` writes.
  template <typename Member>
  void appendAll(const char *brackets, size_t count, const Member &member) {
    write({brackets, 1});
    ++level;
    for (size_t i = 0; i < count; ++i) {
      if (i != 0)
        write(indent < 0 ? ", " : ",");
      newLine();
      member(i);
    }
    --level;
    if (count != 0)
      newLine();
    write({brackets + 1, 1});
  }

  int64_t indent;
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
  if (value.isList())
    return appendAll("[]", value.elements().size(),
                     [&](size_t i) { append(value.elements()[i]); });
  if (!value.isObject())
    throw Error(std::string(value.kind()) + " cannot be written as JSON");
  appendAll("{}", value.entries().size(), [&](size_t i) {
    const auto &[key, member] = value.entries()[i];
    if (key.isText())
      appendText(key.text());
    else
      appendText(JsonPrinter(-1).print(key));
    write(": ");
    append(member);
  });
}

Text Value::toJson(int64_t indent) const {
  if (indent > static_cast<int64_t>(Text::maxSize))
    throw Error("the indent of tojson is too large");
  return JsonPrinter(indent).print(*this);
}
