//===- Tuner.h - The schedule that suits a machine --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_COMPILE_TUNER_H
#define SHERRY_TOOLS_COMPILE_TUNER_H

#include "sherry/Driver/Compiler.h"

namespace sherry {

/// Chooses `options.schedule`: one choice after the other, a model of a few of
/// the layers is compiled for each candidate and measured here. What was found
/// is kept in sherry/schedules.json in the user's cache folder, by CPU,
/// threads, sizes and types of the model and version of the compiler, and taken
/// from there the next time. Says on `log` what it does. Fails if the target is
/// not this machine.
llvm::Error tune(CompileOptions &options, llvm::raw_ostream &log);

} // namespace sherry

#endif // SHERRY_TOOLS_COMPILE_TUNER_H
