//===- FuseLinear.cpp - Concatenate weights that share their input --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

namespace sherry {
#define GEN_PASS_DEF_FUSELINEAR
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Whether one weight can have the rows of both weights.
static bool canConcatenate(WeightOp a, WeightOp b) {
  RankedTensorType x = a.getTensorType(), y = b.getTensorType();
  TernaryAttr ternary = a.getTernary();
  return a.getCount() == b.getCount() && !a.getOffset() && !b.getOffset() &&
         !a.getRanks() && !b.getRanks() &&
         x.getElementType() == y.getElementType() &&
         x.getEncoding() == y.getEncoding() &&
         x.getDimSize(1) == y.getDimSize(1) &&
         !(ternary && ternary.getGranularity() == Granularity::PerTensor);
}

/// Makes one linear op of `ops`, whose weights are `weights`.
static void fuse(MutableArrayRef<LinearOp> ops,
                 MutableArrayRef<WeightOp> weights, SymbolTable &symbols) {
  LinearOp first = ops.front();
  OpBuilder b(weights.front());
  std::string name;
  SmallVector<Attribute> sources;
  SmallVector<int64_t> rowCounts;
  SmallVector<Location> locs;
  int64_t outputs = 0;
  for (WeightOp weight : weights) {
    name += (name.empty() ? "" : "_") + weight.getSymName().str();
    llvm::append_range(sources, weight.getSources());
    llvm::append_range(rowCounts, weight.getRows());
    locs.push_back(weight.getLoc());
    outputs += weight.getTensorType().getDimSize(0);
  }
  RankedTensorType old = weights.front().getTensorType();
  auto type = RankedTensorType::get({outputs, old.getDimSize(1)},
                                    old.getElementType(), old.getEncoding());
  auto fused =
      WeightOp::create(b, b.getFusedLoc(locs), name, weights.front().getCount(),
                       b.getArrayAttr(sources), rowCounts, type);
  symbols.insert(fused);

  b.setInsertionPoint(first);
  auto rowType = cast<RankedTensorType>(first.getType());
  auto linear = LinearOp::create(
      b, first.getLoc(), rowType.clone({rowType.getDimSize(0), outputs}),
      first.getInput(), FlatSymbolRefAttr::get(fused.getSymNameAttr()),
      first.getLayer());
  OpFoldResult rows = b.getIndexAttr(rowType.getDimSize(0));
  if (rowType.isDynamicDim(0))
    rows = b.createOrFold<tensor::DimOp>(first.getLoc(), first.getInput(), 0);
  int64_t column = 0;
  for (LinearOp op : ops) {
    int64_t width = cast<RankedTensorType>(op.getType()).getDimSize(1);
    SmallVector<OpFoldResult> offsets{b.getIndexAttr(0),
                                      b.getIndexAttr(column)};
    SmallVector<OpFoldResult> sizes{rows, b.getIndexAttr(width)};
    SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
    Value slice = tensor::ExtractSliceOp::create(
        b, op.getLoc(), cast<RankedTensorType>(op.getType()), linear, offsets,
        sizes, strides);
    op.replaceAllUsesWith(slice);
    column += width;
  }
  for (LinearOp op : ops)
    op.erase();
  for (WeightOp weight : weights)
    symbols.erase(weight);
}

namespace {
struct FuseLinearPass : sherry::impl::FuseLinearBase<FuseLinearPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    // A weight that several ops use stays, for example an embedding that is
    // also the head.
    llvm::StringMap<unsigned> uses;
    getOperation().walk([&](Operation *op) {
      if (auto weight = op->getAttrOfType<FlatSymbolRefAttr>("weight"))
        ++uses[weight.getValue()];
    });
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](Block *block) {
        llvm::MapVector<std::pair<Value, Value>, SmallVector<LinearOp>> groups;
        for (auto op : block->getOps<LinearOp>())
          if (!op.getInputEncoding() && !op.getResidual() &&
              uses[op.getWeight()] == 1)
            groups[{op.getInput(), op.getLayer()}].push_back(op);
        for (auto &[key, ops] : groups)
          fuseGroup(ops, symbols);
      });
  }

  void fuseGroup(ArrayRef<LinearOp> ops, SymbolTable &symbols) {
    SmallVector<LinearOp> members;
    SmallVector<WeightOp> weights;
    for (LinearOp op : ops) {
      auto weight = symbols.lookup<WeightOp>(op.getWeight());
      if (!weights.empty() && !canConcatenate(weights.front(), weight))
        continue;
      members.push_back(op);
      weights.push_back(weight);
    }
    if (members.size() < 2)
      return;
    numFused += members.size();
    fuse(members, weights, symbols);
  }
};
} // namespace
