//===- TextDataTest.cpp - Order of sequences and batches ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Training/TextData.h"

#include "llvm/Support/Error.h"

#include <ATen/ATen.h>

#include <gmock/gmock.h>

#include <fstream>
#include <set>

using namespace sherry::training;
using testing::HasSubstr;

TEST(TextData, PermutesEveryCount) {
  for (int64_t count : {1, 2, 3, 4, 5, 17, 64, 65, 1000}) {
    std::set<int64_t> seen;
    for (int64_t i = 0; i < count; ++i)
      seen.insert(permute(i, count, 42));
    EXPECT_EQ(static_cast<int64_t>(seen.size()), count);
    EXPECT_EQ(*seen.begin(), 0);
    EXPECT_EQ(*seen.rbegin(), count - 1);
  }
}

TEST(TextData, EpochsGoThroughAllWindows) {
  constexpr int64_t tokens = 1003, length = 10, windows = 99;
  SequenceOrder order(tokens, length, 7);
  std::vector<std::vector<int64_t>> epochs;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> offsets;
    for (int64_t i = 0; i < windows; ++i)
      offsets.push_back(order.getOffset(epoch * windows + i));
    epochs.push_back(offsets);
    std::sort(offsets.begin(), offsets.end());
    EXPECT_GE(offsets.front(), 0);
    // There is a token to predict after the last.
    EXPECT_LT(offsets.back() + length, tokens);
    for (int64_t i = 1; i < windows; ++i)
      EXPECT_EQ(offsets[i] - offsets[i - 1], length);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  EXPECT_NE(SequenceOrder(tokens, length, 8).getOffset(0), epochs[0][0]);
  EXPECT_EQ(SequenceOrder(tokens, length, 7).getOffset(0), epochs[0][0]);
}

TEST(TextData, ShortestText) {
  SequenceOrder order(11, 10, 1);
  for (int64_t i = 0; i < 5; ++i)
    EXPECT_EQ(order.getOffset(i), 0);
}

TEST(TextData, TargetsAreTheNextTokens) {
  std::vector<int32_t> tokens = {10, 11, 12, 13, 14, 15};
  Batch batch = makeBatch(tokens, {3, 0}, 2);
  EXPECT_TRUE(at::equal(
      batch.inputs, at::tensor({13, 14, 10, 11}, at::kLong).reshape({2, 2})));
  EXPECT_TRUE(
      at::equal(batch.targets, at::tensor({14, 15, 11, 12}, at::kLong)));
}

TEST(TextData, TokensOfTheExample) {
  auto tokenizer = llvm::cantFail(
      TextTokenizer::open(SHERRY_SOURCE_DIR "/examples/shakespeare"));
  EXPECT_EQ(tokenizer.getVocabSize(), 1024);
  EXPECT_EQ(tokenizer.getBosToken(), 1022);
  EXPECT_EQ(tokenizer.getEosToken(), 1023);
  std::string path = testing::TempDir() + "sherry-text-data.txt";
  std::ofstream(path) << "First Citizen:\n";
  auto tokens = llvm::cantFail(tokenizer.encodeFiles({path, path}));
  EXPECT_EQ(tokens,
            (std::vector<int32_t>{682, 427, 950, 266, 682, 427, 950, 266}));
  auto missing = tokenizer.encodeFiles({"/nothing/here.txt"});
  ASSERT_FALSE(static_cast<bool>(missing));
  EXPECT_THAT(llvm::toString(missing.takeError()),
              HasSubstr("/nothing/here.txt"));
}

TEST(TextData, FolderWithoutTokenizer) {
  auto tokenizer = TextTokenizer::open(SHERRY_SOURCE_DIR "/docs");
  ASSERT_FALSE(static_cast<bool>(tokenizer));
  EXPECT_THAT(llvm::toString(tokenizer.takeError()),
              HasSubstr("has neither a tokenizer.json nor a tokenizer.model"));
}
