//===- NfcTest.cpp - Tests of Unicode's normalization form C --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// test/Tools/nfc.test compares all characters with another implementation.
//
//===----------------------------------------------------------------------===//
#include "Nfc.h"

#include <gtest/gtest.h>

using namespace sherry::runtime;

static std::string normalize(const std::string &text) {
  std::string result;
  return normalizeToNfc(text, result) ? result : text;
}

static bool changes(const std::string &text) {
  std::string result = "kept";
  bool changed = normalizeToNfc(text, result);
  EXPECT_EQ(changed, result != "kept");
  return changed;
}

// From the NormalizationTest.txt of Unicode.
TEST(Nfc, ExamplesOfUnicode) {
  const std::pair<const char *, const char *> cases[] = {
      {"\u1e0a\u0323", "\u1e0c\u0307"},
      {"D\u0307\u0323", "\u1e0c\u0307"},
      {"\u1e14\u0304", "\u1e14\u0304"},
      {"\u0045\u0304\u0300", "\u1e14"},
      {"a\u0315\u0300\u05ae\u0300\u0062", "\u00e0\u05ae\u0300\u0315b"},
      {"\u212b", "\u00c5"},       // one character by another
      {"\u0958", "\u0915\u093c"}, // never composed
      {"\u0344", "\u0308\u0301"},
      {"\ufb1d", "\u05d9\u05b4"},
      {"\u1100\u1161\u11a8", "\uac01"}, // Hangul
      {"\uac00\u11a8", "\uac01"},
      {"\uac01\u11a8", "\uac01\u11a8"},
      {"\u1100\uac00", "\u1100\uac00"},
      {"\u0bc6\u0bd7", "\u0bcc"},                   // two of class 0
      {"\u0b47\u0300\u0b3e", "\u0b47\u0300\u0b3e"}, // a mark between them
      {"\U0001d15f", "\U0001d158\U0001d165"},
      {"\u0301e", "\u0301e"}, // a mark of nothing
  };
  for (auto [text, expected] : cases)
    EXPECT_EQ(normalize(text), expected) << text;
}

TEST(Nfc, MostTextsAreNormal) {
  for (const char *text :
       {"", "abc", "caf\u00e9", "\u4e2d\u6587", "\uac00\uac01", "\U0001f600",
        "x\u0323", "q\u0301", "\xcc", "\xcc\x81", "a\xff\xcc\x81"})
    EXPECT_FALSE(changes(text)) << text;
  EXPECT_TRUE(changes("e\u0301"));
}

// They stay, and nothing is joined over them.
TEST(Nfc, BytesThatAreNoText) {
  EXPECT_EQ(normalize("e\u0301\xff"
                      "e\u0301\xcc"),
            "\u00e9\xff\u00e9\xcc");
  EXPECT_EQ(normalize("e\xff\u0301"), "e\xff\u0301");
  EXPECT_EQ(normalize("\xe4\xb8"
                      "e\u0301"),
            "\xe4\xb8\u00e9");
}
