//===- KVCache.h - Keys and values of past positions ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The type !sherry.kv_cache describes their order in memory.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_KVCACHE_H
#define LIB_CONVERSION_SHERRYTOLOOPS_KVCACHE_H

#include "LoopBuilder.h"
#include "sherry-abi/abi.h"

namespace sherry {

/// Positions in a page.
inline constexpr int64_t kPagePositions = SHERRY_ABI_PAGE_POSITIONS;
/// Positions in a block, whose scores are computed together, without a sum over
/// lanes.
inline constexpr int64_t kCacheBlock = 16;
inline constexpr int64_t kPageBlocks = kPagePositions / kCacheBlock;

/// The positions of rows of activations in the cache of a layer.
struct CacheRef {
  /// The cache of a sherry.update_cache, sherry.attention or sherry.attend.
  template <typename Op, typename Adaptor>
  CacheRef(Op op, Adaptor adaptor)
      : type(op.getCache().getType()), bytes(adaptor.getCache()[0]),
        table(adaptor.getCache()[1]), tableStride(adaptor.getCache()[2]),
        layer(adaptor.getLayer().front()),
        positions(adaptor.getPositions(), op.getPositions()),
        sequences(adaptor.getSequences(), op.getSequences()) {}

  KVCacheType type;
  mlir::Value bytes;       ///< memref<max bytes x i8>, all pages
  mlir::Value table;       ///< memref<max pages x i32>, numbers of pages
  mlir::Value tableStride; ///< entries of the table per sequence
  mlir::Value layer;
  Rows positions, sequences;
};

/// The keys or the values of one head in a page, in one layer.
class CachePart {
public:
  enum Which { Keys, Values };
  /// `page` is the number of the page.
  CachePart(LoopBuilder &b, const CacheRef &cache, mlir::Value page,
            Which which, mlir::Value head);

  /// Keys in f32 or f16: memref<4 x head_dim x 16>.
  mlir::Value keys(LoopBuilder &b) const;
  /// Values in f32 or f16: memref<64 x head_dim>.
  mlir::Value values(LoopBuilder &b) const;
  /// A block in i8: memref<(head_dim / 4) x 16 x 4> for keys,
  /// memref<4 x head_dim x 4> for values.
  mlir::Value integers(LoopBuilder &b, mlir::Value block) const;
  /// The scales of a block in i8: memref<16xf32>.
  mlir::Value scales(LoopBuilder &b, mlir::Value block) const;

private:
  mlir::Value blockOffset(LoopBuilder &b, mlir::Value block) const;

  KVCacheType type;
  mlir::Value bytes, offset;
  Which which;
};

/// The number of page `index` of a sequence.
mlir::Value loadPage(LoopBuilder &b, const CacheRef &cache,
                     mlir::Value sequence, mlir::Value index);

/// Writes the keys and values of a row and head to their position in the cache.
void emitUpdateHead(LoopBuilder &b, const Rows &keys, const Rows &values,
                    const CacheRef &cache, mlir::Value row, mlir::Value head);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_KVCACHE_H
