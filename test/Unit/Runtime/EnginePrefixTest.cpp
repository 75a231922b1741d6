//===- EnginePrefixTest.cpp - What was read, in files ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ElfCheck.h"
#include "EngineFixture.h"
#include "sherry-abi/abi.h"
#include "sherry/support/Files.h"

using namespace sherry;
using namespace sherry::test;
using namespace sherry::engine;

namespace {

class EnginePrefixTest : public EngineTest {
protected:
  /// How many tokens of a prompt of 300 were known from files.
  size_t ask(const sherry_model *asked) {
    Engine engine(asked, {400, 0, 1, 1, 0});
    engine.keepPrefixes(folder.path("prefixes"), uint64_t{1} << 30);
    Result result;
    engine.submit(makeRequest(someTokens(300, 1), 1, result));
    engine.run();
    while (engine.savePrefix())
      ;
    EXPECT_EQ(result.tokens, expected(someTokens(300, 1), 1));
    return result.end->cached;
  }

  TempFolder folder;
};

} // namespace

// As another fine-tune of the same model does.
TEST_F(EnginePrefixTest, ModelsWithOtherWeightsHaveOtherFiles) {
  std::string bytes = readBytes(demoPath());
  const auto place = runtime::checkElf(runtime::File(demoPath())).checksum;
  bytes[place.offset + offsetof(sherry_abi_checksum, weights)] ^= 1;
  writeBytes(folder.path("tuned.so"), bytes);
  const ModelPtr tuned = openModel(folder.path("tuned.so"));
  EXPECT_EQ(sherry_model_checksum(model.get()) ^
                sherry_model_checksum(tuned.get()),
            1U);
  EXPECT_EQ(ask(model.get()), 0U);
  EXPECT_EQ(ask(tuned.get()), 0U);
  EXPECT_EQ(ask(model.get()), 299U);
  EXPECT_EQ(ask(tuned.get()), 299U);
}
