//===- Formats.cpp - The formats of strings -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Formats.h"

using namespace sherry::grammar;

namespace {

// Years from 1000 on, and leap years by the Gregorian calendar.
#define DATE                                                                   \
  "([12][0-9]{3}-("                                                            \
  "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|"                                 \
  "(0[469]|11)-(0[1-9]|[12][0-9]|30)|"                                         \
  "02-(0[1-9]|1[0-9]|2[0-8]))|"                                                \
  "([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29)"
#define TIME                                                                   \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"                   \
  "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

constexpr FormatPattern kFormats[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    {"ipv4", "^(" BYTE "\\.){3}" BYTE "$"},
    {"email", "^[0-9A-Za-z_+-]+(\\.[0-9A-Za-z_+-]+)*@"
              "([0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?\\.)+[A-Za-z]{2,24}$"},
};

#undef DATE
#undef TIME
#undef BYTE

} // namespace

const char *sherry::grammar::findFormat(std::string_view name) {
  for (const FormatPattern &format : kFormats)
    if (format.name == name)
      return format.pattern;
  return nullptr;
}
