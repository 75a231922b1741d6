//===- Attention.h - Attention of one row to one head -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All types of cache share the loop over the positions; each has its own
// products with keys and values.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_ATTENTION_H
#define LIB_CONVERSION_SHERRYTOLOOPS_ATTENTION_H

#include "KVCache.h"

#include <memory>

namespace sherry {

/// Attention of a row to one head of keys and values, for the query heads that
/// share it.
class HeadAttention {
public:
  virtual ~HeadAttention() = default;

  /// Emits the attention of `row`, for the query heads that share `head`, to
  /// all positions up to its own.
  void emit(mlir::Value row, mlir::Value head);

protected:
  using Values = llvm::SmallVector<mlir::Value>;

  /// A page that all query heads attend to in turn, while its keys and values
  /// stay in the first-level cache.
  struct Round {
    CachePart keys, values;
    CachePart nextKeys, nextValues; ///< keys and values of the next round
    mlir::Value size;               ///< number of existing positions
    mlir::Value blocks;             ///< number of their blocks
  };

  HeadAttention(LoopBuilder &b, const CacheRef &cache, const Rows &query,
                const Rows &result);

  /// Called once per row, before all products.
  virtual void prepareQueries(mlir::Value row, mlir::Value first) {}
  /// The products of one of the query heads that share the keys with the keys
  /// of a block, of type blockType.
  virtual mlir::Value productOf(mlir::Value row, mlir::Value first,
                                mlir::Value head, const Round &round,
                                mlir::Value block) = 0;
  /// Multiplies the result of a head by `rescale`, and adds the values of the
  /// round times their weights.
  virtual void emitMix(mlir::Value row, mlir::Value first, mlir::Value head,
                       const Round &round, mlir::Value rescale) = 0;

  /// The first column of a query head in queries and results.
  mlir::Value columnOf(mlir::Value first, mlir::Value head) {
    return b.mul(b.add(first, head), headDim);
  }
  mlir::Value broadcast(mlir::VectorType type, mlir::Value scalar) {
    return b.broadcast(type.getDimSize(0), scalar);
  }
  /// Prefetches the cache lines of a vector that the next round will read; `at`
  /// are the indices of its beginning.
  void prefetch(mlir::Value memref, llvm::ArrayRef<mlir::Value> at,
                int64_t lanes);

  LoopBuilder &b;
  const Rows &query, &result;
  int64_t headDim;
  int64_t queriesPerHead;     ///< query heads per head of keys
  mlir::VectorType blockType; ///< a number per position of a block
  mlir::Value weights;        ///< [queriesPerHead x positions of a page]

private:
  void emitRound(mlir::Value row, mlir::Value first, const Round &round);
  mlir::Value emitScores(mlir::Value row, mlir::Value first, mlir::Value head,
                         const Round &round, mlir::Value before);
  mlir::Value emitWeights(mlir::Value head, mlir::Value blocks,
                          mlir::Value largest);
  mlir::Value exp(mlir::Value x, mlir::Value largest);

  const CacheRef &cache;
  mlir::Value states; ///< [queriesPerHead x 2]: largest score, sum of weights
};

/// Rotates a head of a row of `input` by the angles of `table`.
void emitRotation(LoopBuilder &b, const Rows &input, const Rows &table,
                  const Rows &result, mlir::Value row, mlir::Value head);

/// Attention for caches in f32 and f16.
std::unique_ptr<HeadAttention> makeFloatAttention(LoopBuilder &b,
                                                  const CacheRef &cache,
                                                  const Rows &query,
                                                  const Rows &result);
/// Attention for caches in i8.
std::unique_ptr<HeadAttention> makeIntegerAttention(LoopBuilder &b,
                                                    const CacheRef &cache,
                                                    const Rows &query,
                                                    const Rows &result);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_ATTENTION_H
