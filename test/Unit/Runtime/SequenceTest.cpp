//===- SequenceTest.cpp - Tests of sequences, their pages and files -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace sherry::test;

namespace {

constexpr size_t kPage = 64, kVocab = 262;

size_t pagesOf(size_t positions) { return (positions + kPage - 1) / kPage; }

std::vector<int32_t> someTokens(size_t count, int32_t first = 0) {
  std::vector<int32_t> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(static_cast<int32_t>((first + i * 53) % kVocab));
  return result;
}

class SequenceTest : public testing::Test {
protected:
  ContextPtr makeContext(uint32_t pages, uint32_t sequences = 1,
                         uint32_t context = 400,
                         const sherry_model *of = nullptr) {
    const sherry_context_options options = {context, 0, 1, sequences, pages};
    ContextPtr result(sherry_context_create(of ? of : model.get(), &options));
    EXPECT_TRUE(result) << sherry_error_message();
    return result;
  }

  /// The likeliest token after `tokens` were appended; -1 if that fails.
  static int32_t append(sherry_context *context, int64_t sequence,
                        const std::vector<int32_t> &tokens) {
    const sherry_batch_entry entry = {static_cast<uint32_t>(sequence),
                                      SHERRY_LOGITS_LAST, tokens.data(),
                                      static_cast<int64_t>(tokens.size())};
    if (sherry_eval_batch(context, &entry, 1, nullptr, nullptr) != 0)
      return -1;
    const float *logits = sherry_context_logits(context);
    return static_cast<int32_t>(std::max_element(logits, logits + kVocab) -
                                logits);
  }

  static std::vector<int32_t> tokensOf(const sherry_context *context,
                                       int64_t sequence) {
    const auto number = static_cast<uint32_t>(sequence);
    std::vector<int32_t> result(sherry_context_position(context, number));
    EXPECT_EQ(sherry_sequence_tokens(context, number, result.data(),
                                     static_cast<int64_t>(result.size())),
              static_cast<int64_t>(result.size()));
    return result;
  }

  static uint32_t heldPages(const sherry_context *context) {
    return sherry_context_pages(context) - sherry_context_free_pages(context);
  }

  ModelPtr model = openModel(demoPath());
  TempFolder folder;
};

/// What a sequence should be, without sharing anything but the count of pages.
struct PlainSequence {
  std::vector<int32_t> tokens;
  std::vector<std::shared_ptr<int>> pages;

  PlainSequence fork(size_t position) const {
    return {{tokens.begin(), tokens.begin() + static_cast<int64_t>(position)},
            {pages.begin(),
             pages.begin() + static_cast<int64_t>(pagesOf(position))}};
  }
  void truncate(size_t position) {
    tokens.resize(position);
    pages.resize(pagesOf(position));
  }
  void append(const std::vector<int32_t> &more) {
    if (!more.empty() && tokens.size() % kPage != 0 &&
        pages.back().use_count() > 1)
      pages.back() = std::make_shared<int>();
    tokens.insert(tokens.end(), more.begin(), more.end());
    while (pages.size() < pagesOf(tokens.size()))
      pages.push_back(std::make_shared<int>());
  }
};

} // namespace

TEST_F(SequenceTest, NumbersAreReused) {
  auto context = makeContext(0, 2);
  EXPECT_EQ(sherry_sequence_create(context.get()), 2);
  EXPECT_EQ(sherry_sequence_create(context.get()), 3);
  EXPECT_EQ(sherry_sequence_drop(context.get(), 1), 0);
  EXPECT_EQ(sherry_sequence_drop(context.get(), 1), -1);
  EXPECT_CONTAINS(sherry_error_message(), "sequence 1 was dropped");
  EXPECT_EQ(append(context.get(), 1, {5}), -1);
  EXPECT_CONTAINS(sherry_error_message(), "sequence 1 was dropped");
  EXPECT_EQ(sherry_sequence_create(context.get()), 1);
  EXPECT_EQ(sherry_context_sequences(context.get()), 4U);
  EXPECT_EQ(sherry_sequence_drop(context.get(), 4), -1);
  EXPECT_CONTAINS(sherry_error_message(), "sequence 4 is not in [0, 4)");
  for (int64_t i = 4; i < 1024; ++i)
    ASSERT_EQ(sherry_sequence_create(context.get()), i);
  EXPECT_EQ(sherry_sequence_create(context.get()), -1);
  EXPECT_CONTAINS(sherry_error_message(), "at most 1024 sequences");
}

