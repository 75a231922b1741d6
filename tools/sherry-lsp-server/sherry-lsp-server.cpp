//===- sherry-lsp-server.cpp - Serves editors of sherry IR ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "sherry/InitAll.h"
#include "sherry/Support/ToolProcess.h"

int main(int argc, char **argv) {
  sherry::startTool();
  mlir::DialectRegistry registry;
  sherry::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
