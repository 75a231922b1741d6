//===- ExchangePlugin.h - The interface of a plugin for an MPI --*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Implementations of MPI have no common binary interface, so each has a shared
// object of its own, which is loaded only if its MPI has started the process.
// The interface is C, because no C++ crosses the boundary.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_EXCHANGEPLUGIN_H
#define SHERRY_RUNTIME_EXCHANGEPLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHERRY_EXCHANGE_PLUGIN_VERSION 2u
#define SHERRY_EXCHANGE_PLUGIN_SYMBOL "sherry_exchange_plugin"

/// Functions that return an int return 0, or -1 on error; message() then gives
/// the reason.
typedef struct sherry_exchange_functions {
  uint32_t version;
  /// Connects with the other processes; to be called first.
  int (*join)(uint32_t *rank, uint32_t *size);
  /// See Exchange; calls may come from any thread, one at a time.
  int (*all_gather)(const void *mine, void *all, size_t bytes, int is_patient);
  int (*broadcast)(void *data, size_t bytes);
  /// Waits until all processes leave. Ends the process with `exit_code` if MPI
  /// does not finish.
  void (*leave)(int exit_code);
  /// Ends all processes with this exit code.
  void (*abort)(int code);
  const char *(*message)(void);
} sherry_exchange_functions;

typedef const sherry_exchange_functions *(*sherry_exchange_plugin_fn)(void);

#ifdef __cplusplus
}
#endif

#endif // SHERRY_RUNTIME_EXCHANGEPLUGIN_H
