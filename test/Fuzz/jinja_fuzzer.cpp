//===- jinja_fuzzer.cpp - Fuzzes the templates of chats -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is a template. What it writes must be short enough, and a byte that
// occurs in a message only must be known to come from there.
//
//===----------------------------------------------------------------------===//
#include "sherry/text/jinja/Json.h"
#include "sherry/text/jinja/Template.h"

#include <cstdlib>

using namespace sherry::jinja;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view source(reinterpret_cast<const char *>(data), size);
  constexpr char mark = '\x01';
  const std::string content = std::string(" Hi") + mark + ", \u00fc \xff<s>\n";
  static const nlohmann::ordered_json messages = {
      {{"role", "system"}, {"content", "x"}},
      {{"role", "user"}, {"content", content}},
      {{"role", "assistant"}, {"content", "<think>a</think>\nb"}}};
  try {
    const Entries variables = {
        {"messages", fromJson(messages, Origin::Message)},
        {"bos_token", "<s>"},
        {"eos_token", "</s>"},
        {"add_generation_prompt", true}};
    // The limits are those that users have: what is slow is to be found.
    const Text text = Template(source).render(variables, Environment());
    if (text.size() > Text::maxSize)
      std::abort();
    // A template can write the mark only by itself or as an escape.
    if (source.find(mark) != std::string_view::npos ||
        source.find('\\') != std::string_view::npos)
      return 0;
    for (size_t i = 0; i < text.size(); ++i)
      if (text.bytes()[i] == mark && text.originAt(i) != Origin::Message)
        std::abort();
  } catch (const Error &) {
    // Refused; any other exception ends the program.
  }
  return 0;
}
