//===- TokenizerSteps.h - The steps around the model ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_TEXT_TOKENIZERSTEPS_H
#define SHERRY_RUNTIME_TEXT_TOKENIZERSTEPS_H

#include "sherry/text/TokenizerConfig.h"

#include <nlohmann/json_fwd.hpp>

namespace sherry::runtime {

/// Reads normalizer, pre_tokenizer, post_processor and decoder of a
/// tokenizer.json into `config`, whose `characters` is set. Throws Error, which
/// names the field.
void parseTokenizerSteps(const nlohmann::json &root, uint32_t vocabSize,
                         TokenizerConfig &config);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_TEXT_TOKENIZERSTEPS_H
