//===- DraftModel.h - Drafts by a smaller model -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ENGINE_DRAFTMODEL_H
#define SHERRY_ENGINE_DRAFTMODEL_H

#include "sherry/owners.h"

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

namespace sherry::engine {

/// A smaller model with the same tokens, and a context of its own, which
/// follows the texts of answers.
class DraftModel {
public:
  /// For a text of an answer.
  struct Job {
    uint64_t id; ///< of the answer
    const std::string *owner;
    const std::vector<int32_t> *text;
    const sherry_sampler *sampler; ///< that of the answer
    size_t most;                   ///< tokens to draft
    std::vector<int32_t> tokens;   ///< the draft
  };

  /// A context for as many sequences, pages and positions as `options` says;
  /// positions no more than the model has. Both models outlive it. Throws
  /// std::runtime_error, such as if the models have not the same tokens.
  DraftModel(const sherry_model *model, const sherry_model *target,
             sherry_context_options options);

  /// Positions of a text.
  size_t capacity() const { return sherry_context_size(context.get()); }

  /// Drafts for all jobs together: the tokens that their samplers would pick
  /// by this model's logits, with the same random numbers. A text that is
  /// longer than what was read of it by more than a block is read first, a
  /// block each time; there is no draft then, nor where pages are short. Throws
  /// std::runtime_error.
  void draft(std::vector<Job> &jobs);
  /// An answer has ended. Later ones of its owner go on from where their texts
  /// begin as its text did.
  void end(uint64_t id);

  /// Seconds of a token that is drafted, as of late.
  double secondsPerToken() const { return seconds; }

private:
  struct Text {
    uint32_t sequence;
    std::vector<int32_t> read;
    std::string owner;
  };
  struct Step;
  void dropParked();
  Text &open(const Job &job);
  Text &follow(const Job &job);
  bool makeRoom(size_t pages);
  void evaluate(std::vector<Step> &steps);

  const sherry_model *model;
  Context context;
  std::map<uint64_t, Text> texts; ///< by answer
  std::list<Text> parked;         ///< of answers that have ended, oldest first
  double seconds = 0;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_DRAFTMODEL_H
