//===- SherryPlugin.cpp - The dialects and passes for mlir-opt ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "sherry/Conversion/KernelToX86/Passes.h"
#include "sherry/Conversion/Passes.h"
#include "sherry/Conversion/TeamToLLVM.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Dialect/X86/X86Dialect.h"
#include "sherry/Pipelines/Pipelines.h"
#include "sherry/Transforms/Passes.h"

using namespace mlir;

// mlir-opt itself has everything else that registerAllDialects() and
// registerAllPasses() register.
static void registerDialects(DialectRegistry *registry) {
  registry->insert<sherry::SherryDialect, sherry::x86::X86Dialect>();
  sherry::registerConvertTeamToLLVMInterface(*registry);
}

static void registerPasses() {
  sherry::registerSherryConversionPasses();
  sherry::registerSherryKernelToX86Passes();
  sherry::registerSherryTransformsPasses();
  sherry::registerPipelines();
}

extern "C" LLVM_ATTRIBUTE_WEAK DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Sherry", LLVM_VERSION_STRING,
          registerDialects};
}

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Sherry", LLVM_VERSION_STRING,
          registerPasses};
}
