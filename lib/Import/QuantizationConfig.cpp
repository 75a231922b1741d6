//===- QuantizationConfig.cpp - How a checkpoint was trained --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace sherry;

StringRef sherry::getGranularityName(format::Granularity granularity) {
  switch (granularity) {
  case format::Granularity::PerTensor:
    return "per_tensor";
  case format::Granularity::PerChannel:
    return "per_channel";
  case format::Granularity::PerGroup:
    return "per_group";
  }
  llvm_unreachable("unknown granularity");
}

/// Checks that N and M, if given, repeat the pattern of the codebook.
static void checkPattern(FieldReader &fields,
                         const format::Codebook &codebook) {
  StringRef codebookName = codebook.name;
  for (auto [name, value] :
       {std::pair("N", codebook.kept), std::pair("M", codebook.inputs)}) {
    const nlohmann::json *field = fields.find(name);
    if (field && codebook.kept == 0)
      fields.refuse(name, "left out, as the codebook " + codebookName +
                              " has no pattern");
    else if (field && *field != value)
      fields.refuse(name,
                    Twine(value) + ", as the codebook is " + codebookName);
  }
}

const format::Codebook *sherry::readCodebook(FieldReader &fields) {
  std::string name =
      fields.getString("codebook", std::string(format::k3of4.name));
  const format::Codebook *codebook = format::findCodebook(name);
  if (!codebook) {
    fields.refuse("codebook", "one of " + format::listCodebooks());
    return &format::k3of4;
  }
  checkPattern(fields, *codebook);
  return codebook;
}

/// As in transformers (integrations/bitnet.py), only the class of the linear
/// layers defines the meaning of the scale.
static void parseBitNet(FieldReader &fields, ModelConfig &config) {
  using Form = BitNetConfig::Form;
  BitNetConfig result;
  std::string name = fields.getString("linear_class", "bitlinear");
  bool isAuto = name == "autobitlinear";
  if (!isAuto && name != "bitlinear")
    fields.refuse("linear_class", "\"bitlinear\" or \"autobitlinear\"");
  result.form = isAuto ? Form::Multiply : Form::Divide;
  if (isAuto) { // the other class has no modes
    std::string mode = fields.getString("quantization_mode", "offline");
    if (mode == "online")
      result.form = Form::Latent;
    else if (mode != "offline")
      fields.refuse("quantization_mode", "\"offline\" or \"online\"");
  }
  if (fields.getBool("use_rms_norm", false))
    fields.refuse("use_rms_norm", "false; linear layers with a norm of their "
                                  "own are not supported");
  resolveModules(fields, config, result);
  config.bitNet = std::move(result);
}

void sherry::parseQuantization(FieldReader &reader, ModelConfig &config) {
  std::optional<FieldReader> fields = reader.getObject("quantization_config");
  // Some tools write an empty object for models without quantization.
  if (!fields || fields->isEmpty())
    return;
  std::string method = fields->getString("quant_method");
  if (method == "bitnet")
    return parseBitNet(*fields, config);
  if (method != "sherry")
    return fields->refuse("quant_method",
                          "\"sherry\" or \"bitnet\"; checkpoints quantized "
                          "by other methods are not supported");
  QuantizationConfig result;
  auto granularity = StringSwitch<std::optional<format::Granularity>>(
                         fields->getString("granularity", "per_group"))
                         .Case("per_tensor", format::Granularity::PerTensor)
                         .Case("per_channel", format::Granularity::PerChannel)
                         .Case("per_group", format::Granularity::PerGroup)
                         .Default(std::nullopt);
  if (!granularity)
    fields->refuse("granularity", "\"per_tensor\", \"per_channel\" or "
                                  "\"per_group\"");
  result.granularity = granularity.value_or(format::Granularity::PerGroup);
  constexpr int64_t defaultGroupSize = 128;
  // Meaningful only per group; elsewhere it may have any value, such as -1.
  result.groupSize = defaultGroupSize;
  if (result.granularity == format::Granularity::PerGroup) {
    result.groupSize =
        fields->getInteger("group_size", 4, kMaxSize, defaultGroupSize);
    if (result.groupSize % format::kDotInputs != 0)
      fields->refuse("group_size", "a multiple of 4");
  }
  result.codebook = readCodebook(*fields);
  resolveModules(*fields, config, result);
  config.quantization = std::move(result);
}
