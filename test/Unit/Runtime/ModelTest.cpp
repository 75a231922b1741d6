//===- ModelTest.cpp - Tests of opening models ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include "TestSupport.h"
#include "sherry/support/Error.h"

#include <sys/stat.h>

using namespace sherry::test;
using namespace sherry::runtime;

TEST(Model, Describes) {
  auto model = openModel(demoPath());
  EXPECT_CONTAINS(sherry_model_metadata(model.get()), "\"name\": \"demo\"");
  EXPECT_EQ(sherry_model_vocab_size(model.get()), 262U);
  EXPECT_EQ(sherry_model_max_context(model.get()), 1024U);
  EXPECT_EQ(sherry_model_max_block(model.get()), 16U);
  EXPECT_EQ(sherry_model_weights_size(model.get()), 16384U);
  EXPECT_EQ(sherry_model_cache_size_per_position(model.get()), 16U);
  EXPECT_EQ(sherry_model_workspace_size(model.get(), 3), 64U + 3 * 128U);
  EXPECT_EQ(sherry_model_bos_token(model.get()), 260);
  EXPECT_TRUE(sherry_model_is_eos(model.get(), 261));
  EXPECT_FALSE(sherry_model_is_eos(model.get(), 260));
  EXPECT_TRUE(sherry_model_has_tokenizer(model.get()));
}

TEST(Model, TokenizesAndJoins) {
  auto model = openModel(demoPath());
  const std::string text = "<|bos|>the then <|eos|>";
  EXPECT_EQ(tokenize(model.get(), text, SHERRY_TOKENIZE_SPECIAL),
            (std::vector<int32_t>{260, 257, 258, 'n', ' ', 261}));
  EXPECT_EQ(tokenize(model.get(), text, SHERRY_TOKENIZE_BOS).size(), 18U);
  // Asking for the size alone.
  EXPECT_EQ(sherry_tokenize(model.get(), "the", 3, 0, nullptr, 0), 1);

  size_t size = 0;
  const char *bytes = sherry_token_bytes(model.get(), 258, &size);
  EXPECT_EQ(std::string(bytes, size), " the");
  EXPECT_EQ(sherry_token_bytes(model.get(), 262, &size), nullptr);
  EXPECT_CONTAINS(sherry_error_message(), "262 is not in [0, 262)");
  EXPECT_EQ(sherry_token_bytes(model.get(), -1, &size), nullptr);

  StreamPtr stream(sherry_text_stream_create(model.get()));
  EXPECT_STREQ(sherry_text_stream_push(stream.get(), 260, nullptr), "");
  EXPECT_STREQ(sherry_text_stream_push(stream.get(), 0xc3, &size), "");
  EXPECT_STREQ(sherry_text_stream_push(stream.get(), 0xa9, &size), "\xc3\xa9");
  EXPECT_EQ(size, 2U);
  EXPECT_STREQ(sherry_text_stream_push(stream.get(), 0xe2, nullptr), "");
  EXPECT_EQ(sherry_text_stream_push(stream.get(), 999, nullptr), nullptr);
  EXPECT_STREQ(sherry_text_stream_finish(stream.get(), &size), "\xe2");
  EXPECT_EQ(size, 1U);
}

TEST(Model, PartsOfATextAreOneText) {
  auto model = openModel(demoPath());
  constexpr unsigned special = SHERRY_TOKENIZE_SPECIAL;
  auto tokenizeParts =
      [&](std::initializer_list<std::pair<std::string, unsigned>> texts,
          unsigned flags = 0) {
        std::vector<sherry_text_part> parts;
        for (const auto &[text, partFlags] : texts)
          parts.push_back({text.data(), text.size(), partFlags});
        std::vector<int32_t> tokens(100);
        const int64_t count = sherry_tokenize_parts(
            model.get(), parts.data(), parts.size(), flags, tokens.data(), 100);
        tokens.resize(static_cast<size_t>(count));
        return tokens;
      };
  using Tokens = std::vector<int32_t>;
  // Pieces do not end where parts end.
  EXPECT_EQ(tokenizeParts({{"t", special}, {"h", 0}, {"e", special}}),
            Tokens{257});
  // A name counts where the parts that have all of it say so.
  EXPECT_EQ(tokenizeParts({{"<|bos|>", special}, {"<|eos|>", 0}}).size(), 8U);
  EXPECT_EQ(tokenizeParts({{"<|eos|>", 0}, {"<|bos|>", special}}).back(), 260);
  EXPECT_EQ(tokenizeParts({{"<|b", special}, {"os|>the", special}}),
            (Tokens{260, 257}));
  EXPECT_EQ(tokenizeParts({{"<|b", special}, {"os|>", 0}}),
            tokenizeParts({{"<|bos|>", 0}}));
  EXPECT_EQ(tokenizeParts({{"<|b", 0}, {"os|>", special}}),
            tokenizeParts({{"<|bos|>", 0}}));
  EXPECT_EQ(tokenizeParts({}), Tokens());
  EXPECT_EQ(sherry_tokenize_parts(model.get(), nullptr, 0, special, nullptr, 0),
            -1);
  const sherry_text_part wrong = {"a", 1, SHERRY_TOKENIZE_BOS};
  EXPECT_EQ(sherry_tokenize_parts(model.get(), &wrong, 1, 0, nullptr, 0), -1);
  EXPECT_CONTAINS(sherry_error_message(), "flags of 1");
  EXPECT_EQ(tokenizeParts({{"the", 0}}, SHERRY_TOKENIZE_BOS),
            tokenize(model.get(), "the", SHERRY_TOKENIZE_BOS));
}

