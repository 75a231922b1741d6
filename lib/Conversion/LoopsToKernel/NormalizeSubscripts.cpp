//===- NormalizeSubscripts.cpp - One form for equal affine maps -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/IntegerSet.h"

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

static AffineExpr normalize(AffineExpr expr) {
  // Simplification may create new sums.
  AffineExpr last;
  do {
    last = expr;
    expr = rebuild(expr);
  } while (expr != last);
  return expr;
}

/// Normalizes a map or a set; other attributes stay.
static Attribute normalize(Attribute attr) {
  auto normalizeAll = [](ArrayRef<AffineExpr> exprs) {
    return llvm::map_to_vector(exprs,
                               [](AffineExpr expr) { return normalize(expr); });
  };
  if (auto map = dyn_cast<AffineMapAttr>(attr))
    return AffineMapAttr::get(AffineMap::get(
        map.getValue().getNumDims(), map.getValue().getNumSymbols(),
        normalizeAll(map.getValue().getResults()), attr.getContext()));
  if (auto set = dyn_cast<IntegerSetAttr>(attr))
    return IntegerSetAttr::get(IntegerSet::get(
        set.getValue().getNumDims(), set.getValue().getNumSymbols(),
        normalizeAll(set.getValue().getConstraints()),
        set.getValue().getEqFlags()));
  return attr;
}

namespace {
struct NormalizeSubscriptsPass
    : sherry::impl::NormalizeSubscriptsBase<NormalizeSubscriptsPass> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      for (NamedAttribute attribute : op->getAttrs()) {
        Attribute normalized = normalize(attribute.getValue());
        if (normalized == attribute.getValue())
          continue;
        op->setAttr(attribute.getName(), normalized);
        ++numNormalized;
      }
    });
  }
};
} // namespace
