//===- ToolProcess.h - What every tool begins with --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_TOOLPROCESS_H
#define SHERRY_SUPPORT_TOOLPROCESS_H

namespace sherry {

/// Lets LLVM catch the signals that end a program, so that unfinished files are
/// removed; but signals that the program was started to ignore (by nohup, or as
/// a job in the background of a script) stay ignored. Without it, LLVM catches
/// them all with the first file that is to be removed.
void catchSignals();

/// To be called first in the main function of a program that prints by
/// llvm::outs(). Calls catchSignals(). A standard output that takes no more
/// (a full disk) ends the program with an error message and status 1.
void startTool();

} // namespace sherry

#endif // SHERRY_SUPPORT_TOOLPROCESS_H