TEST_F(SequenceTest, ForksShareUntilTheyDiffer) {
  auto context = makeContext(10);
  const std::vector<int32_t> prefix = someTokens(150);
  ASSERT_EQ(append(context.get(), 0, prefix), demoNext(prefix, 150));
  EXPECT_EQ(heldPages(context.get()), 3U);
  EXPECT_EQ(sherry_sequence_fork(context.get(), 0, 151), -1);
  EXPECT_CONTAINS(sherry_error_message(),
                  "cannot fork a sequence of 150 tokens at 151");
  const int64_t whole = sherry_sequence_fork(context.get(), 0, 150);
  const int64_t part = sherry_sequence_fork(context.get(), 0, 70);
  ASSERT_EQ(whole, 1);
  ASSERT_EQ(part, 2);
  EXPECT_EQ(heldPages(context.get()), 3U);

  auto check = [&](int64_t sequence, size_t kept, int32_t first) {
    std::vector<int32_t> all(prefix.begin(),
                             prefix.begin() + static_cast<int64_t>(kept));
    const std::vector<int32_t> more = someTokens(5, first);
    all.insert(all.end(), more.begin(), more.end());
    EXPECT_EQ(append(context.get(), sequence, more), demoNext(all, all.size()));
    EXPECT_EQ(tokensOf(context.get(), sequence), all);
  };
  check(part, 70, 7); // a copy of page 1
  EXPECT_EQ(heldPages(context.get()), 4U);
  check(whole, 150, 11); // a copy of page 2
  EXPECT_EQ(heldPages(context.get()), 5U);
  check(0, 150, 13); // its own by now
  EXPECT_EQ(heldPages(context.get()), 5U);
  EXPECT_EQ(sherry_sequence_drop(context.get(), 0), 0);
  EXPECT_EQ(heldPages(context.get()), 5U - 1U);
  std::vector<int32_t> all = tokensOf(context.get(), whole);
  all.push_back(1);
  EXPECT_EQ(append(context.get(), whole, {1}), demoNext(all, 156));
}

TEST_F(SequenceTest, AFullCacheChangesNothing) {
  auto context = makeContext(3, 2);
  const std::vector<int32_t> first = someTokens(70), second = someTokens(60, 9);
  ASSERT_EQ(append(context.get(), 0, first), demoNext(first, 70));
  ASSERT_EQ(append(context.get(), 1, second), demoNext(second, 60));
  EXPECT_EQ(sherry_context_free_pages(context.get()), 0U);
  const std::vector<int32_t> more = someTokens(100);
  const sherry_batch_entry both[] = {{0, SHERRY_LOGITS_NONE, more.data(), 10},
                                     {1, SHERRY_LOGITS_NONE, more.data(), 100}};
  EXPECT_EQ(sherry_eval_batch(context.get(), both, 2, nullptr, nullptr), -1);
  EXPECT_CONTAINS(sherry_error_message(),
                  "the cache is full: sequences hold all of its 3 pages");
  EXPECT_EQ(tokensOf(context.get(), 0), first);
  EXPECT_EQ(tokensOf(context.get(), 1), second);
  // A copy needs a page, too.
  ASSERT_EQ(sherry_sequence_fork(context.get(), 0, 70), 2);
  EXPECT_EQ(append(context.get(), 2, {1}), -1);
  EXPECT_EQ(tokensOf(context.get(), 2), first);
  ASSERT_EQ(sherry_sequence_drop(context.get(), 1), 0);
  std::vector<int32_t> all = first;
  all.push_back(1);
  EXPECT_EQ(append(context.get(), 2, {1}), demoNext(all, 71));
}

