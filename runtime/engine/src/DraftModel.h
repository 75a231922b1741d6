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

/// A smaller model with the same tokens and a context of its own, which follows
/// the texts of answers.
class DraftModel {
public:
  /// The draft for one answer.
  struct Job {
    uint64_t id; ///< of the answer
    const std::string *owner;
    const std::vector<int32_t> *text;
    const sherry_sampler *sampler; ///< of the answer
    size_t most;                   ///< tokens to draft
    std::vector<int32_t> tokens;   ///< the draft
  };

  /// Makes a context by `options`, with at most as many positions as the model
  /// has. Both models must outlive the object. Throws std::runtime_error, for
  /// example if the tokens of the models differ.
  DraftModel(const sherry_model *model, const sherry_model *target,
             sherry_context_options options);

  /// The most positions of a text.
  size_t capacity() const { return sherry_context_size(context.get()); }

  /// Drafts for all jobs together: the tokens that their samplers would pick by
  /// this model's logits, with the same random numbers. If more than a block of
  /// a text is unread, the call reads a block of it and drafts nothing for the
  /// job; it also drafts nothing if pages run out. Throws std::runtime_error.
  void draft(std::vector<Job> &jobs);
  /// Ends the text of an answer. It is kept for later answers of the owner that
  /// begin alike.
  void end(uint64_t id);

  /// The recent average of seconds per drafted token.
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
  std::list<Text> parked;         ///< of ended answers, the oldest first
  double seconds = 0;
};

} // namespace sherry::engine

#endif // SHERRY_ENGINE_DRAFTMODEL_H
