//===- TernaryPlanTest.cpp - How trits of a checkpoint are packed ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../Import/TestFiles.h"
#include "sherry/Format/Float16.h"
#include "sherry/Weights/WeightPacker.h"
#include "sherry/Weights/WeightPlan.h"

using namespace sherry;
using namespace sherry::test;

namespace {
class TernaryPlanTest : public testing::Test {
protected:
  /// A file whose matrices are all of this type. `fill` makes the bytes of a
  /// tensor of so many weights. Of the first linear layer the file has `scale`.
  void makeModel(uint32_t type,
                 llvm::function_ref<std::string(int64_t weights)> fill,
                 std::optional<float> scale = std::nullopt) {
    std::vector<std::pair<std::string, uint64_t>> tensors;
    for (const LinearLayer &linear : listLinearLayers(config))
      tensors.emplace_back(nameWeight(linear, 0), 128);
    tensors.emplace_back("model.embed_tokens.weight", 32);
    GgufBytes bytes;
    bytes.header(tensors.size() + scale.has_value(), 0);
    std::string data;
    if (scale) {
      bytes.tensor("blk.0.attn_q.scale", {1}, 0, 0);
      data.append(reinterpret_cast<const char *>(&*scale), sizeof(float));
      data.resize(32);
    }
    for (const auto &[name, rows] : tensors) {
      bytes.tensor(makeGgufName(*config.architecture, name), {128, rows}, type,
                   data.size());
      data += fill(static_cast<int64_t>(128 * rows));
    }
    bytes.data(0).bytes += data;
    GgufModel model;
    model.files.push_back(llvm::cantFail(bytes.parse()));
    checkpoint.emplace(
        llvm::cantFail(Checkpoint::create(std::move(model), config)));
  }

  /// The types of the embedding and of the first linear layer.
  std::pair<WeightType, WeightType> plan() {
    auto result = planWeights(options, /*keepNumbers=*/false, config,
                              &*checkpoint, llvm::nulls());
    if (!result) {
      ADD_FAILURE() << llvm::toString(result.takeError());
      return {};
    }
    return {result->weights[0].type, result->weights[2].type};
  }

  /// The bytes of the first linear layer.
  std::vector<uint8_t> packFirst() {
    WeightSource source(&*checkpoint);
    std::string name = nameWeight(listLinearLayers(config).front(), 0);
    WeightMatrix matrix({{name, 128, 0, 128}}, 128);
    EXPECT_EQ(messageOf(matrix.check(source)), "");
    WeightPacker packer(matrix, plan().second, source);
    EXPECT_EQ(messageOf(packer.prepare()), "");
    std::vector<uint8_t> result;
    for (int64_t row = 0; row < 128; row += packer.getRowsAtOnce()) {
      size_t before = result.size();
      int64_t rows = std::min(packer.getRowsAtOnce(), 128 - row);
      result.resize(before + packer.getBytes(rows));
      EXPECT_EQ(messageOf(packer.pack(row, result.data() + before)), "");
    }
    return result;
  }

  ModelConfig config = llvm::cantFail(ModelConfig::parse(llvm::MemoryBufferRef(
      R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"],
          "vocab_size": 32, "hidden_size": 128, "intermediate_size": 128,
          "num_hidden_layers": 1, "num_attention_heads": 4,
          "max_position_embeddings": 16, "rms_norm_eps": 1e-5,
          "tie_word_embeddings": true})",
      "config.json")));
  WeightOptions options;
  std::optional<Checkpoint> checkpoint;
};

/// Blocks of Q2_0 with the scales 0.5 and, every other, 0.5 or 2.
std::string makeQ2_0(int64_t weights, bool isSame, char codes) {
  std::string result;
  for (int64_t i = 0; i < weights / 64; ++i)
    result += std::string(1, '\0') + (isSame || i % 2 == 0 ? '\x38' : '\x40') +
              std::string(16, codes);
  return result;
}

