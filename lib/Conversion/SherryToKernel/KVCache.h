//===- KVCache.h - Keys and values of past positions ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where they lie: see the type !sherry.kv_cache.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOKERNEL_KVCACHE_H
#define LIB_CONVERSION_SHERRYTOKERNEL_KVCACHE_H

#include "KernelBuilder.h"
#include "sherry-abi/abi.h"

namespace sherry {

/// Positions of a block: the scores of as many are computed together, without
/// a sum over lanes.
inline constexpr int64_t kCacheBlock = SHERRY_ABI_CONTEXT_MULTIPLE;

/// The keys or the values of one head of a sequence, in one layer.
class CachePart {
public:
  enum Which { Keys, Values };
  CachePart(KernelBuilder &b, const CacheRef &cache, mlir::Value sequence,
            Which which, mlir::Value head);

  /// Keys in f32 or f16: memref<blocks x head_dim x 16>.
  mlir::Value keys(KernelBuilder &b) const;
  /// Values in f32 or f16: memref<max_context x head_dim>.
  mlir::Value values(KernelBuilder &b) const;
  /// A block in i8: memref<(head_dim / 4) x 16 x 4> for keys,
  /// memref<4 x head_dim x 4> for values.
  mlir::Value integers(KernelBuilder &b, mlir::Value block) const;
  /// Its scales: memref<16xf32>.
  mlir::Value scales(KernelBuilder &b, mlir::Value block) const;

private:
  mlir::Value blockOffset(KernelBuilder &b, mlir::Value block) const;

  KVCacheType type;
  mlir::Value bytes, offset;
  Which which;
};

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOKERNEL_KVCACHE_H
