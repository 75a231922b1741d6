//===- SherrySteps.h - Ops that are whole steps of a call -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_SHERRYSTEPS_H
#define SHERRY_DIALECT_SHERRY_SHERRYSTEPS_H

#include "sherry/Dialect/Sherry/SherryDialect.h"

#define GET_OP_CLASSES
#include "sherry/Dialect/Sherry/SherryStepOps.h.inc"

#endif // SHERRY_DIALECT_SHERRY_SHERRYSTEPS_H
