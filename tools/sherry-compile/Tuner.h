//===- Tuner.h - The schedule that suits a machine --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_COMPILE_TUNER_H
#define SHERRY_TOOLS_COMPILE_TUNER_H

#include "sherry/Driver/Compiler.h"

namespace sherry {

/// Chooses `options.schedule` by measurement: for each candidate of one choice
/// after the other, it compiles a model of a few of the layers and measures it
/// on this machine. It stores the result in sherry/schedules.json in the user's
/// cache folder, under the CPU, the threads, the sizes and types of the model
/// and the version of the compiler, and takes it from there the next time.
/// Writes its progress to `log`. Returns an error if the target is not this
/// machine.
llvm::Error tune(CompileOptions &options, llvm::raw_ostream &log);

} // namespace sherry

#endif // SHERRY_TOOLS_COMPILE_TUNER_H