TEST_F(SequenceTest, AnyScheduleGivesWhatPlainSequencesGive) {
  auto context = makeContext(60, 1, 300);
  const uint32_t total = sherry_context_pages(context.get());
  std::map<int64_t, PlainSequence> plain = {{0, {}}};
  const std::string file = folder.path("prefix");
  std::mt19937 random(7);
  auto upTo = [&](size_t limit) { return random() % (limit + 1); };
  auto pick = [&] {
    auto it = plain.begin();
    std::advance(it, upTo(plain.size() - 1));
    return it;
  };
  auto add = [&](int64_t number, PlainSequence sequence) {
    ASSERT_GE(number, 0) << sherry_error_message();
    ASSERT_TRUE(plain.emplace(number, std::move(sequence)).second);
  };
  for (int step = 0; step < 10000; ++step) {
    if (plain.empty()) {
      add(sherry_sequence_create(context.get()), {});
      continue;
    }
    auto [number, sequence] = *pick();
    const auto id = static_cast<uint32_t>(number);
    const size_t length = sequence.tokens.size();
    switch (upTo(8)) {
    case 0:
      if (plain.size() < 12)
        add(sherry_sequence_create(context.get()), {});
      break;
    case 1:
      ASSERT_EQ(sherry_sequence_drop(context.get(), id), 0);
      plain.erase(number);
      break;
    case 2:
    case 3: {
      const size_t position = upTo(length);
      if (plain.size() < 12)
        add(sherry_sequence_fork(context.get(), id,
                                 static_cast<uint32_t>(position)),
            sequence.fork(position));
      break;
    }
    case 4: {
      const size_t position = upTo(length);
      ASSERT_EQ(sherry_context_truncate(context.get(), id,
                                        static_cast<uint32_t>(position)),
                0);
      plain[number].truncate(position);
      break;
    }
    case 5:
      if (plain.size() < 12 && step % 4 == 0) {
        ASSERT_EQ(sherry_sequence_save(context.get(), id, file.c_str()), 0);
        const int64_t loaded =
            sherry_sequence_load(context.get(), file.c_str());
        if (loaded < 0) {
          EXPECT_CONTAINS(sherry_error_message(), "the cache is full");
          break;
        }
        PlainSequence copy;
        copy.append(sequence.tokens);
        add(loaded, std::move(copy));
      }
      break;
    default: {
      std::vector<int32_t> more;
      for (size_t i = 1 + upTo(std::min<size_t>(upTo(120), 299 - length));
           i > 0 && length + more.size() < 300; --i)
        more.push_back(static_cast<int32_t>(upTo(kVocab - 1)));
      if (more.empty())
        break;
      const int32_t next = append(context.get(), number, more);
      if (next < 0) {
        EXPECT_CONTAINS(sherry_error_message(), "the cache is full");
        // What was copied before it became full stays copied.
        while (plain.size() > 1) {
          auto other = pick();
          ASSERT_EQ(sherry_sequence_drop(context.get(),
                                         static_cast<uint32_t>(other->first)),
                    0);
          plain.erase(other);
        }
        auto &left = plain.begin()->second;
        PlainSequence owned;
        owned.append(left.tokens);
        left = std::move(owned);
        break;
      }
      sequence = {}; // or its pages would count twice
      PlainSequence &grown = plain[number];
      grown.append(more);
      ASSERT_EQ(next, demoNext(grown.tokens, grown.tokens.size()))
          << "step " << step;
    }
    }
    std::set<const int *> pages;
    for (const auto &[ignored, other] : plain)
      for (const auto &page : other.pages)
        pages.insert(page.get());
    ASSERT_EQ(heldPages(context.get()), pages.size()) << "step " << step;
  }
  for (const auto &[number, sequence] : plain) {
    EXPECT_EQ(tokensOf(context.get(), number), sequence.tokens);
    ASSERT_EQ(
        sherry_sequence_drop(context.get(), static_cast<uint32_t>(number)), 0);
  }
  EXPECT_EQ(sherry_context_free_pages(context.get()), total);
}

