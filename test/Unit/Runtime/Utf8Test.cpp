//===- Utf8Test.cpp - Tests of whole characters ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/text/Utf8.h"

#include <gtest/gtest.h>

using namespace sherry::runtime;

static Utf8 classify(std::string_view text, size_t expectedLength) {
  size_t length = 99;
  Utf8 kind = classifyUtf8(text, length);
  EXPECT_EQ(length, expectedLength);
  return kind;
}

TEST(Utf8, Characters) {
  EXPECT_EQ(classify(std::string_view("\0", 1), 1), Utf8::Character);
  EXPECT_EQ(classify("a\xff", 1), Utf8::Character);
  EXPECT_EQ(classify("\xc3\xa9x", 2), Utf8::Character);
  EXPECT_EQ(classify("\xe2\x82\xac", 3), Utf8::Character);
  EXPECT_EQ(classify("\xed\x9f\xbf", 3), Utf8::Character);
  EXPECT_EQ(classify("\xf0\x9f\x98\x80", 4), Utf8::Character);
  EXPECT_EQ(classify("\xf4\x8f\xbf\xbf", 4), Utf8::Character);
}

TEST(Utf8, Malformed) {
  for (const char *text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80",
        "\xff", "\xc3(", "\xe2\x82(", "\xe2(", "\xf0\x9f\x98("})
    EXPECT_EQ(classify(text, 1), Utf8::Malformed) << text;
}

TEST(Utf8, Incomplete) {
  EXPECT_EQ(classify("\xc3", 1), Utf8::Incomplete);
  EXPECT_EQ(classify("\xe2\x82", 2), Utf8::Incomplete);
  EXPECT_EQ(classify("\xf0\x9f\x98", 3), Utf8::Incomplete);
  EXPECT_EQ(incompleteUtf8Tail("abc"), 0U);
  EXPECT_EQ(incompleteUtf8Tail(""), 0U);
  EXPECT_EQ(incompleteUtf8Tail("ab\xf0\x9f"), 2U);
  EXPECT_EQ(incompleteUtf8Tail("\xf0\x9f\x98\x80"), 0U);
  EXPECT_EQ(incompleteUtf8Tail("\xe0\x80"), 0U); // can never be a character
}

TEST(Utf8Buffer, HoldsBackByteByByte) {
  Utf8Buffer buffer;
  EXPECT_EQ(buffer.push("a\xf0"), "a");
  EXPECT_EQ(buffer.push("\x9f"), "");
  EXPECT_EQ(buffer.push("\x98"), "");
  EXPECT_EQ(buffer.push("\x80z"), "\xf0\x9f\x98\x80z");
  EXPECT_EQ(buffer.finish(), "");
}

TEST(Utf8Buffer, PassesMalformedBytesOn) {
  Utf8Buffer buffer;
  EXPECT_EQ(buffer.push("\xff\x80"), "\xff\x80");
  EXPECT_EQ(buffer.push("\xe2\x82"), "");
  EXPECT_EQ(buffer.push("x"), "\xe2\x82x");
}

TEST(Utf8Buffer, FinishGivesTheRestOnce) {
  Utf8Buffer buffer;
  EXPECT_EQ(buffer.push("ok\xe2\x82"), "ok");
  EXPECT_EQ(buffer.finish(), "\xe2\x82");
  EXPECT_EQ(buffer.finish(), "");
}
