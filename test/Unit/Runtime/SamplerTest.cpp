//===- SamplerTest.cpp - Tests of sampling --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

using namespace sherry::test;

static constexpr float notANumber = std::numeric_limits<float>::quiet_NaN();
static constexpr float infinity = std::numeric_limits<float>::infinity();

static SamplerPtr makeSampler(float temperature, uint32_t topK, float topP,
                              uint64_t seed) {
  sherry_sampler_options options = {temperature, topK, topP, seed};
  SamplerPtr sampler(sherry_sampler_create(&options));
  EXPECT_TRUE(sampler) << sherry_error_message();
  return sampler;
}

static int32_t sampleOnce(const SamplerPtr &sampler,
                          const std::vector<float> &logits) {
  return sherry_sample(sampler.get(), logits.data(),
                       static_cast<uint32_t>(logits.size()));
}

/// How often each token is drawn.
static std::map<int32_t, int>
draw(const SamplerPtr &sampler, const std::vector<float> &logits, int times) {
  std::map<int32_t, int> counts;
  for (int i = 0; i < times; ++i)
    ++counts[sampleOnce(sampler, logits)];
  return counts;
}

static std::vector<float> logitsOf(std::vector<double> probabilities) {
  std::vector<float> logits;
  for (double p : probabilities)
    logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  auto sampler = makeSampler(0, 0, 1, 1);
  EXPECT_EQ(sampleOnce(sampler, {1, 5, 5, 2}), 1);
  EXPECT_EQ(sampleOnce(sampler, {-infinity, -3, -infinity, -2}), 3);
  EXPECT_EQ(sampleOnce(sampler, {-infinity, -1e30F}), 1);
  EXPECT_EQ(sampleOnce(sampler, {1, infinity, infinity}), 1);
}

TEST(Sampler, NothingPossible) {
  for (float temperature : {0.0F, 1.0F}) {
    auto sampler = makeSampler(temperature, 2, 0.5F, 1);
    EXPECT_EQ(sampleOnce(sampler, {-infinity, -infinity}), -1);
    EXPECT_CONTAINS(sherry_error_message(),
                    "biases or the mask forbid all of them");
  }
}

TEST(Sampler, OnlyTokensOfTheMask) {
  const float logits[] = {5, 4, notANumber, 3, 2};
  const uint32_t mask[] = {1U << 1 | 1U << 3 | 1U << 4}, none[] = {0};
  auto greedy = makeSampler(0, 0, 1, 1);
  EXPECT_EQ(sherry_sample_masked(greedy.get(), logits, 5, mask), 1);
  EXPECT_EQ(sherry_sample_masked(greedy.get(), logits, 5, none), -1);
  EXPECT_CONTAINS(sherry_error_message(), "or the mask forbid all of them");
  EXPECT_EQ(sherry_sample_masked(greedy.get(), logits, 2, nullptr), 0);
  auto sampler = makeSampler(2, 2, 1, 1);
  for (int i = 0; i < 100; ++i) {
    const int32_t token = sherry_sample_masked(sampler.get(), logits, 5, mask);
    EXPECT_TRUE(token == 1 || token == 3) << token;
  }
  // More than 32 tokens.
  std::vector<float> many(70, 1);
  const uint32_t last[] = {0, 0, 1U << 5};
  EXPECT_EQ(sherry_sample_masked(sampler.get(), many.data(), 70, last), 69);
}

TEST(Sampler, NotNumbers) {
  for (float temperature : {0.0F, 1.0F}) {
    auto sampler = makeSampler(temperature, 2, 0.5F, 1);
    EXPECT_EQ(sampleOnce(sampler, {1, notANumber, 2}), -1);
    EXPECT_CONTAINS(sherry_error_message(),
                    "the model's logits are not numbers");
    EXPECT_CONTAINS(sherry_error_message(),
                    "with a cache of i8 or f32, or with activations of f32");
  }
}

TEST(Sampler, NotFiniteLogits) {
  auto sampler = makeSampler(1, 0, 0.9F, 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sampleOnce(sampler, {-infinity, 3, -infinity, -infinity}), 1);
    EXPECT_EQ(sampleOnce(sampler, {0, infinity, 100}), 1);
  }
}