/// Trits in F32 times scales of 64 inputs each, by turns.
std::string makeNumbers(int64_t weights, std::pair<float, float> scales) {
  std::string result;
  for (int64_t i = 0; i < weights; ++i) {
    float trits[] = {-1, 1, 0, 0, 1};
    float number =
        trits[i % 5] * (i / 64 % 2 == 0 ? scales.first : scales.second);
    result.append(reinterpret_cast<const char *>(&number), sizeof(number));
  }
  return result;
}

/// 0, -1, +1, +1 and 0, 0, 0, 0.
constexpr char kSparse = '\xa1', kZeros = '\x55';
} // namespace

/// Checks trits without a pattern, with a scale for so many inputs; 0: a row.
static void expectDense(const WeightType &type, int64_t groupSize) {
  ASSERT_TRUE(getTernary(type));
  const format::TernaryLayout &layout = getTernary(type)->layout;
  EXPECT_EQ(layout.codebook, &format::kDense);
  EXPECT_EQ(layout.granularity, groupSize ? format::Granularity::PerGroup
                                          : format::Granularity::PerChannel);
  if (groupSize) {
    EXPECT_EQ(layout.groupSize, groupSize);
  }
  EXPECT_EQ(layout.scaleType, format::ScaleType::F16);
}

TEST_F(TernaryPlanTest, MergesScalesThatAgree) {
  makeModel(42, [](int64_t n) { return makeQ2_0(n, true, kZeros); });
  auto [embedding, linear] = plan();
  expectDense(embedding, 0);
  expectDense(linear, 0);
}

TEST_F(TernaryPlanTest, KeepsScalesThatDiffer) {
  makeModel(42, [](int64_t n) { return makeQ2_0(n, false, kZeros); });
  auto [embedding, linear] = plan();
  expectDense(embedding, 64);
  expectDense(linear, 64);
}

TEST_F(TernaryPlanTest, FindsThePattern) {
  for (bool isSame : {false, true}) {
    makeModel(42, [&](int64_t n) { return makeQ2_0(n, isSame, kSparse); });
    auto [embedding, linear] = plan();
    expectDense(embedding, isSame ? 0 : 64);
    ASSERT_TRUE(getTernary(linear));
    const format::TernaryLayout &layout = getTernary(linear)->layout;
    EXPECT_EQ(layout.codebook, &format::k3of4);
    EXPECT_EQ(layout.granularity, isSame ? format::Granularity::PerChannel
                                         : format::Granularity::PerGroup);
    EXPECT_EQ(layout.scaleType, format::ScaleType::F16);
  }
}

TEST_F(TernaryPlanTest, ScalesOfTensorsStayF32) {
  // Each byte has the numbers of four inputs that are 32 apart.
  auto fill = [](int64_t weights, const std::string &four) {
    std::string result;
    for (int64_t i = 0; i < weights / 16; ++i)
      result += four;
    return result + "\xcd\xcc\xcc\x3d" + std::string(28, '\xff');
  };
  auto expectWide = [](const WeightType &type,
                       const format::Codebook *codebook) {
    ASSERT_TRUE(getTernary(type));
    const format::TernaryLayout &layout = getTernary(type)->layout;
    EXPECT_EQ(layout.codebook, codebook);
    EXPECT_EQ(layout.granularity, format::Granularity::PerChannel);
    EXPECT_EQ(layout.scaleType, format::ScaleType::F32);
  };
  makeModel(36, [&](int64_t n) { return fill(n, std::string(4, '\x55')); });
  auto [embedding, dense] = plan();
  expectWide(embedding, &format::kDense);
  expectWide(dense, &format::kDense);

  makeModel(36, [&](int64_t n) {
    return fill(n, {'\x55', '\0', '\xaa', '\xaa'});
  });
  expectWide(plan().second, &format::k3of4);
}

