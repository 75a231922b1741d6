//===- AbiTable.h - The table that a compiled model exports -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DRIVER_ABITABLE_H
#define SHERRY_DRIVER_ABITABLE_H

#include "sherry/Target/TargetModel.h"

#include "llvm/IR/Module.h"

namespace sherry {

/// See sherry_abi_entry.
struct AbiEntry {
  std::string name;
  uint32_t kind, maxTokens;
};

/// The fields of the table, except those of the target; see sherry_abi_model.
struct AbiFields {
  std::string metadata;
  uint64_t weightsSize, tokenizerOffset, tokenizerSize, workspaceSize,
      threadWorkspaceSize, kvBytesPerPosition;
  uint32_t vocabSize, logitsStride, hiddenSize, hiddenStride, maxContext;
  std::vector<AbiEntry> entries;
};

/// Adds the query function and its table to a module that defines the entry
/// points, and hides all other symbols. Fails if there is no entry point, or if
/// an entry point does not have the type sherry_abi_forward_fn.
llvm::Error addAbiTable(llvm::Module &module, const TargetModel &target,
                        const AbiFields &fields);

} // namespace sherry

#endif // SHERRY_DRIVER_ABITABLE_H
