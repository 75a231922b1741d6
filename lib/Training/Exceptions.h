//===- Exceptions.h - Exceptions become errors ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LibTorch throws exceptions; code outside of lib/Training does not expect any.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_TRAINING_EXCEPTIONS_H
#define SHERRY_LIB_TRAINING_EXCEPTIONS_H

#include "sherry/Support/Json.h"

#include <c10/util/Exception.h>

#include <new>

namespace sherry::training {

/// Calls `body`, which returns an Error or an Expected, and turns its
/// exceptions into errors.
template <typename Body> auto catchExceptions(const Body &body) {
  using Result = decltype(body());
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return Result(makeError("not enough memory; take a smaller batch_size"));
  } catch (const c10::Error &error) {
    return Result(makeError(error.what_without_backtrace()));
  } catch (const std::exception &error) {
    return Result(makeError(error.what()));
  }
}

} // namespace sherry::training

#endif // SHERRY_LIB_TRAINING_EXCEPTIONS_H
