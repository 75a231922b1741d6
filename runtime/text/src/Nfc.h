//===- Nfc.h - Unicode's normalization form C -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unicode Standard Annex #15, with the data of Unicode 14.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_NFC_H
#define SHERRY_RUNTIME_TEXT_NFC_H

#include <string>
#include <string_view>

namespace sherry::runtime {

/// Brings `text` to NFC in linear time; malformed UTF-8 stays as it is. Returns
/// false and leaves `result` as it was if nothing changes; text without
/// characters beyond U+02FF is recognized byte by byte.
bool normalizeToNfc(std::string_view text, std::string &result);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEXT_NFC_H
