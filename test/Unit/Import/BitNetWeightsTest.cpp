//===- BitNetWeightsTest.cpp - Trits of BitNet checkpoints ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigFields.h"
#include "sherry/Import/Checkpoint.h"

using namespace sherry;
using namespace sherry::test;
using testing::ElementsAre;
using Form = BitNetConfig::Form;

namespace {
/// A model of one layer, of whose weights only those of q are looked at.
class BitNetWeightsTest : public testing::Test {
protected:
  BitNetWeightsTest() {
    config = good({{"hidden_size", "8"},
                   {"num_attention_heads", "1"},
                   {"num_hidden_layers", "1"}});
    config.bitNet.emplace();
  }

  /// Bytes of a tensor and a scale in f32.
  void write(const std::string &dtype, const std::string &shape,
             const std::string &bytes, float scale) {
    std::string name = "model.layers.0.self_attn.q_proj.weight";
    std::string data =
        bytes + std::string(reinterpret_cast<const char *>(&scale), 4);
    folder.write(
        "model.safetensors",
        makeSafetensors("{" + makeEntry(name, dtype, shape, 0, bytes.size()) +
                            "," +
                            makeEntry(name + "_scale", "F32", "[1]",
                                      bytes.size(), data.size()) +
                            "}",
                        data));
  }

  std::string message(Form form) {
    config.bitNet->form = form;
    auto checkpoint = Checkpoint::open(folder.path());
    if (!checkpoint)
      return messageOf(std::move(checkpoint));
    return messageOf(checkpoint->readAsBitNet(config));
  }

  /// The first two columns.
  std::vector<float> read(Form form) {
    config.bitNet->form = form;
    auto checkpoint = Checkpoint::open(folder.path());
    if (!checkpoint || checkpoint->readAsBitNet(config))
      return {};
    auto view =
        checkpoint->getTensor("model.layers.0.self_attn.q_proj.weight", {8, 8});
    if (!view)
      return {};
    std::vector<float> all(64), result;
    EXPECT_EQ(messageOf(view->readRows(0, 8, all.data())), "");
    for (int row = 0; row < 8; ++row)
      result.insert(result.end(), {all[row * 8], all[row * 8 + 1]});
    return result;
  }

  /// Two columns of a matrix of two byte rows; the others are 0.
  static std::string pack(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    std::string bytes(16, 0x55);
    bytes[0] = static_cast<char>(a);
    bytes[1] = static_cast<char>(b);
    bytes[8] = static_cast<char>(c);
    bytes[9] = static_cast<char>(d);
    return bytes;
  }

  ModelConfig config;
  TempFolder folder;
};
} // namespace

TEST_F(BitNetWeightsTest, G5UnpacksFourRowsOfAByte) {
  write("U8", "[2,8]", pack(152, 81, 9, 42), 2);
  EXPECT_THAT(read(Form::Multiply),
              ElementsAre(-2, 0, 0, 2, 2, -2, 2, 2, 0, 0, -2, 2, 2, 0, -2, -2));
}

TEST_F(BitNetWeightsTest, G5DividesByTheScale) {
  write("U8", "[2,8]", pack(152, 81, 9, 42), 4);
  EXPECT_THAT(read(Form::Divide),
              ElementsAre(-0.25f, 0, 0, 0.25f, 0.25f, -0.25f, 0.25f, 0.25f, 0,
                          0, -0.25f, 0.25f, 0.25f, 0, -0.25f, -0.25f));
}

TEST_F(BitNetWeightsTest, G5RoundsLatentWeightsByTheirMean) {
  // Magnitudes with a mean of 1; halves go to the even neighbour.
  float numbers[64];
  for (int i = 0; i < 64; ++i)
    numbers[i] = i % 2 == 0 ? 0.5f : -1.5f;
  write("F32", "[8,8]",
        std::string(reinterpret_cast<const char *>(numbers), sizeof(numbers)),
        1);
  EXPECT_THAT(read(Form::Latent), ElementsAre(0, -1, 0, -1, 0, -1, 0, -1, 0, -1,
                                              0, -1, 0, -1, 0, -1));
}

TEST_F(BitNetWeightsTest, RefusesWhatTheConfigurationDoesNotSay) {
  write("U8", "[2,8]", pack(0, 0, 0, 0), 1);
  EXPECT_THAT(message(Form::Latent),
              mentions("q_proj.weight", "\"U8\"", "\"online\""));
  write("F32", "[8,8]", std::string(256, 0), 1);
  EXPECT_THAT(message(Form::Divide), mentions("\"F32\"", "trits in \"U8\""));
  write("U8", "[8,2]", pack(0, 0, 0, 0), 1);
  EXPECT_THAT(message(Form::Divide), mentions("[2, 8], four rows per byte"));
  for (float scale : {0.0f, -1.0f, INFINITY, 1e-40f}) {
    write("U8", "[2,8]", pack(0, 0, 0, 0), scale);
    EXPECT_THAT(message(Form::Multiply), mentions("q_proj.weight_scale"));
  }
}

TEST_F(BitNetWeightsTest, RefusesTritsWithoutBitNet) {
  write("U8", "[2,8]", pack(0, 0, 0, 0), 1);
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_THAT(messageOf(checkpoint->getTensor(
                  "model.layers.0.self_attn.q_proj.weight", {2, 8})),
              mentions("\"U8\"", "quant_method \"bitnet\""));
}

TEST_F(BitNetWeightsTest, RefusesCodesThatAreNoTrits) {
  write("U8", "[2,8]", pack(0, 0xc0, 0, 0), 1);
  config.bitNet->form = Form::Multiply;
  auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(bool(checkpoint));
  ASSERT_EQ(messageOf(checkpoint->readAsBitNet(config)), "");
  auto view =
      checkpoint->getTensor("model.layers.0.self_attn.q_proj.weight", {8, 8});
  ASSERT_TRUE(bool(view));
  std::vector<float> out(64);
  EXPECT_THAT(messageOf(view->readRows(0, 8, out.data())),
              mentions("the code 3 in row 6"));
}
