//===- LinearTest.cpp - Linear kernels against scalar products ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every lowering that this processor can run has to give the same bits as a
// scalar loop over the trits, and thereby the same as every other lowering.
//
//===----------------------------------------------------------------------===//
#include "CompiledKernels.h"
#include "Matrix.h"
#include "sherry/Format/Float16.h"

#include "gtest/gtest.h"

#include <cmath>
#include <optional>

using namespace sherry;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

/// Of the sum of magnitudes: 600 products in f32 are rounded 2^-24 at a time,
/// in an order that the reference, in f64, does not have.
static constexpr double kFloatTolerance = 1e-5;
static constexpr int64_t kMaxTokens = 40;
/// Most tokens of the function that looks several blocks of tokens up.
static constexpr int64_t kLookupBlock = 13;
/// A NaN that no computation makes: no kernel may read or overwrite it.
static constexpr uint32_t kUntouched = 0x7fc0beef;

namespace {

/// Compares one row of outputs with what it should be.
using RowCheck = std::function<AssertionResult(int64_t token,
                                               llvm::ArrayRef<float> outputs)>;

class LinearTest : public testing::TestWithParam<Lowering> {
protected:
  void compile(ActivationKind activations);
  /// Whether there are functions for few tokens; those of the lowering without
  /// instructions of its own take long to compile.
  static bool hasFewTokens() {
    return testsAll() || llvm::StringRef(GetParam().name) != "Generic";
  }

  /// Tokens that are looked up together: with words as many as on any CPU.
  static int64_t lookupTokens() {
    if (llvm::StringRef(GetParam().name) == "AVX512VNNI")
      return 8;
    return !hasFewTokens() ? 1 : testsAll() ? 4 : 2;
  }

  /// Runs the decode and the prefill function of every shape that has
  /// `activations`, with several numbers of tokens and threads; `expect` makes
  /// the check of a shape's outputs.
  void runAll(
      ActivationKind activations, Operands operands,
      llvm::function_ref<RowCheck(const Weights &, const std::vector<float> &)>
          expect);

  /// `tokens` rows of `activations` from `first` on.
  void run(const std::string &function, Buffer &weights, const Shape &shape,
           llvm::ArrayRef<float> activations, int64_t first, int64_t tokens,
           int64_t threads, const RowCheck &check);

  std::optional<CompiledKernels> kernels;
};

AssertionResult sameBits(llvm::ArrayRef<float> expected,
                         llvm::ArrayRef<float> outputs) {
  for (size_t row = 0; row < expected.size(); ++row)
    if (format::floatBits(expected[row]) != format::floatBits(outputs[row]))
      return AssertionFailure() << "row " << row << ": expected "
                                << expected[row] << ", got " << outputs[row];
  return AssertionSuccess();
}

AssertionResult isClose(const RealProduct &expected,
                        llvm::ArrayRef<float> outputs) {
  for (size_t row = 0; row < expected.sums.size(); ++row)
    // In this form a NaN fails.
    if (!(std::abs(outputs[row] - expected.sums[row]) <=
          kFloatTolerance * expected.magnitudes[row]))
      return AssertionFailure()
             << "row " << row << ": expected " << expected.sums[row] << ", got "
             << outputs[row] << " where magnitudes sum up to "
             << expected.magnitudes[row];
  return AssertionSuccess();
}

/// Row `token` of [tokens][cols].
llvm::ArrayRef<float> rowOf(llvm::ArrayRef<float> activations, int64_t cols,
                            int64_t token) {
  return activations.slice(token * cols, cols);
}

} // namespace

void LinearTest::compile(ActivationKind activations) {
  llvm::Expected<CompiledKernels> compiled = CompiledKernels::compile(
      GetParam(), moduleText(testShapes(), activations), kMaxTokens,
      lookupTokens(), hasFewTokens() ? kLookupBlock : 0);
  ASSERT_TRUE(static_cast<bool>(compiled))
      << llvm::toString(compiled.takeError());
  kernels = *compiled;
}

