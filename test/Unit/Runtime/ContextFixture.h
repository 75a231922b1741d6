//===- ContextFixture.h - For tests of evaluation ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TEST_UNIT_RUNTIME_CONTEXTFIXTURE_H
#define SHERRY_TEST_UNIT_RUNTIME_CONTEXTFIXTURE_H

#include "TestSupport.h"

#include <algorithm>

namespace sherry::test {

/// The logits that an evaluation passes on, by the index of the token.
struct Rows {
  std::vector<int64_t> indices;
  std::vector<std::vector<float>> logits;

  static void add(void *user, int64_t index, const float *logits) {
    auto *rows = static_cast<Rows *>(user);
    rows->indices.push_back(index);
    rows->logits.emplace_back(logits, logits + 262);
  }
  int32_t best(size_t row) const {
    const auto &values = logits[row];
    return static_cast<int32_t>(std::max_element(values.begin(), values.end()) -
                                values.begin());
  }
};

class ContextTest : public testing::Test {
protected:
  ContextPtr makeContext(sherry_context_options options) {
    ContextPtr context(sherry_context_create(model.get(), &options));
    EXPECT_TRUE(context) << sherry_error_message();
    return context;
  }
  std::string createError(sherry_context_options options) {
    ContextPtr context(sherry_context_create(model.get(), &options));
    return context ? "" : sherry_error_message();
  }

  ModelPtr model = openModel(demoPath());
  std::vector<int32_t> tokens = [] {
    std::vector<int32_t> result;
    for (int i = 0; i < 75; ++i)
      result.push_back(i * 53 % 262);
    return result;
  }();
};

} // namespace sherry::test

#endif // SHERRY_TEST_UNIT_RUNTIME_CONTEXTFIXTURE_H
