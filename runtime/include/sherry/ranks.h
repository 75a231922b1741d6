/*===- ranks.h - A model on several processes -------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model that sherry-compile has cut among ranks runs on as many processes,
// which mpirun has started. Rank 0 uses contexts as with any other model; the
// other ranks follow it. The rules of sherry.h hold.
//
//===----------------------------------------------------------------------===*/
#ifndef SHERRY_RANKS_H
#define SHERRY_RANKS_H

#include "sherry/sherry.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The processes that mpirun has started together, this one among them.
typedef struct sherry_ranks sherry_ranks;

/// Connects this process with the others; to be called once in a process.
/// Writes null to `*ranks` if this process was started alone. Returns 0, or -1
/// on error.
int sherry_ranks_join(sherry_ranks **ranks);
/// Disconnects this process from the others and frees `ranks`. The caller has
/// destroyed all contexts and closed all models before, and this is the last
/// call of the program: if MPI does not finish, the function ends the process
/// with `exit_code`. Null is ignored.
void sherry_ranks_leave(sherry_ranks *ranks, int exit_code);
/// Ends all processes at once with the exit code `code`, for programs that end
/// with an error. Does nothing if this process is not connected with others.
void sherry_ranks_abort(int code);
/// The number of this rank, from 0 to sherry_ranks_size() - 1.
uint32_t sherry_ranks_rank(const sherry_ranks *ranks);
/// The number of ranks.
uint32_t sherry_ranks_size(const sherry_ranks *ranks);

/// On rank 0: returns false once an evaluation has failed on some ranks. Then
/// every further evaluation fails, and the processes should end.
bool sherry_ranks_are_together(const sherry_ranks *ranks);

/// Opens this rank's part of the model `path`: for "m.so" the file
/// "m.R-of-N.so", where R is the rank and N the number of ranks. All ranks call
/// the function, once. Returns null on all ranks if one of them cannot open its
/// part, or if the parts are of different models.
sherry_model *sherry_model_open_part(sherry_ranks *ranks, const char *path,
                                     sherry_weights weights);
/// On all ranks except 0: takes part in the evaluations of rank 0 until rank 0
/// leaves. Uses as many threads as rank 0, if this process may. Returns 0, or
/// -1 on error.
int sherry_model_follow(const sherry_model *model);

/// Slows exchanges down to the speed of a network, for planning: a message
/// takes `latency` seconds, above 0 and at most 10, and a rank receives
/// `bandwidth` bytes per second, at least 1. All ranks call the function with
/// the same numbers. Returns 0, or -1 if a number is out of range.
int sherry_ranks_simulate_link(sherry_ranks *ranks, double bandwidth,
                               double latency);
/// Bytes that this rank has received from the others in exchanges.
uint64_t sherry_ranks_bytes_received(const sherry_ranks *ranks);

#ifdef __cplusplus
}
#endif

#endif /* SHERRY_RANKS_H */
