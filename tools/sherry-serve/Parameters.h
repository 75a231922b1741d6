//===- Parameters.h - How answers are to be ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SERVE_PARAMETERS_H
#define SHERRY_TOOLS_SERVE_PARAMETERS_H

#include "Service.h"

namespace sherry::serve {

/// What completions and chats have in common.
struct Parameters {
  sherry_sampler_options sampling;
  std::vector<sherry_logit_bias> biases;
  int64_t maxTokens = -1; ///< below 0: as many as there is room for
  std::vector<std::string> stops;
  std::vector<int32_t> endTokens; ///< besides those of the model
  bool ignoresEos = false;
  size_t choices = 1; ///< of each prompt, in the reply
  size_t bestOf = 1;  ///< of each prompt, in all
  bool isStream = false, includesUsage = false;
  bool echoes = false;
  bool returnsTokens = false; ///< their ids
  /// Those of each token and of so many likeliest.
  std::optional<uint32_t> logprobs;
  std::optional<grammar::Grammar> grammar; ///< of the answer
  Tools tools;                             ///< that a chat may call

  /// A sampler of the choice with this index of its prompt. Throws ApiError.
  std::shared_ptr<sherry_sampler> makeSampler(size_t index) const;
};

/// Throws ApiError. `isChat`: as chats have it, else completions.
Parameters readParameters(const Fields &fields, Service &service, bool isChat);

/// Bytes of a text that is made into tokens: to read more would keep others
/// waiting.
inline constexpr size_t kMostText = 1 << 20;

/// A list of tokens that the model has. Throws ApiError.
std::vector<int32_t> toTokens(const Json &list, const char *name,
                              const Service &service);

} // namespace sherry::serve

#endif // SHERRY_TOOLS_SERVE_PARAMETERS_H