TEST(Model, WithoutTokenizer) {
  auto model = openModel(demoPath("demo-no-tokenizer"));
  EXPECT_FALSE(sherry_model_has_tokenizer(model.get()));
  EXPECT_EQ(sherry_tokenize(model.get(), "a", 1, 0, nullptr, 0), -1);
  EXPECT_CONTAINS(sherry_error_message(), "without a tokenizer");
  EXPECT_EQ(sherry_text_stream_create(model.get()), nullptr);
}

TEST(Model, RefusesVariants) {
  auto expectRefused = [](const std::string &name,
                          std::initializer_list<const char *> parts) {
    const std::string error = openError(demoPath(name));
    EXPECT_CONTAINS(error, demoPath(name) + ": ");
    for (const char *part : parts)
      EXPECT_CONTAINS(error, part);
  };
  expectRefused("demo-old-version", {"ABI version 3, this runtime has 7",
                                     "compile the model again"});
  expectRefused("demo-new-version",
                {"ABI version 77, this runtime has 7", "update the runtime"});
  expectRefused("demo-struct-size", {"struct_size: 104 instead of 128"});
  expectRefused("demo-environment", {"needs more of its runtime"});
  expectRefused("demo-unknown-feature", {"\"demo-cpu\"", "missing here: bit 63",
                                         "for the CPU 'native'"});
  expectRefused("demo-weights-size",
                {"weights_size: 16385", "has 16384 bytes"});
  expectRefused("demo-tokenizer-range", {"tokenizer_offset"});
  expectRefused("demo-no-query", {"does not export sherry_model_query"});
  expectRefused("demo-small-vocab", {"is not in [0, 100)", "does not match"});
  expectRefused("demo-wrong-vocab", {"\"vocab_size\"", "262"});
}

TEST(Model, RefusesOtherFiles) {
  TempFolder folder;
  EXPECT_CONTAINS(openError(folder.path("absent.so")),
                  "absent.so: cannot open: No such file");
  EXPECT_CONTAINS(openError(folder.path("")), "is not a file");
  const std::string path = folder.path("x.so");
  writeBytes(path, "");
  EXPECT_CONTAINS(openError(path), "has 0 bytes, too few");
  writeBytes(path, std::string(1000, 'x'));
  EXPECT_CONTAINS(openError(path), "is not a shared object");
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_CONTAINS(openError(path), "is not a file");
  EXPECT_CONTAINS(openError("/proc/self/exe"), "/proc/self/exe: ");
}

TEST(Model, OpensByBareName) {
  TempFolder folder;
  std::filesystem::copy_file(demoPath(), folder.path("bare.so"));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  const std::string error = openError("bare.so");
  std::filesystem::current_path(before);
  EXPECT_EQ(error, "");
}

static void noEntry(const uint8_t *, uint8_t *, const int32_t *, uint8_t *,
                    const int32_t *, const int32_t *, const int32_t *, float *,
                    float *, int64_t, int64_t, int64_t, int64_t,
                    const sherry_abi_environment *) {}

/// A table that is right, for changes of one field.
static sherry_abi_model goodTable() {
  static const sherry_abi_entry entries[] = {
      {"decode", SHERRY_ABI_FORWARD, 1, noEntry},
      {"prefill", SHERRY_ABI_FORWARD, 8, noEntry},
      {"other", 99, 8, noEntry}};
  sherry_abi_model table = {};
  table.abi_version = SHERRY_ABI_VERSION;
  table.struct_size = sizeof(table);
  table.required_features = 3;
  table.target_cpu = "some-cpu";
  table.machine = 62;
  table.environment_size = sizeof(sherry_abi_environment);
  table.metadata = "{}";
  table.metadata_size = 2;
  table.weights_size = 100;
  table.tokenizer_offset = 60;
  table.tokenizer_size = 40;
  table.vocab_size = 10;
  table.logits_stride = 16;
  table.hidden_size = table.hidden_stride = 4;
  table.max_context = 5;
  table.n_entries = 3;
  table.entries = entries;
  return table;
}

