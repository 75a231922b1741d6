//===- sherry-opt.cpp - Runs passes and pipelines on textual IR -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "sherry/InitAll.h"
#include "sherry/Support/ToolProcess.h"

int main(int argc, char **argv) {
  sherry::startTool();
  sherry::registerAllPasses();
  mlir::DialectRegistry registry;
  sherry::registerAllDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Sherry optimizer driver\n", registry));
}
