//===- example-opt.cpp - sherry-opt with one dialect more -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Example.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "sherry/InitAll.h"

int main(int argc, char **argv) {
  sherry::registerAllPasses();
  mlir::DialectRegistry registry;
  sherry::registerAllDialects(registry);
  registry.insert<example::ExampleDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "sherry-opt with the dialect 'example'\n", registry));
}
