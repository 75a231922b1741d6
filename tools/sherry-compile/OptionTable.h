//===- OptionTable.h - Where options have an effect -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TOOLS_COMPILE_OPTIONTABLE_H
#define SHERRY_TOOLS_COMPILE_OPTIONTABLE_H

#include "sherry/Driver/Compiler.h"

#include "llvm/Support/CommandLine.h"

namespace sherry {

/// Returns an error, which names the option, if an option of `category` was
/// given that has no effect in this compilation or is not in the table.
llvm::Error refuseWithoutEffect(const llvm::cl::OptionCategory &category,
                                const CompileOptions &options, bool tunes);

} // namespace sherry

#endif // SHERRY_TOOLS_COMPILE_OPTIONTABLE_H
