//===- PlaceWeights.cpp - Offsets of weights in their section -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

namespace sherry {
#define GEN_PASS_DEF_PLACEWEIGHTS
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {
struct PlaceWeightsPass : sherry::impl::PlaceWeightsBase<PlaceWeightsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder b(&getContext());
    int64_t at = 0;
    for (auto weight : module.getOps<WeightOp>()) {
      TernaryAttr ternary = weight.getTernary();
      if (ternary && !ternary.getLayout()) {
        weight.emitOpError("has no layout: run sherry-select-layout first");
        return signalPassFailure();
      }
      int64_t stride =
          format::roundUp(weight.getByteSize(), SHERRY_ABI_BUFFER_ALIGNMENT);
      weight.setOffsetAttr(b.getI64IntegerAttr(at));
      weight.setStrideAttr(b.getI64IntegerAttr(stride));
      int64_t bytes, end;
      if (__builtin_mul_overflow(
              stride, static_cast<int64_t>(weight.getCount()), &bytes) ||
          __builtin_add_overflow(at, bytes, &end)) {
        weight.emitOpError("the weights exceed 2^63 bytes");
        return signalPassFailure();
      }
      at = end;
    }
    SherryDialect::WeightsSizeAttrHelper(&getContext())
        .setAttr(module, b.getI64IntegerAttr(at));
  }
};
} // namespace
