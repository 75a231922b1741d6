//===- CheckpointTest.cpp - The weights in a Hugging Face folder ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/Checkpoint.h"
#include "TestFiles.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {
class CheckpointTest : public testing::Test {
protected:
  /// A file with one tensor f32[2][2] of this name, all elements `value`.
  void writeShard(const std::string &file, const std::string &name,
                  float value) {
    std::string data;
    for (int i = 0; i < 4; ++i)
      data.append(reinterpret_cast<const char *>(&value), sizeof(value));
    folder.write(file,
                 makeSafetensors(
                     "{" + makeEntry(name, "F32", "[2,2]", 0, 16) + "}", data));
  }

  /// The message for an index that has this weight_map.
  std::string openIndex(const std::string &weightMap) {
    folder.write("model.safetensors.index.json",
                 "{\"metadata\":{},\"weight_map\":" + weightMap + "}");
    return messageOf(Checkpoint::open(folder.path()));
  }

  TempFolder folder;
};
} // namespace

static float firstElement(const TensorView &view) {
  float values[4] = {};
  EXPECT_EQ(messageOf(view.readRows(0, 2, values)), "");
  return values[0];
}

TEST_F(CheckpointTest, OpensASingleFile) {
  writeShard("model.safetensors", "w", 3);
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint)) << messageOf(std::move(checkpoint));
  EXPECT_TRUE(checkpoint->hasTensor("w"));
  EXPECT_FALSE(checkpoint->hasTensor("v"));
  EXPECT_THAT(checkpoint->getUnusedTensors(), ElementsAre("w"));
  Checkpoint moved = std::move(*checkpoint);
  auto view = moved.getTensor("w", {2, 2});
  ASSERT_TRUE(bool(view));
  EXPECT_EQ(firstElement(*view), 3);
  EXPECT_EQ(view->getFile(), folder.path("model.safetensors"));
  EXPECT_THAT(moved.getUnusedTensors(), IsEmpty());
}

TEST_F(CheckpointTest, OpensShards) {
  writeShard("a.safetensors", "w", 1);
  writeShard("b.safetensors", "v", 2);
  ASSERT_EQ(openIndex("{\"w\":\"a.safetensors\",\"v\":\"b.safetensors\"}"), "");
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_EQ(firstElement(*checkpoint->getTensor("w", {2, 2})), 1);
  EXPECT_THAT(checkpoint->getUnusedTensors(), ElementsAre("v"));
  EXPECT_EQ(firstElement(*checkpoint->getTensor("v", {2, 2})), 2);
}

TEST_F(CheckpointTest, TheSingleFileWins) {
  writeShard("model.safetensors", "w", 1);
  EXPECT_EQ(openIndex("{\"w\":\"missing.safetensors\"}"), "");
}

TEST_F(CheckpointTest, NamesMissingAndMisshapenTensors) {
  writeShard("model.safetensors", "w", 1);
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_THAT(messageOf(checkpoint->getTensor("v", {2, 2})),
              mentions(folder.path(), "no tensor \"v\"", "configuration"));
  EXPECT_THAT(messageOf(checkpoint->getTensor("w", {2, 3})),
              mentions("\"w\"", "[2, 2]", "[2, 3]", "configuration"));
  EXPECT_THAT(messageOf(checkpoint->getTensor("w", {4})), mentions("[4]"));
  EXPECT_THAT(checkpoint->getUnusedTensors(), ElementsAre("w"));
}

TEST_F(CheckpointTest, NamesMissingFiles) {
  EXPECT_THAT(
      messageOf(Checkpoint::open(folder.path())),
      mentions(folder.path(), "neither model.safetensors nor", "Hugging Face"));
  writeShard("b.safetensors", "v", 1);
  EXPECT_THAT(openIndex("{\"u\":\"a.safetensors\",\"v\":\"b.safetensors\","
                        "\"w\":\"c.safetensors\"}"),
              mentions("\"a.safetensors\", \"c.safetensors\"", "download"));
}

