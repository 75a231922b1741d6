//===- Handles.h - The objects of the C interface ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// No exception leaves the functions of the C interface: it becomes the thread's
// error message.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_HANDLES_H
#define SHERRY_RUNTIME_HANDLES_H

#include "Context.h"
#include "Model.h"
#include "Ranks.h"
#include "Sampler.h"
#include "TextDrafter.h"
#include "sherry/support/Error.h"
#include "sherry/text/Utf8.h"

struct sherry_ranks {
  std::shared_ptr<sherry::runtime::Ranks> ranks;
};
struct sherry_model {
  std::shared_ptr<const sherry::runtime::Model> model;
};
struct sherry_context {
  sherry::runtime::Context context;
};
struct sherry_sampler {
  sherry::runtime::Sampler sampler;
};
struct sherry_drafter {
  sherry::runtime::TextDrafter text;
};
struct sherry_text_stream {
  std::shared_ptr<const sherry::runtime::Model> model;
  sherry::runtime::Utf8Buffer buffer;
  std::string text; ///< the result of the last call
};

namespace sherry::runtime {

/// See sherry_error_message.
std::string &errorMessage();

/// Returns the result of `function`, or `failure` if it throws.
template <typename Function, typename Result>
Result guard(Result failure, Function function) {
  try {
    return function();
  } catch (const std::bad_alloc &) {
    errorMessage() = "out of memory";
  } catch (const std::exception &error) {
    errorMessage() = error.what();
  }
  return failure;
}

/// Throws Error if the capacity of an array is negative.
inline void requireCapacity(int64_t capacity) {
  if (capacity < 0)
    throw Error("a capacity of " + std::to_string(capacity) +
                " elements is less than 0");
}

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_HANDLES_H