TEST(Sampler, FollowsTheDistribution) {
  const std::vector<double> p = {0.1, 0.2, 0.3, 0.4};
  const int times = 40000;
  auto counts = draw(makeSampler(1, 0, 1, 42), logitsOf(p), times);
  for (int32_t i = 0; i < 4; ++i) // 5 standard deviations
    EXPECT_NEAR(counts[i], p[i] * times,
                5 * std::sqrt(times * p[i] * (1 - p[i])));
}

TEST(Sampler, TemperatureSharpens) {
  // p ^ (1 / 0.5), normalised.
  const std::vector<double> sharp = {0.01 / 0.3, 0.04 / 0.3, 0.09 / 0.3,
                                     0.16 / 0.3};
  const int times = 40000;
  auto counts =
      draw(makeSampler(0.5F, 0, 1, 42), logitsOf({0.1, 0.2, 0.3, 0.4}), times);
  for (int32_t i = 0; i < 4; ++i)
    EXPECT_NEAR(counts[i], sharp[i] * times,
                5 * std::sqrt(times * sharp[i] * (1 - sharp[i])));
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  auto counts =
      draw(makeSampler(1, 2, 1, 3), logitsOf({0.1, 0.4, 0.2, 0.3}), 20000);
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts[1], 20000 * 4.0 / 7, 400);
  EXPECT_NEAR(counts[3], 20000 * 3.0 / 7, 400);
  EXPECT_EQ(draw(makeSampler(1, 1, 1, 3), logitsOf({0.2, 0.4, 0.4}), 100)[1],
            100);
}

TEST(Sampler, TopKAgreesWithSorting) {
  std::mt19937 random(5);
  for (uint32_t k = 1; k <= 12; ++k) { // also more than there are
    std::vector<float> logits(10);
    for (float &logit : logits) // few values: many are equal
      logit = random() % 8 ? static_cast<float>(random() % 4) : -infinity;
    std::vector<int32_t> order;
    for (int32_t i = 0; i < 10; ++i)
      if (std::isfinite(logits[i]))
        order.push_back(i);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    order.resize(std::min<size_t>(k, order.size()));
    std::sort(order.begin(), order.end());
    // So hot that all that are left come up.
    std::vector<int32_t> drawn;
    for (auto [token, count] : draw(makeSampler(1000, k, 1, k), logits, 2000))
      drawn.push_back(token);
    EXPECT_EQ(drawn, order) << k;
  }
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  const auto logits = logitsOf({0.1, 0.4, 0.2, 0.3});
  EXPECT_EQ(draw(makeSampler(1, 0, 0.39F, 3), logits, 1000).size(), 1U);
  auto counts = draw(makeSampler(1, 0, 0.69F, 3), logits, 20000);
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts[1], 20000 * 4.0 / 7, 400);
  EXPECT_EQ(draw(makeSampler(1, 0, 0.71F, 3), logits, 1000).size(), 3U);
  // After top-k, of what is left: 4/7 reach a half.
  EXPECT_EQ(draw(makeSampler(1, 2, 0.5F, 3), logits, 1000).size(), 1U);
}

TEST(Sampler, SeedDecides) {
  const std::vector<float> logits(100, 0.0F);
  auto sequence = [&](uint64_t seed) {
    auto sampler = makeSampler(0.8F, 40, 0.95F, seed);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i)
      tokens.push_back(sampleOnce(sampler, logits));
    return tokens;
  };
  EXPECT_EQ(sequence(1), sequence(1));
  EXPECT_NE(sequence(1), sequence(2));
  // Fixed by the C++ standard's mt19937_64 and the conversion in Sampler.cpp:
  // the first number for seed 5489 is 14514284786278117030, 0.78682 of 2^64.
  auto sampler = makeSampler(1, 0, 1, 5489);
  EXPECT_EQ(sampleOnce(sampler, logits), 78);
}

TEST(Sampler, RefusesOptionsOutOfRange) {
  for (sherry_sampler_options options :
       {sherry_sampler_options{-1, 0, 1, 0},
        sherry_sampler_options{notANumber, 0, 1, 0},
        sherry_sampler_options{infinity, 0, 1, 0},
        sherry_sampler_options{1, 0, 0, 0},
        sherry_sampler_options{1, 0, 1.5F, 0},
        sherry_sampler_options{1, 0, notANumber, 0}}) {
    EXPECT_EQ(sherry_sampler_create(&options), nullptr);
    EXPECT_CONTAINS(sherry_error_message(), "must be");
  }
}

