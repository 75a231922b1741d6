//===- ChooseStorage.h - How weights are to be stored -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_DRIVER_CHOOSESTORAGE_H
#define SHERRY_LIB_DRIVER_CHOOSESTORAGE_H

#include "sherry/Driver/Compiler.h"
#include "sherry/Import/Checkpoint.h"

namespace sherry {

/// What the options say and, where they are silent, what the checkpoint
/// suggests: numbers that it holds in blocks are kept as they are, numbers in
/// F32, F16 and BF16 are projected onto 3:4-sparse trits. `checkpoint` may be
/// null: weights are made up. Notes what cannot be kept in `log`.
llvm::Expected<StorageOptions> chooseStorage(const CompileOptions &options,
                                             const ModelConfig &config,
                                             Checkpoint *checkpoint,
                                             llvm::raw_ostream &log);

} // namespace sherry

#endif // SHERRY_LIB_DRIVER_CHOOSESTORAGE_H
