//===- MpiExchange.h - Ranks that mpirun has started ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_RUNTIME_MPIEXCHANGE_H
#define SHERRY_RUNTIME_MPIEXCHANGE_H

#include "Exchange.h"

#include <memory>

namespace sherry::runtime {

/// Connects with the processes that mpirun has started with this one, through
/// the plugin for its MPI in ../lib/sherry, relative to the folder of the
/// program. SHERRY_MPI names another plugin: openmpi, mpich or a path. Returns
/// null if this process runs alone. Throws Error.
std::unique_ptr<Exchange> joinMpi();

/// Ends all processes of joinMpi() with this exit code, if they are still
/// connected.
void abortMpi(int code);

} // namespace sherry::runtime

#endif // SHERRY_RUNTIME_MPIEXCHANGE_H