/// Counts what `options` pick of these logits in many draws.
static std::map<int32_t, int> drawMany(const sherry_sampler_options &options,
                                       const std::vector<float> &logits,
                                       const std::vector<int32_t> &accepted) {
  SamplerPtr sampler(sherry_sampler_create(&options));
  EXPECT_TRUE(sampler) << sherry_error_message();
  for (int32_t token : accepted)
    sherry_sampler_accept(sampler.get(), token);
  return draw(sampler, logits, 2000);
}

TEST(Sampler, MinPKeepsAPartOfTheLikeliest) {
  sherry_sampler_options options = {};
  options.temperature = options.top_p = 1;
  options.min_p = 0.3F;
  // Probabilities 8 : 4 : 2 : 1.
  const std::vector<float> logits = {0, std::log(8.0F), std::log(4.0F),
                                     std::log(2.0F)};
  const auto counts = drawMany(options, logits, {});
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts.at(1), 2000 * 2.0 / 3, 100);
}

TEST(Sampler, TypicalPKeepsWhatIsNearTheEntropy) {
  sherry_sampler_options options = {};
  options.temperature = options.top_p = 1;
  options.typical_p = 0.25F;
  // Of one token of 0.4 and six of 0.1, these are nearest to the entropy of
  // 1.75 nats: 0.92 and 2.30 are 0.83 and 0.55 away.
  std::vector<float> logits(7, std::log(0.1F));
  logits[3] = std::log(0.4F);
  const auto counts = drawMany(options, logits, {});
  EXPECT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts.count(3), 0U);
}

TEST(Sampler, PenaltiesAndBiases) {
  const std::vector<float> logits = {2, 1.5F, -1, -1.2F};
  auto best = [&](sherry_sampler_options options,
                  const std::vector<int32_t> &accepted) {
    options.top_p = 1;
    return drawMany(options, logits, accepted).begin()->first;
  };
  sherry_sampler_options options = {};
  EXPECT_EQ(best(options, {0, 0}), 0);
  options.repetition_penalty = 1.5F; // 2 becomes 1.33
  EXPECT_EQ(best(options, {0}), 1);
  EXPECT_EQ(best(options, {}), 0);
  EXPECT_EQ(best(options, {0, 1}), 0); // 1.33 and 1
  options = {};
  options.presence_penalty = 0.6F;
  EXPECT_EQ(best(options, {0, 0}), 1);
  options = {};
  options.frequency_penalty = 0.3F;
  EXPECT_EQ(best(options, {0}), 0);
  EXPECT_EQ(best(options, {0, 0}), 1);
  options.penalty_last_n = 1;
  EXPECT_EQ(best(options, {0, 0}), 0);
  options = {};
  const sherry_logit_bias biases[] = {{0, -HUGE_VALF}, {3, 3}};
  options.biases = biases;
  options.n_biases = 2;
  EXPECT_EQ(best(options, {}), 3);
}

TEST(Sampler, ACopyPicksWhatTheOtherWould) {
  sherry_sampler_options options = {};
  options.temperature = options.top_p = 1;
  options.presence_penalty = 2;
  const sherry_logit_bias bias = {5, -HUGE_VALF};
  options.biases = &bias;
  options.n_biases = 1;
  const std::vector<float> logits(200, 1);
  const SamplerPtr sampler(sherry_sampler_create(&options));
  auto draw = [&](sherry_sampler *from) {
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i) {
      tokens.push_back(sherry_sample(from, logits.data(), 200));
      sherry_sampler_accept(from, tokens.back());
    }
    return tokens;
  };
  draw(sampler.get());
  const SamplerPtr copy(sherry_sampler_copy(sampler.get()));
  const std::vector<int32_t> tokens = draw(copy.get());
  EXPECT_EQ(draw(sampler.get()), tokens); // the copy has changed nothing
  EXPECT_NE(draw(sampler.get()), tokens);
}
