//===- CacheLine.h - The unit of a prefetch ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_LOOPSTOKERNEL_CACHELINE_H
#define LIB_CONVERSION_LOOPSTOKERNEL_CACHELINE_H

#include <cstdint>

namespace sherry {

/// Bytes of a line of the cache, of which a prefetch reads one.
inline constexpr int64_t kLineBytes = 64;

} // namespace sherry

#endif // LIB_CONVERSION_LOOPSTOKERNEL_CACHELINE_H
