//===- KVCache.h - Keys and values of past positions ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where they lie: see the type !sherry.kv_cache.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_KVCACHE_H
#define LIB_CONVERSION_SHERRYTOLOOPS_KVCACHE_H

#include "LoopBuilder.h"
#include "sherry-abi/abi.h"

namespace sherry {

/// Positions of a block: the scores of as many are computed together, without
/// a sum over lanes.
inline constexpr int64_t kCacheBlock = SHERRY_ABI_CONTEXT_MULTIPLE;

/// The places of rows of activations in the cache of a layer.
struct CacheRef {
  /// That of a sherry.update_cache or a sherry.attention.
  template <typename Op, typename Adaptor>
  CacheRef(Op op, Adaptor adaptor)
      : type(op.getCache().getType()), bytes(adaptor.getCache()[0]),
        context(adaptor.getCache()[1]), layer(adaptor.getLayer().front()),
        positions(adaptor.getPositions(), op.getPositions()),
        sequences(adaptor.getSequences(), op.getSequences()) {}

  KVCacheType type;
  mlir::Value bytes;   ///< memref<max bytes x i8>
  mlir::Value context; ///< capacity in positions
  mlir::Value layer;
  Rows positions, sequences;
};

/// The keys or the values of one head of a sequence, in one layer.
class CachePart {
public:
  enum Which { Keys, Values };
  CachePart(LoopBuilder &b, const CacheRef &cache, mlir::Value sequence,
            Which which, mlir::Value head);

  /// Keys in f32 or f16: memref<blocks x head_dim x 16>.
  mlir::Value keys(LoopBuilder &b) const;
  /// Values in f32 or f16: memref<max_context x head_dim>.
  mlir::Value values(LoopBuilder &b) const;
  /// A block in i8: memref<(head_dim / 4) x 16 x 4> for keys,
  /// memref<4 x head_dim x 4> for values.
  mlir::Value integers(LoopBuilder &b, mlir::Value block) const;
  /// Its scales: memref<16xf32>.
  mlir::Value scales(LoopBuilder &b, mlir::Value block) const;

private:
  mlir::Value blockOffset(LoopBuilder &b, mlir::Value block) const;

  KVCacheType type;
  mlir::Value bytes, offset;
  Which which;
};

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_KVCACHE_H
