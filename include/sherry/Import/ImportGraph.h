//===- ImportGraph.h - A model's configuration as IR ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_IMPORTGRAPH_H
#define SHERRY_IMPORT_IMPORTGRAPH_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "sherry/Weights/WeightPlan.h"

namespace sherry {

/// Type of keys and values in the cache.
enum class CacheType { F32, F16, I8 };

/// Builds the graph of a model: a public function
///
///   forward(tokens, positions, sequences: tensor<?xi32>, cache, n_logits,
///           n_hidden)
///       -> tensor<? x vocab_size x f32>, tensor<? x hidden_size x f32>
///
/// that returns the logits of the last n_logits tokens and the hidden states of
/// the last n_hidden tokens, and a private function `layer` that it calls for
/// every layer. Weights are `sherry.weight` symbols that name the tensors of
/// the checkpoint; the size of the module does not depend on the size of
/// weights or on the number of layers.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importGraph(mlir::MLIRContext &context, const ModelConfig &config,
            const WeightPlan &plan, CacheType cacheType);

} // namespace sherry

#endif // SHERRY_IMPORT_IMPORTGRAPH_H
