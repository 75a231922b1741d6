//===- NormalizeSubscripts.cpp - One form for equal affine maps -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"

namespace sherry {
#define GEN_PASS_DEF_NORMALIZESUBSCRIPTS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;

static AffineExpr rebuild(AffineExpr expr);

/// Appends the terms of a sum, in the order of its text.
static void appendTerms(AffineExpr expr, SmallVectorImpl<AffineExpr> &terms) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add) {
    terms.push_back(rebuild(expr));
    return;
  }
  appendTerms(sum.getLHS(), terms);
  appendTerms(sum.getRHS(), terms);
}

/// The form that the parser makes of the text: sums from left to right.
static AffineExpr rebuild(AffineExpr expr) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  if (binary.getKind() == AffineExprKind::Add) {
    SmallVector<AffineExpr> terms;
    appendTerms(expr, terms);
    AffineExpr sum = terms.front();
    for (AffineExpr term : ArrayRef(terms).drop_front())
      sum = sum + term;
    return sum;
  }
  return getAffineBinaryOpExpr(binary.getKind(), rebuild(binary.getLHS()),
                               rebuild(binary.getRHS()));
}

static AffineMap normalize(AffineMap map) {
  SmallVector<AffineExpr> results;
  for (AffineExpr expr : map.getResults()) {
    // Simplification may create new sums.
    AffineExpr last;
    do {
      last = expr;
      expr = rebuild(expr);
    } while (expr != last);
    results.push_back(expr);
  }
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), results,
                        map.getContext());
}

namespace {
struct NormalizeSubscriptsPass
    : sherry::impl::NormalizeSubscriptsBase<NormalizeSubscriptsPass> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      for (NamedAttribute attribute : op->getAttrs()) {
        auto attr = dyn_cast<AffineMapAttr>(attribute.getValue());
        if (!attr)
          continue;
        AffineMap map = attr.getValue(), normalized = normalize(map);
        if (normalized == map)
          continue;
        op->setAttr(attribute.getName(), AffineMapAttr::get(normalized));
        ++numNormalized;
      }
    });
  }
};
} // namespace
