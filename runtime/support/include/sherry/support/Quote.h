//===- Quote.h - Strings in messages ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_SUPPORT_QUOTE_H
#define SHERRY_RUNTIME_SUPPORT_QUOTE_H

#include <string>
#include <string_view>

namespace sherry::runtime {

/// A string in quotes for a message: shortened, with unprintable bytes as \xNN.
std::string quote(std::string_view text);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_SUPPORT_QUOTE_H
