//===- Documents.h - Whether documents are allowed --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_GRAMMAR_DOCUMENTS_H
#define SHERRY_TEST_UNIT_GRAMMAR_DOCUMENTS_H

#include "sherry/grammar/Matcher.h"

#include <gtest/gtest.h>

namespace sherry::grammar {

/// Whether an answer may be `text`. Byte by byte, in pairs and at once, the
/// matcher must say the same.
inline bool allows(const Grammar &grammar, std::string_view text) {
  Matcher whole(grammar);
  if (text.empty())
    return whole.isComplete();
  const bool result = whole.advance(text) && whole.isComplete();
  for (const size_t size : {1, 2}) {
    Matcher parts(grammar);
    bool goesOn = true;
    for (size_t i = 0; i < text.size() && goesOn; i += size) {
      const std::string_view part = text.substr(i, size);
      goesOn = parts.accepts(part);
      EXPECT_EQ(parts.advance(part), goesOn) << text << " at " << i;
    }
    EXPECT_EQ(goesOn && parts.isComplete(), result)
        << text << " in parts of " << size;
  }
  return result;
}

inline void expectDocuments(const std::string &schema,
                            const std::vector<std::string_view> &valid,
                            const std::vector<std::string_view> &invalid) {
  const Grammar grammar(schema);
  for (const std::string_view text : valid)
    EXPECT_TRUE(allows(grammar, text)) << schema << "\n" << text;
  for (const std::string_view text : invalid)
    EXPECT_FALSE(allows(grammar, text)) << schema << "\n" << text;
}

} // namespace sherry::grammar

#endif // SHERRY_TEST_UNIT_GRAMMAR_DOCUMENTS_H
