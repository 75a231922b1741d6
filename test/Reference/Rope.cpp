//===- Rope.cpp - The frequencies of rotary embedding ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Rope.h"

#include <algorithm>
#include <cmath>

/// The frequencies of YaRN as in Hugging Face transformers, from those without
/// scaling.
static Vector stretchByYarn(const Vector &frequencies, const json &scaling,
                            double theta, double context) {
  auto size = static_cast<double>(2 * frequencies.size());
  double factor = scaling.at("factor");
  context = scaling.value("original_max_position_embeddings", context);
  auto findPair = [&](double rotations) {
    return size * std::log(context / (rotations * 2 * M_PI)) /
           (2 * std::log(theta));
  };
  double low = std::floor(findPair(scaling.value("beta_fast", 32.0)));
  double high = std::ceil(findPair(scaling.value("beta_slow", 1.0)));
  low = std::max(low, 0.0);
  high = std::min(high, size - 1);
  Vector result;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    double ramp = (static_cast<double>(i) - low) / (high - low);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    double whole = frequencies[i];
    result.push_back(
        static_cast<float>(whole / factor * ramp + whole * (1 - ramp)));
  }
  return result;
}

Vector ropeFrequencies(const json &config, int64_t headDim) {
  auto theta = static_cast<float>(config.value("rope_theta", 10000.0));
  bool isDynamic = config.contains("rope_scaling") &&
                   config["rope_scaling"].is_object() &&
                   config["rope_scaling"].contains("alpha");
  if (isDynamic) // as in modeling_hunyuan_v1_dense.py
    theta *=
        std::pow(config["rope_scaling"].at("alpha").get<float>(),
                 static_cast<float>(headDim) / static_cast<float>(headDim - 2));
  Vector result;
  for (int64_t i = 0; i < headDim; i += 2)
    result.push_back(1 / std::pow(theta, static_cast<float>(i) /
                                             static_cast<float>(headDim)));
  if (isDynamic || !config.contains("rope_scaling") ||
      config["rope_scaling"].is_null())
    return result;
  const json &scaling = config["rope_scaling"];
  if (scaling.at("rope_type") == "yarn")
    return stretchByYarn(result, scaling, theta,
                         config.at("max_position_embeddings"));
  float factor = scaling.at("factor");
  if (scaling.at("rope_type") == "linear") {
    for (float &frequency : result)
      frequency /= factor;
    return result;
  }
  if (scaling.at("rope_type") != "llama3")
    fail("rope_type must be llama3, yarn or linear");
  float low = scaling.at("low_freq_factor");
  float high = scaling.at("high_freq_factor");
  float context = scaling.at("original_max_position_embeddings");
  for (float &frequency : result) {
    auto length = static_cast<float>(2 * M_PI / frequency);
    if (length > context / low) {
      frequency /= factor;
    } else if (length >= context / high) {
      float smooth = (context / length - low) / (high - low);
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }
  return result;
}

double ropeMagnitude(const json &config) {
  json scaling = config.value("rope_scaling", json());
  if (!scaling.is_object() || scaling.value("rope_type", "") != "yarn")
    return 1;
  return 0.1 * std::log(scaling.at("factor").get<double>()) + 1;
}