TEST_F(TernaryPlanTest, ScalesOfProductsAreThoseOfWeights) {
  for (char codes : {kSparse, kZeros}) {
    makeModel(42, [&](int64_t n) { return makeQ2_0(n, true, codes); });
    std::vector<uint8_t> expected = packFirst();
    // Half of the scale in the blocks, twice that beside them.
    auto halve = [&](int64_t n) {
      std::string result = makeQ2_0(n, true, codes);
      for (size_t i = 1; i < result.size(); i += 18)
        result[i] = '\x34';
      return result;
    };
    makeModel(42, halve, 2.0f);
    EXPECT_EQ(packFirst(), expected);
    makeModel(42, halve, 0.1f);
    EXPECT_EQ(getTernary(plan().second)->layout.scaleType,
              format::ScaleType::F32);
  }
  makeModel(0, [](int64_t n) { return makeNumbers(n, {0.5f, 0.5f}); });
  std::vector<uint8_t> expected = packFirst();
  makeModel(
      0,
      [](int64_t n) {
        return makeNumbers(n, {0.25f, 0.25f});
      },
      2.0f);
  EXPECT_EQ(packFirst(), expected);
}

TEST_F(TernaryPlanTest, FindsNumbersThatAreTrits) {
  using format::Granularity;
  using format::ScaleType;
  auto layout = [&](float first, float second) {
    makeModel(0, [&](int64_t n) { return makeNumbers(n, {first, second}); });
    const WeightType linear = plan().second;
    return getTernary(linear)->layout;
  };
  format::TernaryLayout ofRow = layout(0.5f, 0.5f);
  EXPECT_EQ(ofRow.codebook, &format::kDense);
  EXPECT_EQ(ofRow.granularity, Granularity::PerChannel);
  EXPECT_EQ(ofRow.scaleType, ScaleType::F16);
  format::TernaryLayout ofGroup = layout(0.5f, 2.0f);
  EXPECT_EQ(ofGroup.codebook, &format::kDense);
  EXPECT_EQ(ofGroup.granularity, Granularity::PerGroup);
  EXPECT_EQ(ofGroup.groupSize, 64);
  EXPECT_EQ(ofGroup.scaleType, ScaleType::F16);
  EXPECT_EQ(layout(0.1f, 0.3f).scaleType, ScaleType::F32);
  // Of no weight that is not 0 anything is known.
  EXPECT_EQ(layout(0, 0).codebook, &format::k3of4);
}

/// A checkpoint may name the codebook of numbers that are trits already, and
/// give its scales a type that rounds them.
TEST_F(TernaryPlanTest, NamedTritsWithoutAPatternStay) {
  auto makeRows = [&](float scale) {
    makeModel(0, [&](int64_t n) { return makeNumbers(n, {scale, scale}); });
  };
  makeRows(format::f16ToF32(format::f32ToF16(0.1f)));
  std::vector<uint8_t> expected = packFirst();
  QuantizationConfig &quantization = config.quantization.emplace();
  quantization.granularity = format::Granularity::PerChannel;
  quantization.codebook = &format::kDense;
  makeRows(0.1f);
  EXPECT_EQ(getTernary(plan().second)->layout.scaleType,
            format::ScaleType::F16);
  EXPECT_EQ(packFirst(), expected);
}

TEST_F(TernaryPlanTest, NumbersWithThePatternAreProjectedUnlessOfTheHead) {
  makeModel(0, [](int64_t n) {
    std::string result;
    for (int64_t i = 0; i < n; ++i) {
      float number = i % 4 == 3 ? 0.0f : 0.5f;
      result.append(reinterpret_cast<const char *>(&number), sizeof(number));
    }
    return result;
  });
  auto [embedding, linear] = plan();
  EXPECT_EQ(getTernary(linear)->layout.codebook, &format::k3of4);
  expectDense(embedding, 0);
  options.isVocabularyTernary = true;
  EXPECT_EQ(getTernary(plan().first)->layout.codebook, &format::k3of4);
  // Another pattern does not hold them.
  options.codebook = &format::k2of6;
  expectDense(plan().first, 0);
}