static std::string tableError(const sherry_abi_model &table,
                              uint64_t weightsSize = 100) {
  try {
    checkModelTable(table, weightsSize, 7);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

TEST(ModelTable, NamesTheWrongField) {
  EXPECT_EQ(tableError(goodTable()), "");
  auto expectWrong = [](const char *part, auto change) {
    sherry_abi_model table = goodTable();
    change(table);
    EXPECT_CONTAINS(tableError(table), part);
  };
  using Table = sherry_abi_model &;
  expectWrong("target_cpu", [](Table t) { t.target_cpu = nullptr; });
  expectWrong("metadata", [](Table t) { t.metadata = nullptr; });
  expectWrong("metadata", [](Table t) { t.metadata_size = UINT64_MAX; });
  expectWrong("weights_size", [](Table t) { t.weights_size = 99; });
  expectWrong("tokenizer", [](Table t) { t.tokenizer_size = 41; });
  expectWrong("tokenizer", [](Table t) { t.tokenizer_offset = UINT64_MAX; });
  expectWrong("workspace_size", [](Table t) { t.workspace_size = 63; });
  expectWrong("workspace_size", [](Table t) { t.workspace_size = -64; });
  expectWrong("thread_workspace_size",
              [](Table t) { t.thread_workspace_size = 65; });
  expectWrong("thread_workspace_size",
              [](Table t) { t.thread_workspace_size = -64; });
  expectWrong("vocab_size", [](Table t) { t.vocab_size = 0; });
  expectWrong("vocab_size",
              [](Table t) { t.vocab_size = t.logits_stride = UINT32_MAX; });
  expectWrong("logits_stride", [](Table t) { t.logits_stride = 9; });
  expectWrong("logits_stride", [](Table t) { t.logits_stride = UINT32_MAX; });
  expectWrong("max_context", [](Table t) { t.max_context = 0; });
  expectWrong("hidden_size", [](Table t) { t.hidden_size = 0; });
  expectWrong("hidden_stride", [](Table t) { t.hidden_stride = 3; });
  expectWrong("machine: 183", [](Table t) { t.machine = 183; });
  expectWrong("needs more of its runtime",
              [](Table t) { ++t.environment_size; });
  expectWrong("entries", [](Table t) { t.entries = nullptr; });
  expectWrong("entries", [](Table t) { t.n_entries = 0; });
  expectWrong("entries", [](Table t) { t.n_entries = UINT32_MAX; });
}

TEST(ModelTable, NamesTheWrongEntry) {
  auto expectWrong = [](const char *part, auto change) {
    sherry_abi_model table = goodTable();
    std::vector<sherry_abi_entry> entries(table.entries,
                                          table.entries + table.n_entries);
    change(entries);
    table.entries = entries.data();
    EXPECT_CONTAINS(tableError(table), part);
  };
  using Entries = std::vector<sherry_abi_entry> &;
  expectWrong("entry 1", [](Entries e) { e[1].name = nullptr; });
  expectWrong("entry 1", [](Entries e) { e[1].forward = nullptr; });
  expectWrong("entry 2", [](Entries e) { e[2].max_tokens = 0; });
  expectWrong("entry 2", [](Entries e) { e[2].max_tokens = UINT32_MAX; });
  expectWrong("order", [](Entries e) { e[1].max_tokens = 1; });
  expectWrong("none runs the model", [](Entries e) {
    e[0].kind = 97;
    e[1].kind = 98;
  });
}

TEST(ModelTable, HasTheLimitsOfTheCompiler) {
  struct Case {
    const char *field;
    uint64_t limit;
    void (*set)(sherry_abi_model &, uint64_t);
  };
  const Case cases[] = {
      {"entry 0", SHERRY_ABI_MAX_BLOCK,
       [](sherry_abi_model &t, uint64_t n) {
         static sherry_abi_entry entry = {"prefill", SHERRY_ABI_FORWARD, 0,
                                          noEntry};
         entry.max_tokens = static_cast<uint32_t>(n);
         t.entries = &entry;
         t.n_entries = 1;
       }},
      {"max_context", SHERRY_ABI_MAX_SIZE,
       [](sherry_abi_model &t, uint64_t n) {
         t.max_context = static_cast<uint32_t>(n);
       }},
      {"vocab_size", SHERRY_ABI_MAX_SIZE,
       [](sherry_abi_model &t, uint64_t n) {
         t.vocab_size = t.logits_stride = static_cast<uint32_t>(n);
       }},
      {"metadata", SHERRY_ABI_MAX_METADATA,
       [](sherry_abi_model &t, uint64_t n) { t.metadata_size = n; }},
      {"tokenizer", SHERRY_ABI_MAX_TOKENIZER,
       [](sherry_abi_model &t, uint64_t n) {
         t.tokenizer_offset = 0;
         t.tokenizer_size = t.weights_size = n;
       }},
  };
  for (const Case &c : cases) {
    sherry_abi_model table = goodTable();
    c.set(table, c.limit);
    EXPECT_EQ(tableError(table, table.weights_size), "") << c.field;
    c.set(table, c.limit + 1);
    EXPECT_CONTAINS(tableError(table, table.weights_size), c.field);
  }
}

TEST(ModelTable, NamesAllMissingFeatures) {
  sherry_abi_model table = goodTable();
  table.required_features = uint64_t{1} << SHERRY_CPU_SSE3 |
                            uint64_t{1} << SHERRY_CPU_AVX2 |
                            uint64_t{1} << SHERRY_CPU_AVX512VNNI;
  EXPECT_CONTAINS(tableError(table), "\"some-cpu\"");
  EXPECT_CONTAINS(tableError(table), "missing here: avx2,avx512vnni;");
}
