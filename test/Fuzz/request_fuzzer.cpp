//===- request_fuzzer.cpp - Fuzzes the requests of a server ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is the body of a request: its JSON, its fields, its tools. The same
// bytes are then an answer that may have calls of tools, in pieces: whatever
// they are, all pieces together are as long as the answer, or shorter.
//
//===----------------------------------------------------------------------===//
#include "Json.h"
#include "Tools.h"

#include <cstdlib>

using namespace sherry::serve;

static void readRequest(const std::string &body) {
  try {
    const Json json = parseRequest(body);
    const Fields fields(json);
    for (const char *name : {"a", "n", "stop", "temperature", "tools"}) {
      try {
        fields.integer(name, -1, 100);
        fields.number(name, -1, 1);
      } catch (const ApiError &) {
      }
      try {
        fields.texts(name, 3);
      } catch (const ApiError &error) {
        if (dump(error.toJson()).empty())
          std::abort();
      }
    }
    readTools(fields, "{% if tools %}<tool_call>{% endif %}");
  } catch (const ApiError &) {
    // Refused; anything else ends the program.
  }
}

static void readAnswer(const std::string &text, const ToolForm &form) {
  size_t size = 0;
  auto count = [&](const std::vector<ToolEvent> &events) {
    for (const ToolEvent &event : events)
      size += event.text.size();
  };
  ToolParser parser(form);
  for (size_t i = 0, piece = 1; i < text.size(); i += piece++)
    count(parser.push(text.substr(i, piece)));
  count(parser.finish());
  if (size > text.size())
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string bytes(reinterpret_cast<const char *>(data), size);
  readRequest(bytes);
  readAnswer(bytes, {"<tool_call>", "</tool_call>", "arguments"});
  readAnswer(bytes, {"", "", "parameters"});
  return 0;
}
