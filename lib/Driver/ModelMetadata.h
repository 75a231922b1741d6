//===- ModelMetadata.h - The description of a model -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_DRIVER_MODELMETADATA_H
#define LIB_DRIVER_MODELMETADATA_H

#include "sherry/Import/ModelConfig.h"
#include "sherry/Import/TokenizerFile.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace sherry {

/// The JSON object of docs/Pipeline.md for a module after the last stage. The
/// name in it comes from the path `model`.
std::string makeMetadata(mlir::ModuleOp module, const ModelConfig &config,
                         const TokenizerFile &tokenizer, llvm::StringRef model,
                         llvm::StringRef targetCpu, bool hasRandomWeights);

} // namespace sherry

#endif // LIB_DRIVER_MODELMETADATA_H
