//===- Parameters.h - Parameters of answers ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_PARAMETERS_H
#define SHERRY_TOOLS_SERVE_PARAMETERS_H

#include "Service.h"

namespace sherry::serve {

/// The parameters that completions and chats have in common.
struct Parameters {
  sherry_sampler_options sampling;
  std::vector<sherry_logit_bias> biases;
  int64_t maxTokens = -1; ///< negative: as many as there is room for
  std::vector<std::string> stops;
  std::vector<int32_t> endTokens; ///< besides those of the model
  bool ignoresEos = false;
  size_t choices = 1; ///< of each prompt, in the reply
  size_t bestOf = 1;  ///< of each prompt, answered
  bool isStream = false, includesUsage = false;
  bool echoes = false;
  bool returnsTokens = false; ///< their ids
  /// If set: reply with the log probabilities of each token and of this number
  /// of likeliest tokens.
  std::optional<uint32_t> logprobs;
  std::optional<grammar::Grammar> grammar; ///< of the answer
  Tools tools;                             ///< that a chat may call

  /// The sampler of choice number `index` of a prompt. Throws ApiError.
  std::shared_ptr<sherry_sampler> makeSampler(size_t index) const;
};

/// Reads the parameters of a chat or, unless `isChat`, of a completion. Throws
/// ApiError.
Parameters readParameters(const Fields &fields, Service &service, bool isChat);

/// The most bytes of a text to be tokenized; tokenizing more would make others
/// wait.
inline constexpr size_t kMostText = 1 << 20;

/// A list of token ids of the model. Throws ApiError.
std::vector<int32_t> toTokens(const Json &list, const char *name,
                              const Service &service);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_PARAMETERS_H
