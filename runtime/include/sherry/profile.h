/*===- profile.h - Where the time of evaluations goes -----------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A context measures each step of the model's code on each thread while its
// profile is switched on. The rules of sherry.h hold.
//
//===----------------------------------------------------------------------===*/
#ifndef SHERRY_PROFILE_H
#define SHERRY_PROFILE_H

#include "sherry/sherry.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The cost of one step of the model's code; a step is an entry of the list
/// "steps" of the model's description. Times are sums over all calls since the
/// profile was switched on, and means over the threads that took part.
typedef struct sherry_step_time {
  uint64_t calls;
  uint64_t busy_ns;    ///< nanoseconds of work
  uint64_t waiting_ns; ///< nanoseconds of waiting for the last thread
} sherry_step_time;

/// Switches the profile on, with all times zero, or off. With the profile, a
/// token of a small model takes a few percent longer. Returns 0, or -1 on
/// error.
int sherry_context_profile(sherry_context *context, bool on);

/// Writes the cost of step number `step` to `*time`. Returns 0, or -1 if there
/// is no profile or no step of this number.
int sherry_context_step_time(const sherry_context *context, uint32_t step,
                             sherry_step_time *time);

enum { SHERRY_MAX_EVENTS = 65536 };

/// A step of one thread. Times are nanoseconds of a clock that never goes back.
typedef struct sherry_step_event {
  uint32_t step, thread;
  uint64_t block;      ///< evaluated blocks before this one
  uint64_t begin_ns;   ///< of the thread's work
  uint64_t arrival_ns; ///< its end; the thread waits from here on
  uint64_t end_ns;     ///< the last thread has finished
} sherry_step_event;

/// Switches the profile on and keeps an event for each step of each thread, the
/// first SHERRY_MAX_EVENTS of a thread. Returns 0, or -1 on error.
int sherry_context_trace(sherry_context *context);
/// Writes the first `capacity` kept events to `events`, thread by thread, in
/// the order of time. Returns the number of kept events, or -1 if the context
/// keeps no events. `events` may be null if `capacity` is 0.
int64_t sherry_context_events(const sherry_context *context,
                              sherry_step_event *events, int64_t capacity);

#ifdef __cplusplus
}
#endif

#endif /* SHERRY_PROFILE_H */
