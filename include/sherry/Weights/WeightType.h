//===- WeightType.h - How the numbers of a weight are stored ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_WEIGHTS_WEIGHTTYPE_H
#define SHERRY_WEIGHTS_WEIGHTTYPE_H

#include "sherry/Format/DenseFormat.h"

#include <variant>

namespace sherry {

/// Trits with scales [T1] to [T7].
struct TernaryWeights {
  format::TernaryLayout layout;
  bool isStrided = false; ///< groups of four are 16 inputs apart [T1]
};

/// Numbers, blocks of numbers with scales, or trits.
using WeightType = std::variant<format::DenseFormat, TernaryWeights>;

/// The ternary type, or null.
inline const TernaryWeights *getTernary(const WeightType &type) {
  return std::get_if<TernaryWeights>(&type);
}

} // namespace sherry

#endif // SHERRY_WEIGHTS_WEIGHTTYPE_H