TEST_F(CheckpointTest, RefusesBadIndices) {
  writeShard("a.safetensors", "w", 1);
  for (std::string bad :
       {"\"../a.safetensors\"", "\"/etc/a.safetensors\"", "\"\"", "\"a.bin\"",
        "\"..\"", "\"d\\\\a.safetensors\"", "\"a\\u0000.safetensors\"", "7"})
    EXPECT_THAT(
        openIndex("{\"w\":" + bad + "}"),
        mentions("model.safetensors.index.json", "\"w\"", "in the same folder"))
        << bad;
  EXPECT_THAT(openIndex("3"), mentions("weight_map"));
  EXPECT_THAT(openIndex("{\"w\":\"a.safetensors\",\"w\":\"a.safetensors\"}"),
              mentions("occurs twice"));
  folder.write("model.safetensors.index.json", "{}");
  EXPECT_THAT(messageOf(Checkpoint::open(folder.path())),
              mentions("weight_map"));
}

TEST_F(CheckpointTest, ATensorThatOnlyTheIndexHasIsMissedWhenItIsNeeded) {
  writeShard("a.safetensors", "w", 1);
  ASSERT_EQ(openIndex("{\"w\":\"a.safetensors\",\"v\":\"a.safetensors\"}"), "");
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_THAT(checkpoint->getLackingTensors(), ElementsAre("v"));
  EXPECT_THAT(checkpoint->getUnusedTensors(), ElementsAre("w"));
  EXPECT_FALSE(checkpoint->hasTensor("v"));
  EXPECT_EQ(checkpoint->getTensorType("v"), std::nullopt);
  EXPECT_THAT(messageOf(checkpoint->getTensor("v", {2, 2})),
              mentions("a.safetensors: has no tensor \"v\"",
                       "model.safetensors.index.json says it has"));
}

TEST_F(CheckpointTest, WithoutABiasScaleOrNormAModelIsAnother) {
  auto check = [&](const std::string &name) {
    EXPECT_EQ(openIndex("{\"" + name + "\":\"a.safetensors\"}"), "");
    auto checkpoint = Checkpoint::open(folder.path());
    return checkpoint ? messageOf(checkpoint->checkUnusedTensors(2))
                      : messageOf(std::move(checkpoint));
  };
  for (std::string name : {"model.layers.1.self_attn.q_proj.bias",
                           "model.layers.1.self_attn.q_proj.scale",
                           "model.layers.1.mlp.up_proj.weight_scale",
                           "model.layers.0.self_attn.q_norm.weight"}) {
    writeShard("a.safetensors", "w", 1);
    EXPECT_THAT(check(name), mentions("a.safetensors: has no tensor", name));
    writeShard("a.safetensors", name, 1);
    EXPECT_THAT(check(name),
                mentions(name, "not supported for this architecture"));
  }
  writeShard("a.safetensors", "w", 1);
  EXPECT_EQ(check("model.layers.2.self_attn.q_proj.bias"), "");
  EXPECT_EQ(check("model.layers.0.rotary_emb.inv_freq"), "");
}

TEST_F(CheckpointTest, ABaseModelGetsThePrefixOfTheWholeOne) {
  writeShard("a.safetensors", "embed_tokens.weight", 1);
  writeShard("b.safetensors", "layers.0.mlp.up_proj.weight", 2);
  writeShard("c.safetensors", "lm_head.weight", 3);
  ASSERT_EQ(openIndex("{\"embed_tokens.weight\":\"a.safetensors\","
                      "\"layers.0.mlp.up_proj.weight\":\"b.safetensors\","
                      "\"norm.weight\":\"b.safetensors\","
                      "\"lm_head.weight\":\"c.safetensors\"}"),
            "");
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_THAT(checkpoint->getUnusedTensors(),
              ElementsAre("lm_head.weight", "model.embed_tokens.weight",
                          "model.layers.0.mlp.up_proj.weight"));
  EXPECT_THAT(checkpoint->getLackingTensors(),
              ElementsAre("model.norm.weight"));
  EXPECT_EQ(firstElement(*checkpoint->getTensor(
                "model.layers.0.mlp.up_proj.weight", {2, 2})),
            2);
}

TEST_F(CheckpointTest, RefusesDamagedShards) {
  folder.write("a.safetensors", "short");
  EXPECT_THAT(openIndex("{\"w\":\"a.safetensors\"}"),
              mentions("a.safetensors: has 5 bytes"));
}
