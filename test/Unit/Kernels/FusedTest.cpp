//===- FusedTest.cpp - Fused steps against the steps alone ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes fuse steps for several tokens and leave those of one token alone, and
// all have to give the same bits.
//
//===----------------------------------------------------------------------===//
#include "CompiledKernels.h"
#include "Matrix.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace sherry;
using format::CodeOrder;

static constexpr int64_t kMaxTokens = 16;
static constexpr int64_t kLookupBlock = 11;

namespace {

/// x + down(swiglu(gate_up(x))), or x + down(x) if `outputs` is 0.
struct Network {
  int64_t inputs;
  int64_t outputs; ///< of the gate
  Shape gateUp;    ///< meaningful if there are `outputs`
  Shape down;
};

void multiply(llvm::raw_ostream &out, const std::string &result,
              const std::string &input, const Shape &shape,
              const std::string &weight) {
  printLinear(out, result, input, shape, weight,
              shape.has(ActivationKind::I8) ? ActivationKind::I8
                                            : ActivationKind::F32);
}

void printFunction(llvm::raw_ostream &out, const Network &network,
                   size_t number, bool hasResidual) {
  std::string x = "tensor<?x" + std::to_string(network.inputs) + "xf32>";
  out << "func.func @" << (hasResidual ? "residual" : "plain") << number
      << "(%x: " << x << ") -> " << x << " {\n";
  std::string input = "%x";
  if (int64_t n = network.outputs) {
    multiply(out, "%y", "%x", network.gateUp,
             "gate_up" + std::to_string(number));
    out << "  %zero = arith.constant 0 : index\n"
        << "  %rows = tensor.dim %x, %zero : " << x << "\n";
    std::string half = "tensor<?x" + std::to_string(n) + "xf32>";
    for (auto [name, column] : {std::pair("%gate", int64_t(0)), {"%up", n}})
      out << "  " << name << " = tensor.extract_slice %y[0, " << column
          << "] [%rows, " << n << "] [1, 1] : tensor<?x" << 2 * n << "xf32> to "
          << half << "\n";
    out << "  %h = sherry.swiglu %gate, %up : " << half << "\n";
    input = "%h";
  }
  multiply(out, "%d", input, network.down, "down" + std::to_string(number));
  if (hasResidual)
    out << "  %r = arith.addf %x, %d : " << x << "\n";
  out << "  return " << (hasResidual ? "%r" : "%d") << " : " << x << "\n}\n";
}

std::string moduleOf(const std::vector<Network> &networks) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (auto [i, network] : llvm::enumerate(networks)) {
    std::string number = std::to_string(i);
    if (network.outputs)
      printWeight(out, "gate_up" + number, network.gateUp);
    printWeight(out, "down" + number, network.down);
    printFunction(out, network, i, /*hasResidual=*/true);
    if (!network.outputs)
      printFunction(out, network, i, /*hasResidual=*/false);
  }
  printEntryPoint(out);
  return text;
}

Shape ternary(int64_t rows, int64_t cols, CodeOrder order, int64_t groupSize,
              int64_t interleave, bool strided) {
  Shape shape{WeightKind::Ternary, rows, cols, {}};
  shape.layout.order = order;
  shape.layout.groupSize = groupSize;
  shape.layout.interleave = interleave;
  shape.strided = strided;
  return shape;
}

std::vector<Network> makeNetworks() {
  std::vector<Network> networks;
  auto add = [&](int64_t outputs, CodeOrder order, int64_t block,
                 int64_t interleave, bool strided) {
    int64_t inputs = strided ? 64 : 36;
    networks.push_back(
        {inputs, outputs,
         ternary(2 * outputs, inputs, order, 128, interleave, strided),
         ternary(inputs, outputs, order, block, interleave, strided)});
  };
  for (CodeOrder order : {CodeOrder::Words, CodeOrder::Nibbles}) {
    // Four units of half a super-tile, and two of two super-tiles.
    if (order == CodeOrder::Words || testsAll())
      add(256, order, 64, 4, /*strided=*/false);
    if (order == CodeOrder::Nibbles || testsAll())
      add(512, order, 256, 4, /*strided=*/true);
  }
  // Panels write the tables of lookups.
  Network mixed{36, 256,
                ternary(512, 36, CodeOrder::Words, 128, 4, /*strided=*/false),
                ternary(36, 256, CodeOrder::Words, 64, 4, /*strided=*/false)};
  mixed.gateUp.layout.codebook = &format::kDense;
  networks.push_back(mixed);
  // Units of one and a half super-tiles; then of two blocks.
  add(384, CodeOrder::Words, 96, 2, /*strided=*/false);
  add(192, CodeOrder::Words, 48, 2, /*strided=*/false);
  networks.push_back(
      {36, 0, {}, ternary(36, 36, CodeOrder::Words, 128, 1, false)});
  networks.push_back({36, 0, {}, {WeightKind::Numbers, 36, 36, {}}});
  networks.push_back(
      {36, 0, {}, {WeightKind::Blocks, 36, 36, {}, &format::kQ8_0}});
  return networks;
}