void LinearTest::run(const std::string &function, Buffer &weights,
                     const Shape &shape, llvm::ArrayRef<float> activations,
                     int64_t first, int64_t tokens, int64_t threads,
                     const RowCheck &check) {
  SCOPED_TRACE(function + " of " + shape.typeText() + ", " +
               std::to_string(tokens) + " tokens, " + std::to_string(threads) +
               " threads");
  int64_t inputs = format::rowStride(shape.cols, sizeof(float));
  int64_t outputs = format::rowStride(shape.rows, sizeof(float));
  float untouched = format::floatFromBits(kUntouched);
  Buffer input(kMaxTokens * inputs * sizeof(float));
  Buffer output(kMaxTokens * outputs * sizeof(float));
  std::fill_n(input.floats(), kMaxTokens * inputs, untouched);
  std::fill_n(output.floats(), kMaxTokens * outputs, untouched);
  for (int64_t token = 0; token < tokens; ++token) {
    llvm::ArrayRef<float> row = rowOf(activations, shape.cols, first + token);
    std::copy(row.begin(), row.end(), input.floats() + token * inputs);
  }
  kernels->call(function, weights, input, output, tokens, threads);
  for (int64_t token = 0; token < tokens; ++token) {
    llvm::ArrayRef<float> row(output.floats() + token * outputs, outputs);
    ASSERT_TRUE(check(first + token, row.take_front(shape.rows)))
        << "token " << token;
    std::vector<float> zeros(outputs - shape.rows);
    ASSERT_TRUE(sameBits(zeros, row.drop_front(shape.rows)))
        << "padding of token " << token;
  }
  std::vector<float> rest((kMaxTokens - tokens) * outputs, untouched);
  ASSERT_TRUE(sameBits(rest, {output.floats() + tokens * outputs, rest.size()}))
      << "behind the last token";
}

void LinearTest::runAll(
    ActivationKind activations, Operands operands,
    llvm::function_ref<RowCheck(const Weights &, const std::vector<float> &)>
        expect) {
  Buffer section(kernels->weightsSize());
  for (size_t i = 0; i < testShapes().size(); ++i) {
    const Shape &shape = testShapes()[i];
    if (!shape.has(activations))
      continue;
    std::mt19937 random(static_cast<unsigned>(i));
    Weights weights(shape, operands, random);
    weights.pack(section.bytes() + kernels->weightOffset(i));
    std::vector<float> inputs =
        makeActivations(shape, operands, kMaxTokens, random);
    RowCheck check = expect(weights, inputs);
    std::string name = functionName(i);
    for (int64_t threads : {1, 3}) {
      for (int64_t token : {0, 1, 2})
        run("decode_" + name, section, shape, inputs, token, 1, threads, check);
      auto runFew = [&](int64_t most, int64_t tokens) {
        run("decode_" + std::to_string(most) + "_" + name, section, shape,
            inputs, kMaxTokens - tokens, tokens, threads, check);
      };
      for (int64_t most = 2; most <= lookupTokens(); most *= 2)
        for (int64_t tokens : {most - 1, most})
          runFew(most, tokens);
      if (hasFewTokens())
        for (int64_t tokens : {1, 3, 5, 6, 7, 11, 13})
          runFew(kLookupBlock, tokens);
      for (int64_t tokens : {1, 3, 8, 11, 13, 16, 17, 40})
        run("prefill_" + name, section, shape, inputs, kMaxTokens - tokens,
            tokens, threads, check);
      if (HasFatalFailure())
        return;
    }
  }
}

/// Makes the check of a shape from the expected outputs of a token.
template <typename Product, typename Compare>
static auto checkAgainst(Product product, Compare compare) {
  return [=](const Weights &weights, const std::vector<float> &inputs) {
    std::vector<decltype(product(weights, inputs))> expected;
    for (int64_t token = 0; token < kMaxTokens; ++token)
      expected.push_back(
          product(weights, rowOf(inputs, weights.shape.cols, token)));
    return [=](int64_t token, llvm::ArrayRef<float> outputs) {
      return compare(expected[token], outputs);
    };
  };
}

TEST_P(LinearTest, IntegerSumsAreExact) {
  ASSERT_NO_FATAL_FAILURE(compile(ActivationKind::I8));
  runAll(ActivationKind::I8, Operands::Exact,
         checkAgainst(exactProduct, sameBits));
  bool hasFma = GetParam().target().has(SHERRY_CPU_FMA);
  auto product = [hasFma](const Weights &weights,
                          llvm::ArrayRef<float> activations) {
    return quantizedProduct(weights, activations, hasFma);
  };
  runAll(ActivationKind::I8, Operands::Arbitrary,
         checkAgainst(product, sameBits));
}

TEST_P(LinearTest, FloatSumsAreClose) {
  ASSERT_NO_FATAL_FAILURE(compile(ActivationKind::F32));
  runAll(ActivationKind::F32, Operands::Exact,
         checkAgainst(exactProduct, sameBits));
  runAll(ActivationKind::F32, Operands::Arbitrary,
         checkAgainst(realProduct, isClose));
}

INSTANTIATE_TEST_SUITE_P(Lowerings, LinearTest,
                         testing::ValuesIn(testedLowerings()),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
