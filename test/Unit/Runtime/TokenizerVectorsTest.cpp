//===- TokenizerVectorsTest.cpp - Tests with others' results --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Texts and tokens that other programs made.
//
//===----------------------------------------------------------------------===//
#include "Support.h"
#include "TestSupport.h"
#include "Tokenizer.h"
#include "Utf8.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace sherry::runtime;
using namespace sherry::test;
using nlohmann::json;
using Tokens = std::vector<int32_t>;

TEST(TokenizerVectors, Shakespeare) {
  Tokenizer tokenizer(readBytes(sourcePath("examples/shakespeare/"
                                           "tokenizer.json")),
                      1024, 1022, false);
  const json prompts = json::parse(readBytes(
      sourcePath("test/Integration/Inputs/shakespeare/prompts.json")));
  ASSERT_GE(prompts.size(), 5U);
  for (const json &prompt : prompts) {
    const auto text = prompt["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, true, true),
              prompt["tokens"].get<Tokens>())
        << text;
    Utf8Buffer buffer;
    std::string joined;
    for (int32_t token : prompt["greedy"].get<Tokens>())
      joined += buffer.push(tokenizer.bytes(token));
    EXPECT_EQ(joined + buffer.finish(), prompt["greedy_text"]);
  }
}

namespace {

/// As much of GGUF as a vocabulary-only file needs.
class GgufReader {
public:
  explicit GgufReader(std::string bytes) : bytes(std::move(bytes)) {
    if (string(4) != "GGUF")
      throw std::runtime_error("no GGUF");
    number(4); // version
    number(8); // tensors
    for (uint64_t count = number(8); count > 0; --count) {
      std::string key = string(number(8));
      fields[key] = value(number(4));
    }
  }
  json fields = json::object();

private:
  std::string string(uint64_t size) {
    std::string result = bytes.substr(position, size);
    position += size;
    return result;
  }
  uint64_t number(size_t size) {
    uint64_t result = 0;
    std::memcpy(&result, string(size).data(), size);
    return result;
  }
  json value(uint64_t type) {
    constexpr size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8)
      return string(number(8));
    if (type != 9)
      return number(sizes[type]);
    json list = json::array();
    const uint64_t element = number(4);
    for (uint64_t count = number(8); count > 0; --count)
      list.push_back(value(element));
    return list;
  }

  std::string bytes;
  size_t position = 0;
};

} // namespace

TEST(TokenizerVectors, Gpt2) {
  const std::string file = sharedPath("data/tokenizers/ggml-vocab-gpt-2.gguf");
  if (!std::filesystem::exists(file))
    GTEST_SKIP() << file << " is missing; set SHERRY_SHARED_DIR";
  const json fields = GgufReader(readBytes(file)).fields;
  const json &names = fields["tokenizer.ggml.tokens"];
  json vocab = json::object();
  for (size_t i = 0; i < names.size(); ++i)
    vocab[names[i].get<std::string>()] = i;
  const json config = {
      {"model",
       {{"type", "BPE"},
        {"vocab", vocab},
        {"merges", fields["tokenizer.ggml.merges"]}}},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}}};
  Tokenizer tokenizer(config.dump(), static_cast<uint32_t>(names.size()),
                      std::nullopt, std::nullopt);

  const std::string inputs = readBytes(file + ".inp");
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::istringstream outputs(readBytes(file + ".out"));
  int tested = 0;
  size_t begin = 0;
  for (std::string line; std::getline(outputs, line); ++tested) {
    const size_t end = inputs.find(separator, begin);
    const std::string text = inputs.substr(begin, end - begin);
    std::istringstream ids(line);
    const Tokens expected{std::istream_iterator<int32_t>(ids), {}};
    EXPECT_EQ(tokenizer.encode(text, false, false), expected) << text;
    std::string joined;
    for (int32_t token : expected)
      joined += tokenizer.bytes(token);
    EXPECT_EQ(joined, text);
    begin = end + separator.size();
  }
  EXPECT_GT(tested, 20);
}
