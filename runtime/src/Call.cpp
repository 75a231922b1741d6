//===- Call.cpp - One call of a model's code ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Call.h"

#include <algorithm>

using namespace sherry::runtime;

void RowsOfFloats::reserve(uint64_t rows, uint64_t newStride,
                           const char *what) {
  stride = newStride;
  // Cannot overflow: checkModelTable() bounds both factors.
  const uint64_t size = rows * stride * sizeof(float);
  if (size > memory.size())
    memory = Mapping::anonymous(size, what);
}

Workspace::Workspace(const Model &model, uint32_t numThreads)
    : memory(Mapping::hugePages(model.workspaceSize(numThreads),
                                "the workspace")) {}

void Workspace::reserve(const Model &model, uint64_t logits, uint64_t hidden) {
  logitsRows.reserve(std::max<uint64_t>(logits, 1), model.abi().logits_stride,
                     "logits");
  hiddenRows.reserve(std::max<uint64_t>(hidden, 1), model.abi().hidden_stride,
                     "hidden states");
}

void Workspace::run(const Model &model, const Call &call, PageTable table,
                    uint8_t *pages, uint32_t numThreads, Profile *profile,
                    Exchange *exchange) const {
  const auto n = static_cast<int64_t>(call.tokens.size());
  const sherry_abi_forward_fn entry = model.entryFor(n);
  runTeam(numThreads, profile, exchange,
          [&](const sherry_abi_environment *environment) {
            entry(model.weights(), pages, table.entries, memory.data(),
                  call.tokens.data(), call.positions.data(),
                  call.sequences.data(), logitsRows.row(0), hiddenRows.row(0),
                  n, call.numLogits, call.numHidden, table.stride, environment);
          });
}
