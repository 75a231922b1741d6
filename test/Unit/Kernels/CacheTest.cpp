//===- CacheTest.cpp - What is stored as keys and values ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CompiledKernels.h"
#include "Shape.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace sherry;

namespace {

constexpr int64_t kPagePositions = SHERRY_ABI_PAGE_POSITIONS, kHeadDim = 16;
// In the second page of the sequence, which is page 3.
constexpr int64_t kPosition = kPagePositions + 37, kPages = 4, kPage = 3;

using Store = void (*)(const uint8_t *weights, uint8_t *pages,
                       const int32_t *pageTable, uint8_t *workspace,
                       const float *x, const int32_t *positions,
                       const int32_t *sequences, float *result, int64_t rows,
                       int64_t tableStride,
                       const sherry_abi_environment *environment);

/// Stores the numbers as key and value of a position.
std::string storeModule() {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << R"(
func.func @store(%x: tensor<?x16xf32>, %positions: tensor<?xi32>,
    %sequences: tensor<?xi32>,
    %cache: !sherry.kv_cache<1 x 1 x 16 x f16, max_context = 200>)
    -> tensor<?x16xf32> {
  %layer = arith.constant 0 : index
  sherry.update_cache %x, %x, %cache[%layer] at %positions of %sequences
      : tensor<?x16xf32>, <1 x 1 x 16 x f16, max_context = 200>
  %y = arith.addf %x, %x : tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
)";
  printEntryPoint(out);
  return text;
}

class CacheTest : public testing::TestWithParam<Lowering> {};

} // namespace

TEST_P(CacheTest, F16IsRoundedAndSaturates) {
  std::string missing = GetParam().missingFeatures();
  if (!missing.empty())
    GTEST_SKIP() << "this processor lacks " << missing;
  llvm::Expected<CompiledKernels> kernels =
      CompiledKernels::compile(GetParam(), storeModule(), /*maxTokens=*/8,
                               /*lookupTokens=*/1);
  ASSERT_TRUE(static_cast<bool>(kernels))
      << llvm::toString(kernels.takeError());

  const float infinity = std::numeric_limits<float>::infinity();
  const float largest = std::numeric_limits<float>::max();
  const struct {
    float number;
    uint16_t bits;
  } cases[kHeadDim] = {{1, 0x3c00},         {-0.0f, 0x8000},
                       {1.0f / 3, 0x3555},  {6e-8f, 0x0001},
                       {2e-8f, 0x0000},     {-1e-5f, 0x80a8},
                       {65504, 0x7bff},     {65519.99f, 0x7bff},
                       {65520, 0x7bff},     {1e6f, 0x7bff},
                       {largest, 0x7bff},   {infinity, 0x7bff},
                       {-65504, 0xfbff},    {-65520, 0xfbff},
                       {-infinity, 0xfbff}, {std::nanf(""), 0x7e00}};
  Buffer input(kHeadDim * sizeof(float)), output(kHeadDim * sizeof(float));
  constexpr int64_t kPartBytes = kPagePositions * kHeadDim * sizeof(uint16_t);
  Buffer pages(kPages * 2 * kPartBytes);
  Buffer workspace(kernels->workspaceBytes(1)), weights(1);
  for (int64_t i = 0; i < kHeadDim; ++i)
    input.floats()[i] = cases[i].number;
  const int32_t position = kPosition, sequence = 1;
  const int32_t pageTable[] = {0, 1, 2, kPage};
  LoneThread thread;
  auto store = reinterpret_cast<Store>(kernels->function("decode_store"));
  store(weights.bytes(), pages.bytes(), pageTable, workspace.bytes(),
        input.floats(), &position, &sequence, output.floats(), 1,
        /*tableStride=*/2, thread.environment());

  uint16_t stored[2][kPagePositions * kHeadDim];
  std::memcpy(stored, pages.bytes() + kPage * 2 * kPartBytes, sizeof(stored));
  constexpr int64_t place = kPosition % kPagePositions, block = place / 16;
  for (int64_t i = 0; i < kHeadDim; ++i) {
    uint16_t key = stored[0][(block * kHeadDim + i) * 16 + place % 16];
    uint16_t value = stored[1][place * kHeadDim + i];
    EXPECT_EQ(key, value);
    if (std::isnan(cases[i].number))
      EXPECT_GT(value & 0x7fff, 0x7c00);
    else
      EXPECT_EQ(value, cases[i].bits) << cases[i].number;
  }
}

INSTANTIATE_TEST_SUITE_P(Lowerings, CacheTest, testing::ValuesIn(kLowerings),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
