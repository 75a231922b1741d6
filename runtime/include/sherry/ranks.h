/*===- ranks.h - A model on several processes -------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model that sherry-compile has cut among ranks runs on the same number of
// processes, which mpirun has started. Rank 0 has contexts as with any other
// model; the others follow it. The rules of sherry.h hold.
//
//===----------------------------------------------------------------------===*/
#ifndef SHERRY_RANKS_H
#define SHERRY_RANKS_H

#include "sherry/sherry.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The processes that this one was started with.
typedef struct sherry_ranks sherry_ranks;

/// Meets them, once in a process. Writes null if this process was started
/// alone. Returns 0, or -1 on error.
int sherry_ranks_join(sherry_ranks **ranks);
/// Lets go of the others, when all models are closed and contexts destroyed, as
/// the last of all that a program does: an MPI that does not let the process go
/// is left by ending the process with `exit_code`. Null is ignored.
void sherry_ranks_leave(sherry_ranks *ranks, int exit_code);
/// Ends all processes at once, with this exit code, for programs that end with
/// an error. Does nothing where the processes have parted already.
void sherry_ranks_abort(int code);
/// 0 <= rank < size.
uint32_t sherry_ranks_rank(const sherry_ranks *ranks);
uint32_t sherry_ranks_size(const sherry_ranks *ranks);

/// Of rank 0: false once an evaluation has failed on some ranks; then no other
/// can be made, and the processes had better end.
bool sherry_ranks_are_together(const sherry_ranks *ranks);

/// Opens a rank's part of the model `path`, the file "m.R-of-N.so" for "m.so".
/// All ranks call it, once; returns null on all of them unless they have the
/// parts of one model.
sherry_model *sherry_model_open_part(sherry_ranks *ranks, const char *path,
                                     sherry_weights weights);
/// Of all ranks but 0: computes what rank 0 needs of this part, on as many
/// threads as rank 0 if this process may use them, until rank 0 leaves. Returns
/// 0, or -1 on error.
int sherry_model_follow(const sherry_model *model);

/// Makes the exchanges of calls last as long as over a network in which a
/// message takes `latency` seconds, at most 10, and a rank receives `bandwidth`
/// bytes per second, at least 1: for planning. Of all ranks, with the same
/// numbers. Returns 0, or -1 if a number is out of range.
int sherry_ranks_simulate_link(sherry_ranks *ranks, double bandwidth,
                               double latency);
/// Bytes that this rank has received from the others in exchanges of calls.
uint64_t sherry_ranks_bytes_received(const sherry_ranks *ranks);

#ifdef __cplusplus
}
#endif

#endif /* SHERRY_RANKS_H */
