//===- Sampling.h - Defaults of sampling ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_SAMPLING_H
#define SHERRY_ENGINE_SAMPLING_H

#include "sherry/sherry.h"

#include <functional>
#include <string>

namespace sherry::engine {

/// The options of a sampler that neither the user nor the model sets.
inline constexpr sherry_sampler_options kDefaultSampling = {
    0.8F, 40, 0.95F, 0, 0, 0, 0, 0, 0, 64, nullptr, 0};

/// Sets the options that the user has not given from the object "sampling" of
/// the model's description, which has the keys of generation_config.json.
/// `isGiven` is called with the name of an option, such as "--temp". Throws
/// std::runtime_error if a value of the model is wrong.
void takeModelSampling(const sherry_model *model,
                       const std::function<bool(const char *option)> &isGiven,
                       sherry_sampler_options &sampling);

/// The options of a sampler as text, such as "--temp 0.8 --top-k 40".
std::string printSampling(const sherry_sampler_options &sampling);

} // namespace sherry::engine

#endif // SHERRY_ENGINE_SAMPLING_H
