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

/// What one step of the model's code cost: a step is an entry of the list
/// "steps" of the model's description. Sums over all calls since the profile
/// was switched on, means over the threads that took part.
typedef struct sherry_step_time {
  uint64_t calls;
  uint64_t busy_ns;    ///< nanoseconds of work
  uint64_t waiting_ns; ///< nanoseconds until the last thread was done
} sherry_step_time;

/// Switches the profile on, with all times zero, or off. It makes a token of a
/// small model a few percent slower. Returns 0, or -1 on error.
int sherry_context_profile(sherry_context *context, bool on);

/// Returns 0, or -1 if there is no profile or no such step.
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

/// Switches the profile on, and keeps each step of each thread in it, of a
/// thread the first SHERRY_MAX_EVENTS. Returns 0, or -1 on error.
int sherry_context_trace(sherry_context *context);
/// Writes the first `capacity` steps that were kept to `events`, thread by
/// thread and in their order. Returns how many there are, or -1 if none are
/// kept. `events` may be null if `capacity` is 0.
int64_t sherry_context_events(const sherry_context *context,
                              sherry_step_event *events, int64_t capacity);

#ifdef __cplusplus
}
#endif

#endif /* SHERRY_PROFILE_H */
