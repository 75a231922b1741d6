//===- ProfileApi.cpp - The C interface to profiles -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Handles.h"
#include "sherry/profile.h"

using namespace sherry::runtime;

int sherry_context_profile(sherry_context *context, bool on) {
  return guard(-1, [&] {
    if (on)
      context->context.startProfile(/*keepsEvents=*/false);
    else
      context->context.stopProfile();
    return 0;
  });
}

int sherry_context_step_time(const sherry_context *context, uint32_t step,
                             sherry_step_time *time) {
  return guard(-1, [&] {
    *time = context->context.profile().time(step);
    return 0;
  });
}

int sherry_context_trace(sherry_context *context) {
  return guard(-1, [&] {
    context->context.startProfile(/*keepsEvents=*/true);
    return 0;
  });
}

int64_t sherry_context_events(const sherry_context *context,
                              sherry_step_event *events, int64_t capacity) {
  return guard(int64_t{-1}, [&] {
    requireCapacity(capacity);
    int64_t count = 0;
    for (const auto &list : context->context.profile().allEvents())
      for (const sherry_step_event &event : list)
        if (count++ < capacity)
          events[count - 1] = event;
    return count;
  });
}
