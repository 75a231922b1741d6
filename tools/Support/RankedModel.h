//===- RankedModel.h - Models of processes that mpirun starts ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_SUPPORT_RANKEDMODEL_H
#define SHERRY_TOOLS_SUPPORT_RANKEDMODEL_H

#include "sherry/owners.h"
#include "sherry/support/RankFile.h"

#include <cstdio>
#include <string>

namespace sherry {

/// This process and the processes that mpirun has started with it, if any.
class RankedProcess {
public:
  /// Connects with the other processes. This and the following functions throw
  /// std::runtime_error.
  void join() {
    sherry_ranks *joined = nullptr;
    check(sherry_ranks_join(&joined));
    ranks.reset(joined);
  }

  /// Disconnects from the other processes and returns `code`, with which the
  /// program ends; to be called last, after all output.
  int leave(int code) {
    sherry_ranks_leave(ranks.release(), code);
    return code;
  }

  bool isAlone() const { return !ranks; }
  /// Whether this process only computes for rank 0.
  bool isFollower() const {
    return ranks && sherry_ranks_rank(ranks.get()) != 0;
  }
  /// The file of the model `path`, or of this rank's part of it.
  std::string fileOf(const std::string &path) const {
    return ranks ? rankFileName(path, sherry_ranks_rank(ranks.get()),
                                sherry_ranks_size(ranks.get()))
                 : path;
  }
  /// Opens a model, or this rank's part of it.
  Model open(const std::string &path, sherry_weights weights) const {
    return Model(
        check(ranks ? sherry_model_open_part(ranks.get(), path.c_str(), weights)
                    : sherry_model_open(path.c_str(), weights)));
  }

  /// On rank 0: whether the other ranks still compute for it.
  bool isTogether() const {
    return !ranks || sherry_ranks_are_together(ranks.get());
  }
  /// See sherry_ranks_simulate_link.
  void simulateLink(double bandwidth, double latency) const {
    if (!ranks)
      throw std::runtime_error("a network can be simulated between processes "
                               "that mpirun has started; this one is alone");
    check(sherry_ranks_simulate_link(ranks.get(), bandwidth, latency));
  }
  /// Bytes that other ranks have sent to this one; 0 without other ranks.
  uint64_t bytesReceived() const {
    return ranks ? sherry_ranks_bytes_received(ranks.get()) : 0;
  }
  /// Computes for rank 0 until it leaves.
  void follow(const Model &model) const {
    check(sherry_model_follow(model.get()));
  }

private:
  AllRanks ranks;
};

/// Prints an error and ends the other ranks, which would wait for this one.
inline void reportError(const char *tool, const char *message, int exitCode) {
  std::fprintf(stderr, "%s: error: %s\n", tool, message);
  std::fflush(stderr);
  sherry_ranks_abort(exitCode);
}

} // namespace sherry

#endif // SHERRY_TOOLS_SUPPORT_RANKEDMODEL_H