TEST_F(SequenceTest, FilesContinueInAnotherContext) {
  const std::vector<int32_t> tokens = someTokens(200);
  const std::string path = folder.path("prefix");
  {
    auto context = makeContext(0);
    ASSERT_EQ(append(context.get(), 0, tokens), demoNext(tokens, 200));
    ASSERT_EQ(sherry_sequence_save(context.get(), 0, path.c_str()), 0)
        << sherry_error_message();
  }
  auto context = makeContext(20);
  ASSERT_EQ(append(context.get(), 0, {3}), demoNext({3}, 1));
  ASSERT_EQ(sherry_sequence_load(context.get(), path.c_str()), 1)
      << sherry_error_message();
  EXPECT_EQ(tokensOf(context.get(), 1), tokens);
  std::vector<int32_t> all = tokens;
  all.push_back(99);
  EXPECT_EQ(append(context.get(), 1, {99}), demoNext(all, 201));
  // Without tokens, too.
  ASSERT_EQ(sherry_context_truncate(context.get(), 1, 0), 0);
  ASSERT_EQ(sherry_sequence_save(context.get(), 1, path.c_str()), 0);
  EXPECT_EQ(sherry_sequence_load(context.get(), path.c_str()), 2);
}

TEST_F(SequenceTest, WrongFilesAreRefusedByName) {
  const std::string path = folder.path("prefix");
  auto context = makeContext(20);
  const std::vector<int32_t> tokens = someTokens(100);
  ASSERT_EQ(append(context.get(), 0, tokens), demoNext(tokens, 100));
  ASSERT_EQ(sherry_sequence_save(context.get(), 0, path.c_str()), 0);
  const std::string good = readBytes(path);
  auto expectRefused = [&](sherry_context *by, const std::string &message) {
    EXPECT_EQ(sherry_sequence_load(by, path.c_str()), -1);
    EXPECT_CONTAINS(sherry_error_message(), path + ": ");
    EXPECT_CONTAINS(sherry_error_message(), message);
  };
  auto other = openModel(demoPath("demo-other"));
  auto otherContext = makeContext(20, 1, 400, other.get());
  expectRefused(otherContext.get(), "another model");
  auto smallContext = makeContext(20, 1, 99);
  expectRefused(smallContext.get(), "100 tokens, which do not fit in a context "
                                    "of 99 positions");
  for (size_t size : {size_t{0}, size_t{47}, size_t{48}, good.size() - 1}) {
    writeBytes(path, good.substr(0, size));
    expectRefused(context.get(), size < 48 ? "too short" : "cut off");
  }
  writeBytes(path, good + "x");
  expectRefused(context.get(), "bytes instead of");
  auto change = [&](size_t at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    writeBytes(path, bytes);
  };
  change(0);
  expectRefused(context.get(), "is not a saved sequence");
  change(8);
  expectRefused(context.get(), "ABI version 6, this one has 7");
  for (size_t at = 16; at < 48; ++at) {
    change(at);
    expectRefused(context.get(), "the header is damaged");
  }
  for (size_t at : {size_t{48}, size_t{447}, size_t{448}, good.size() - 1}) {
    change(at);
    expectRefused(context.get(), "the contents are damaged");
  }
  EXPECT_EQ(sherry_sequence_load(context.get(), folder.path("").c_str()), -1);
  EXPECT_EQ(heldPages(context.get()), 2U); // nothing is left behind
  writeBytes(path, good);
  EXPECT_EQ(sherry_sequence_load(context.get(), path.c_str()), 1);

  EXPECT_EQ(sherry_sequence_save(context.get(), 0,
                                 folder.path("absent/file").c_str()),
            -1);
  EXPECT_CONTAINS(sherry_error_message(), "absent/file: cannot write");
  EXPECT_EQ(sherry_sequence_save(context.get(), 7, path.c_str()), -1);
}
