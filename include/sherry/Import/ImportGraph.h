//===- ImportGraph.h - A model's configuration as IR ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_IMPORT_IMPORTGRAPH_H
#define SHERRY_IMPORT_IMPORTGRAPH_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "sherry/Format/DenseFormat.h"
#include "sherry/Import/ModelConfig.h"

#include <map>

namespace sherry {

/// Type of the keys and values in the cache.
enum class CacheType { F32, F16, I8 };

/// How the weights of a linear layer are stored.
struct LinearStorage {
  bool isTernary = true;
  // Meaningful if they are ternary.
  bool strided = false;
  format::Granularity granularity = format::Granularity::PerGroup;
  int64_t groupSize = 128; ///< meaningful if PerGroup
  format::ScaleType scaleType = format::ScaleType::F16;
  /// Meaningful if they are not.
  format::DenseFormat dense = format::DenseFormat::BF16;
};

/// How the numbers of a model are to be stored.
struct StorageOptions {
  LinearStorage linear;
  /// Linear layers that are stored in another way, by their module, such as
  /// "self_attn.q_proj".
  std::map<std::string, LinearStorage, std::less<>> exceptions;
  /// Of the head, and of the embedding if they are tied.
  format::DenseFormat head = format::DenseFormat::Q8_0;
  /// Of the embedding if they are not.
  format::DenseFormat embedding = format::DenseFormat::BF16;
  CacheType cacheType = CacheType::F16;
};

/// Builds the graph of a model: a public function
///
///   forward(tokens, positions, sequences: tensor<?xi32>, cache, n_logits)
///       -> tensor<? x vocab_size x f32>
///
/// and a private function `layer` that it calls for every layer. Weights are
/// `sherry.weight` symbols that name the tensors of the checkpoint; the size of
/// the module depends neither on their size nor on the number of layers.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importGraph(mlir::MLIRContext &context, const ModelConfig &config,
            const StorageOptions &options);

} // namespace sherry

#endif // SHERRY_IMPORT_IMPORTGRAPH_H
