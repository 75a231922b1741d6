//===- ToolProcess.h - The start of every tool ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SUPPORT_TOOLPROCESS_H
#define SHERRY_SUPPORT_TOOLPROCESS_H

namespace sherry {

/// Lets LLVM catch the signals that end a program, so that unfinished files are
/// removed. Signals that were ignored at the start (by nohup, or for a job in
/// the background of a script) stay ignored. Without this call, LLVM catches
/// all signals as soon as it has a file to remove.
void catchSignals();

/// Call this first in the main function of a program that prints by
/// llvm::outs(). Calls catchSignals(). If the standard output fails (for
/// example on a full disk), the program ends with an error message and
/// status 1.
void startTool();

} // namespace sherry

#endif // SHERRY_SUPPORT_TOOLPROCESS_H
