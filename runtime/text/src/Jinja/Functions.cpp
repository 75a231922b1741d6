//===- Functions.cpp - Functions that every template has ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

using namespace sherry::jinja;

/// The most elements of a range, as in Jinja's sandbox.
static constexpr int64_t maxRange = 100'000;

static Value raiseException(Interpreter &, Arguments &arguments) {
  throw Refusal(arguments.require(0, "message").toText().bytes());
}

static Value formatTime(Interpreter &interpreter, Arguments &arguments) {
  const std::string &format = arguments.requireText(0, "format").bytes();
  // The behaviour of strftime for other conversions is undefined.
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%')
      continue;
    if (i + 1 < format.size() && format[i + 1] == '-')
      ++i;
    ++i;
    constexpr std::string_view known = "aAbBcdHIjmMpSUwWxXyYZ%";
    if (i >= format.size() || known.find(format[i]) == std::string_view::npos)
      throw Error("strftime_now: the format '" + format.substr(0, 40) +
                  "' is not supported");
  }
  char buffer[1024];
  const size_t size = std::strftime(buffer, sizeof(buffer), format.c_str(),
                                    &interpreter.getEnvironment().now);
  if (size == 0 && !format.empty())
    throw Error("strftime_now: the format is too long");
  return Value(Text(std::string_view(buffer, size)));
}

static Value makeRange(Interpreter &interpreter, Arguments &arguments) {
  const int64_t first = arguments.getInteger(0, "start", 0);
  const bool hasStop = arguments.get(1, "stop") != nullptr;
  const int64_t begin = hasStop ? first : 0;
  const int64_t end = hasStop ? arguments.getInteger(1, "stop", 0) : first;
  const int64_t step = arguments.getInteger(2, "step", 1);
  if (step == 0)
    throw Error("range: the step is 0");
  Values values;
  for (int64_t i = begin; step > 0 ? i < end : i > end;) {
    if (values.size() == static_cast<size_t>(maxRange))
      throw Error("range: more than " + std::to_string(maxRange) + " numbers");
    values.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i))
      break;
  }
  interpreter.charge(values.size());
  return Value::list(std::move(values), ListKind::Range);
}

static Entries takeKeywords(Arguments &arguments) {
  Entries entries;
  if (const Value *object = arguments.get(0, "")) {
    if (!object->isObject())
      throw Error(arguments.callee + ": the argument is not an object");
    entries = object->entries();
  }
  for (auto &[name, value] : arguments.keywords) {
    arguments.get(0, name);
    entries.emplace_back(Text(name), value);
  }
  return entries;
}

static Value makeNamespace(Interpreter &interpreter, Arguments &arguments) {
  return interpreter.makeNamespace(takeKeywords(arguments));
}

static Value makeObject(Interpreter &, Arguments &arguments) {
  return Value::object(takeKeywords(arguments));
}

Entries sherry::jinja::listFunctions() {
  Entries functions;
  const std::pair<const char *, Callable::Function> all[] = {
      {"raise_exception", raiseException},
      {"strftime_now", formatTime},
      {"range", makeRange},
      {"namespace", makeNamespace},
      {"dict", makeObject}};
  for (const auto &[name, function] : all)
    functions.emplace_back(name, std::make_shared<const Callable>(
                                     Callable{name, nullptr, function}));
  return functions;
}
