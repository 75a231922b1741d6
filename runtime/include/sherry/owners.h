//===- owners.h - Owners of the runtime's objects ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C interface for C++: owners of its objects, and exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_OWNERS_H
#define SHERRY_OWNERS_H

#include "sherry/ranks.h"
#include "sherry/speculate.h"

#include <memory>
#include <stdexcept>

namespace sherry {

template <auto destroy> struct Destroy {
  template <typename T> void operator()(T *object) const { destroy(object); }
};
using Model = std::unique_ptr<sherry_model, Destroy<sherry_model_close>>;
struct LeaveRanks {
  void operator()(sherry_ranks *ranks) const { sherry_ranks_leave(ranks, 0); }
};
using AllRanks = std::unique_ptr<sherry_ranks, LeaveRanks>;
using Context =
    std::unique_ptr<sherry_context, Destroy<sherry_context_destroy>>;
using Sampler =
    std::unique_ptr<sherry_sampler, Destroy<sherry_sampler_destroy>>;
using Drafter =
    std::unique_ptr<sherry_drafter, Destroy<sherry_drafter_destroy>>;
using TextStream =
    std::unique_ptr<sherry_text_stream, Destroy<sherry_text_stream_destroy>>;

/// Returns the result of a function of the runtime unchanged. Throws
/// std::runtime_error with the runtime's message if the result is null or
/// negative, which means failure.
template <typename T> T *check(T *result) {
  if (!result)
    throw std::runtime_error(sherry_error_message());
  return result;
}
template <typename T> T check(T result) {
  if (result < 0)
    throw std::runtime_error(sherry_error_message());
  return result;
}

} // namespace sherry

#endif // SHERRY_OWNERS_H
