//===- CompiledWeightsTest.cpp - What is trained is what is compiled ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Format/Pack.h"
#include "sherry/Support/Json.h"
#include "sherry/Training/ModelFolder.h"
#include "sherry/Weights/WeightPacker.h"
#include "sherry/Weights/WeightPlan.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

using namespace sherry;
using namespace sherry::training;
using format::Granularity;

static const char *const kTokenizer = SHERRY_SOURCE_DIR "/examples/shakespeare";

namespace {
class CompiledWeights : public testing::TestWithParam<Granularity> {
protected:
  CompiledWeights() {
    description.json = {{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"hidden_size", 64},
                        {"intermediate_size", 300},
                        {"num_hidden_layers", 2},
                        {"num_attention_heads", 4},
                        {"num_key_value_heads", 2},
                        {"vocab_size", 11},
                        {"tie_word_embeddings", true}};
    std::string text = description.json.dump();
    description.config = llvm::cantFail(ModelConfig::parse({text, "test"}));
  }
  ~CompiledWeights() override { std::filesystem::remove_all(folder); }

  /// What the compiler makes of one matrix of the folder, without options.
  static std::vector<float> readCompiled(const std::string &folder,
                                         const Parameter &parameter,
                                         format::ScaleType scaleType);

  ModelDescription description;
  std::string folder =
      std::filesystem::temp_directory_path() /
      ("compiled-weights-" +
       std::to_string(reinterpret_cast<uintptr_t>(&description)));
};
} // namespace

static std::vector<float> unpack(const format::TernaryLayout &layout,
                                 int64_t rows, int64_t cols,
                                 const std::vector<uint8_t> &bytes) {
  int64_t groups = layout.rowGroups(cols), scaleGroups = layout.rowScales(cols);
  std::vector<uint8_t> codes(rows * groups);
  std::vector<float> scales(rows * scaleGroups), result(rows * cols);
  format::unpackTernary(layout, rows, cols, bytes.data(), codes.data(),
                        scales.data());
  std::vector<int8_t> trits(cols);
  for (int64_t row = 0; row < rows; ++row) {
    format::decodeRow(layout, /*strided=*/false, cols, &codes[row * groups],
                      trits.data());
    for (int64_t i = 0; i < cols; ++i)
      result[row * cols + i] =
          static_cast<float>(trits[i]) *
          scales[row * scaleGroups + i / layout.scaleGroupInputs(cols)];
  }
  return result;
}

std::vector<float> CompiledWeights::readCompiled(const std::string &folder,
                                                 const Parameter &parameter,
                                                 format::ScaleType scaleType) {
  ModelConfig config = llvm::cantFail(ModelConfig::load(folder));
  Checkpoint checkpoint = llvm::cantFail(Checkpoint::open(folder));
  WeightOptions options;
  options.scaleType = scaleType;
  WeightPlan plan = llvm::cantFail(planWeights(
      options, /*keepNumbers=*/false, config, &checkpoint, llvm::nulls()));
  TernaryWeights type = plan.projection;
  int64_t rows = parameter.value.size(0), cols = parameter.value.size(1);
  WeightSource source(&checkpoint);
  WeightMatrix matrix({{parameter.name, rows, 0, rows}}, cols);
  llvm::cantFail(matrix.check(source));
  WeightPacker packer(matrix, type, source);
  llvm::cantFail(packer.prepare());
  std::vector<uint8_t> bytes(type.layout.bytes(rows, cols));
  for (int64_t row = 0, at = 0; row < rows; row += packer.getRowsAtOnce()) {
    llvm::cantFail(packer.pack(row, &bytes[at]));
    at += packer.getBytes(std::min(packer.getRowsAtOnce(), rows - row));
  }
  return unpack(type.layout, rows, cols, bytes);
}

TEST_P(CompiledWeights, AreThoseOfTheTrainer) {
  for (const format::Codebook *codebook : format::kCodebooks)
    for (bool roundsScales : {false, true}) {
      SCOPED_TRACE(std::string(codebook->name));
      Projection projection;
      projection.kind = QuantizerKind::Sherry;
      projection.codebook = codebook;
      projection.granularity = GetParam();
      projection.groupSize = 32;
      projection.roundsScales = roundsScales;
      Transformer model(description.config, projection);
      model.initialize(0.3, 7);
      llvm::cantFail(model.prepare(/*lambda=*/0));
      std::filesystem::remove_all(folder);
      std::filesystem::create_directory(folder);
      llvm::cantFail(writeModelFolder(folder, description, model,
                                      format::TensorType::F32, kTokenizer));
      // Nobody has to say the codebook a second time.
      auto again = llvm::cantFail(readDescription(folder));
      EXPECT_EQ(again.projection.kind, QuantizerKind::Sherry);
      EXPECT_EQ(again.projection.codebook, codebook);
      for (const Parameter &parameter : model.getParameters()) {
        if (!parameter.isLinear)
          continue;
        at::Tensor used = parameter.leaf.detach().narrow(
            0, parameter.firstRow, parameter.value.size(0));
        const float *numbers = used.data_ptr<float>();
        EXPECT_EQ(readCompiled(folder, parameter,
                               roundsScales ? format::ScaleType::F16
                                            : format::ScaleType::F32),
                  std::vector<float>(numbers, numbers + used.numel()))
            << parameter.name;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Granularities, CompiledWeights,
                         testing::Values(Granularity::PerTensor,
                                         Granularity::PerChannel,
                                         Granularity::PerGroup));

/// Why no folder has such a quantization_config, after the name of its file.
static std::string refuseQuantization(const std::string &fields) {
  namespace fs = std::filesystem;
  std::string folder = fs::temp_directory_path() /
                       ("refused-codebook-" + std::to_string(::getpid()));
  fs::create_directory(folder);
  std::error_code code;
  llvm::raw_fd_ostream(folder + "/config.json", code)
      << R"({"model_type": "llama", "quantization_config": )"
         R"({"quant_method": "sherry", )"
      << fields << "}}";
  auto description = readDescription(folder);
  fs::remove_all(folder);
  if (description)
    return "";
  return llvm::toString(description.takeError())
      .substr((folder + "/config.json: ").size());
}

TEST(ModelFolder, RefusesCodebooksThatNobodyKnows) {
  EXPECT_EQ(refuseQuantization(R"("codebook": "1:2")"),
            "field \"quantization_config.codebook\" is \"1:2\"; it must be one "
            "of 3:4, 2:6, dense");
  // Neither what contradicts them.
  EXPECT_EQ(refuseQuantization(R"("N": 2, "M": 4)"),
            "field \"quantization_config.N\" is 2; it must be 3, as the "
            "codebook is 3:4");
  EXPECT_EQ(refuseQuantization(R"("codebook": "dense", "M": 4)"),
            "field \"quantization_config.M\" is 4; it must be left out, as the "
            "codebook dense has no pattern");
}