class FusedTest : public testing::TestWithParam<Lowering> {};

} // namespace

TEST_P(FusedTest, PrefillHasTheBitsOfDecode) {
  std::vector<Network> networks = makeNetworks();
  int64_t lookupTokens = testsAll() ? 4 : 2;
  llvm::Expected<CompiledKernels> kernels = CompiledKernels::compile(
      GetParam(), moduleOf(networks), kMaxTokens, lookupTokens, kLookupBlock);
  ASSERT_TRUE(static_cast<bool>(kernels))
      << llvm::toString(kernels.takeError());
  Buffer section(kernels->weightsSize());
  std::mt19937 random(7);
  size_t weight = 0;
  auto pack = [&](const Shape &shape) {
    Weights(shape, Operands::Arbitrary, random)
        .pack(section.bytes() + kernels->weightOffset(weight++));
  };
  for (const Network &network : networks) {
    if (network.outputs)
      pack(network.gateUp);
    pack(network.down);
  }

  for (auto [i, network] : llvm::enumerate(networks)) {
    SCOPED_TRACE("network " + std::to_string(i));
    int64_t cols = network.inputs;
    int64_t stride = format::rowStride(cols, sizeof(float));
    Buffer input(kMaxTokens * stride * sizeof(float));
    std::fill_n(input.floats(), kMaxTokens * stride, 0.0f);
    std::uniform_real_distribution<float> number(-1, 1);
    for (int64_t token = 0; token < kMaxTokens; ++token)
      std::generate_n(input.floats() + token * stride, cols,
                      [&] { return number(random); });
    auto run = [&](const std::string &function, int64_t first, int64_t tokens,
                   int64_t threads) {
      Buffer part(kMaxTokens * stride * sizeof(float));
      Buffer output(kMaxTokens * stride * sizeof(float));
      std::copy_n(input.floats() + first * stride, tokens * stride,
                  part.floats());
      kernels->call(function + std::to_string(i), section, part, output, tokens,
                    threads);
      std::vector<float> rows;
      for (int64_t token = 0; token < tokens; ++token)
        rows.insert(rows.end(), output.floats() + token * stride,
                    output.floats() + token * stride + cols);
      return rows;
    };
    std::vector<float> expected;
    for (int64_t token = 0; token < kMaxTokens; ++token) {
      std::vector<float> row = run("decode_residual", token, 1, 2);
      llvm::append_range(expected, row);
      if (network.outputs)
        continue;
      std::vector<float> sums = run("decode_plain", token, 1, 1);
      for (int64_t column = 0; column < cols; ++column)
        sums[column] += input.floats()[token * stride + column];
      EXPECT_EQ(row, sums);
    }
    EXPECT_NE(expected, std::vector<float>(expected.size()));
    auto check = [&](const std::string &function, int64_t tokens) {
      for (int64_t threads : {1, 3})
        EXPECT_EQ(llvm::ArrayRef(run(function, 0, tokens, threads)),
                  llvm::ArrayRef(expected).take_front(tokens * cols))
            << function << ", " << tokens << " tokens, " << threads
            << " threads";
    };
    for (int64_t tokens : {1, 3, 8, 13, 16})
      check("prefill_residual", tokens);
    for (int64_t tokens : {1, 3, 6, 11})
      check("decode_" + std::to_string(kLookupBlock) + "_residual", tokens);
  }
}

INSTANTIATE_TEST_SUITE_P(Lowerings, FusedTest,
                         testing::ValuesIn(testedLowerings()),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
