//===- Rope.h - The angles of rotary position embedding ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_CONVERSION_SHERRYTOKERNEL_ROPE_H
#define SHERRY_LIB_CONVERSION_SHERRYTOKERNEL_ROPE_H

#include "KernelBuilder.h"

namespace sherry {

/// The rows of `op` for these positions.
Rows emitRopeTable(KernelBuilder &b, RopeTableOp op, const Rows &positions);

} // namespace sherry

#endif // SHERRY_LIB_CONVERSION_SHERRYTOKERNEL_ROPE_H
