//===- RanksApi.cpp - The C interface to ranks ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Handles.h"
#include "MpiExchange.h"
#include "sherry/ranks.h"

using namespace sherry::runtime;

int sherry_ranks_join(sherry_ranks **ranks) {
  return guard(-1, [&] {
    *ranks = nullptr;
    if (std::unique_ptr<Exchange> exchange = joinMpi())
      *ranks = new sherry_ranks{std::make_shared<Ranks>(std::move(exchange))};
    return 0;
  });
}

void sherry_ranks_leave(sherry_ranks *ranks, int exit_code) {
  if (ranks)
    ranks->ranks->setExitCode(exit_code);
  delete ranks;
}

void sherry_ranks_abort(int code) { abortMpi(code); }

uint32_t sherry_ranks_rank(const sherry_ranks *ranks) {
  return ranks->ranks->rank();
}

uint32_t sherry_ranks_size(const sherry_ranks *ranks) {
  return ranks->ranks->size();
}

bool sherry_ranks_are_together(const sherry_ranks *ranks) {
  return ranks->ranks->areTogether();
}

sherry_model *sherry_model_open_part(sherry_ranks *ranks, const char *path,
                                     sherry_weights weights) {
  return guard(static_cast<sherry_model *>(nullptr), [&] {
    checkEnumerator(weights, SHERRY_WEIGHTS_MAPPED, "sherry_weights");
    return new sherry_model{Ranks::open(ranks->ranks, path, weights)};
  });
}

int sherry_model_follow(const sherry_model *model) {
  return guard(-1, [&] {
    const std::shared_ptr<Ranks> &ranks = model->model->ranks();
    if (!ranks || ranks->rank() == 0)
      throw Error("rank 0 cannot follow; only the other ranks can");
    ranks->follow(*model->model);
    return 0;
  });
}

int sherry_ranks_simulate_link(sherry_ranks *ranks, double bandwidth,
                               double latency) {
  return guard(-1, [&] {
    ranks->ranks->simulateLink(bandwidth, latency);
    return 0;
  });
}

uint64_t sherry_ranks_bytes_received(const sherry_ranks *ranks) {
  return ranks->ranks->bytesReceived();
}
