//===- Sampling.h - How tokens are chosen -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_RUN_SAMPLING_H
#define SHERRY_TOOLS_RUN_SAMPLING_H

#include "Options.h"

namespace sherry::run {

/// Takes what the options do not say from the object "sampling" of the model's
/// description, which has the keys of generation_config.json. Throws
/// std::runtime_error if a value there is wrong, or if --repeat-last-n was
/// given without a penalty.
void takeSamplingValues(const sherry_model *model, Options &options);

/// These values as options, such as "--temp 0.8 --top-k 40".
std::string printSampling(const sherry_sampler_options &sampling);

} // namespace sherry::run

#endif // SHERRY_TOOLS_RUN_SAMPLING_H
