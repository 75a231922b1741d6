//===- Quantity.h - Numbers with units on the command line ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SUPPORT_QUANTITY_H
#define SHERRY_TOOLS_SUPPORT_QUANTITY_H

#include "CommandLine.h"

#include <cmath>
#include <utility>

namespace sherry {

/// Units of bandwidth, in bytes per second; "bit" units are for networks.
inline constexpr std::pair<const char *, double> kBandwidthUnits[] = {
    {"kbit", 125}, {"mbit", 125e3}, {"gbit", 125e6},
    {"kb/s", 125}, {"Mb/s", 125e3}, {"Gb/s", 125e6},
    {"kB/s", 1e3}, {"MB/s", 1e6},   {"GB/s", 1e9}};
/// Units of seconds.
inline constexpr std::pair<const char *, double> kTimeUnits[] = {
    {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};

/// The value of a positive number with one of the units, such as "10gbit";
/// nothing if the text is something else.
template <size_t n>
std::optional<double>
parseQuantity(const std::string &text,
              const std::pair<const char *, double> (&units)[n]) {
  const size_t digits =
      std::min(text.find_first_not_of("0123456789.eE+-"), text.size());
  const auto number = parseNumber<double>(text.substr(0, digits));
  const std::string unit = text.substr(digits);
  for (const auto &[name, factor] : units)
    if (number && *number > 0 && std::isfinite(*number * factor) &&
        unit == name)
      return *number * factor;
  return std::nullopt;
}

/// A network between machines.
struct LinkSpeed {
  double bandwidth; ///< bytes per second
  double latency;   ///< seconds from sending a message to its arrival
};

/// Parses a text such as "10gbit,25us"; nothing if it is something else.
inline std::optional<LinkSpeed> parseLink(const std::string &text) {
  const size_t comma = std::min(text.find(','), text.size());
  const auto bandwidth = parseQuantity(text.substr(0, comma), kBandwidthUnits);
  const auto latency =
      parseQuantity(text.substr(std::min(comma + 1, text.size())), kTimeUnits);
  if (!bandwidth || !latency)
    return std::nullopt;
  return LinkSpeed{*bandwidth, *latency};
}

/// Adds an option for a link.
inline CLI::Option *addLink(CLI::App &app, const std::string &name,
                            std::optional<LinkSpeed> &value,
                            const std::string &description) {
  return app
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string &text) {
            value = parseLink(text);
            if (!value)
              throw CLI::ValidationError(
                  name,
                  "'" + text +
                      "' is not a bandwidth and latency such as 10gbit,25us");
          },
          description)
      ->type_name("BANDWIDTH,LATENCY");
}

} // namespace sherry

#endif // SHERRY_TOOLS_SUPPORT_QUANTITY_H
