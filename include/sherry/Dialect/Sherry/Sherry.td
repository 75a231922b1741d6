//===- Sherry.td - The sherry dialect, all of it -----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_SHERRY
#define SHERRY_DIALECT_SHERRY_SHERRY

include "sherry/Dialect/Sherry/SherryDialect.td"
include "sherry/Dialect/Sherry/SherryAttrs.td"
include "sherry/Dialect/Sherry/SherryTypes.td"
include "sherry/Dialect/Sherry/SherryGraphOps.td"
include "sherry/Dialect/Sherry/SherryKernelOps.td"
include "sherry/Dialect/Sherry/SherryTeamOps.td"

#endif // SHERRY_DIALECT_SHERRY_SHERRY
