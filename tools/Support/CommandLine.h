//===- CommandLine.h - Checks of command lines ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that CLI11 does not make: numbers that a type cannot hold, options
// without an effect in the current mode, and errors of standard output.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SUPPORT_COMMANDLINE_H
#define SHERRY_TOOLS_SUPPORT_COMMANDLINE_H

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace sherry {

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// The number type of a value, an optional value or a list.
template <typename T> struct NumberOf { using type = T; };
template <typename T> struct NumberOf<std::optional<T>> { using type = T; };
template <typename T> struct NumberOf<std::vector<T>> { using type = T; };

/// The number that the whole text is, in decimal; nothing if it is no number or
/// T cannot hold it. CLI11 itself would take the nearest number, and read
/// numbers that begin with 0 as octal.
template <typename T> std::optional<T> parseNumber(const std::string &text) {
  T value{};
  const char *begin = text.data(), *end = begin + text.size();
  const auto [at, code] = std::from_chars(begin, end, value);
  if (code != std::errc() || at != end)
    return std::nullopt;
  return value;
}

/// Brings a number into the form that CLI11 reads. Returns a message if the
/// text is no number of type T, else an empty string.
template <typename T> std::string normalizeNumber(std::string &text) {
  const std::optional<T> value = parseNumber<T>(text);
  if constexpr (std::is_integral_v<T>) {
    if (!value)
      return "'" + text + "' is not a whole number from " +
             std::to_string(std::numeric_limits<T>::min()) + " to " +
             std::to_string(std::numeric_limits<T>::max());
    text = std::to_string(*value);
  } else if (!value) {
    return "'" + text + "' is not a number that a float of " +
           std::to_string(8 * sizeof(T)) + " bits can hold";
  }
  return "";
}

/// An option whose value is a number or a list of numbers, read strictly.
template <typename T>
CLI::Option *addNumber(CLI::App &app, const std::string &names, T &value,
                       const std::string &description) {
  return app.add_option(names, value, description)
      ->transform(CLI::Validator(normalizeNumber<typename NumberOf<T>::type>,
                                 /*description=*/""));
}

//===----------------------------------------------------------------------===//
// Options and modes
//===----------------------------------------------------------------------===//

/// The modes of a tool in which an option has an effect.
struct OptionUse {
  const char *name;
  unsigned modes; ///< bits, which the tool defines
  /// Words for the modes without an effect; null: "with" and the mode's name.
  const char *elsewhere = nullptr;
};

/// Throws CLI::ParseError if an option was given that has no effect in the
/// modes of this command line, and std::logic_error if an option of `app` is
/// not in the table. Options in groups are not checked.
inline void refuseWithoutEffect(const CLI::App &app,
                                const std::vector<OptionUse> &table,
                                unsigned modes, const std::string &modeName) {
  for (const CLI::Option *option : app.get_options()) {
    if (option->get_positional() || option->check_name("--help") ||
        option->check_name("--version"))
      continue;
    const auto use =
        std::find_if(table.begin(), table.end(), [&](const OptionUse &entry) {
          return option->check_name(entry.name);
        });
    if (use == table.end())
      throw std::logic_error(option->get_name() +
                             " is not in the table of options");
    if (option->count() > 0 && !(use->modes & modes))
      throw CLI::ValidationError(
          use->name, "has no effect " +
                         (use->elsewhere ? std::string(use->elsewhere)
                                         : "with " + modeName) +
                         "; leave it out");
  }
}

/// Parses the command line and then calls `check`, which may throw
/// CLI::ParseError too. Returns the exit code if the program is to end now: 0
/// after --help or --version, 1 if they cannot be printed, 2 after a wrong
/// command line, whose error has been printed.
inline std::optional<int>
parseCommandLine(CLI::App &app, int argc, char **argv,
                 const std::function<void()> &check = {}) {
  constexpr int outputError = 1, usageError = 2;
  try {
    app.parse(argc, argv);
    if (check)
      check();
    return std::nullopt;
  } catch (const CLI::ParseError &error) {
    if (app.exit(error) != 0)
      return usageError;
  }
  if (std::cout.flush())
    return 0;
  std::cerr << app.get_name() << ": error: cannot write to standard output\n";
  return outputError;
}

} // namespace sherry

#endif // SHERRY_TOOLS_SUPPORT_COMMANDLINE_H
