//===- TokenLoops.cpp - Loops over the tokens of a panel ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenLoops.h"

#include "mlir/Dialect/Affine/Analysis/AffineAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace sherry;

std::optional<TokenLoop> TokenLoop::get(affine::AffineForOp loop) {
  AffineMap upper = loop.getUpperBoundMap();
  if (loop.getNumResults() != 0 || !loop.hasConstantLowerBound() ||
      loop.getStepAsInt() != 1 || loop.getUpperBoundOperands().size() != 1 ||
      upper.getNumResults() != 1 ||
      !isa<AffineDimExpr, AffineSymbolExpr>(upper.getResult(0)) ||
      !affine::isValidSymbol(loop.getUpperBoundOperands().front()))
    return std::nullopt;
  TokenLoop result{loop, {}};
  bool isOther = false;
  loop.getBody()->walk([&](Operation *op) {
    if (op->getNumRegions() == 0)
      return;
    auto sum = dyn_cast<affine::AffineForOp>(op);
    isOther |= !sum || sum.getNumResults() == 0;
    if (sum && op->getParentOp() == loop)
      result.sums.push_back(sum);
  });
  if (isOther || result.sums.empty() || !affine::isLoopMemoryParallel(loop))
    return std::nullopt;
  return result;
}

/// The unpack_codes whose trits `write` stores, with the loads before them.
static UnpackCodesOp getUnpack(Operation *write) {
  auto transfer = dyn_cast<vector::TransferWriteOp>(write);
  return transfer ? transfer.getValueToStore().getDefiningOp<UnpackCodesOp>()
                  : nullptr;
}

/// Whether `load` reads half of the outputs of the sum's four from its panel.
static bool readsGroup(affine::AffineVectorLoadOp load,
                       affine::AffineForOp sum) {
  AffineMap map = load.getAffineMap();
  if (map.getNumResults() != 3)
    return false;
  auto group = dyn_cast<AffineDimExpr>(map.getResult(0));
  return group &&
         load.getMapOperands()[group.getPosition()] == sum.getInductionVar() &&
         isa<AffineConstantExpr>(map.getResult(1)) &&
         map.getResult(2) == getAffineConstantExpr(0, map.getContext());
}

static bool isFromZero(affine::AffineForOp loop) {
  return loop.hasConstantBounds() && loop.getConstantLowerBound() == 0 &&
         loop.getStepAsInt() == 1;
}

/// The ops that fill a panel before `loop`: a loop over steps, the last step,
/// or both.
static SmallVector<UnpackStep> findSteps(affine::AffineForOp loop) {
  SmallVector<UnpackStep> steps;
  for (Operation *op = loop->getPrevNode(); op; op = op->getPrevNode()) {
    if (UnpackCodesOp unpack = getUnpack(op)) {
      steps.push_back({nullptr, unpack, cast<vector::TransferWriteOp>(op)});
      continue;
    }
    if (op->getNumRegions() == 0 && onlyReads(op))
      continue;
    auto others = dyn_cast<affine::AffineForOp>(op);
    if (!others || others.getNumResults() != 0 || !isFromZero(others))
      break;
    Operation *last = others.getBody()->getTerminator()->getPrevNode();
    if (last && getUnpack(last) &&
        llvm::all_of(others.getBody()->without_terminator(),
                     [&](Operation &inner) {
                       return &inner == last || onlyReads(&inner);
                     }))
      steps.push_back(
          {others, getUnpack(last), cast<vector::TransferWriteOp>(last)});
    break;
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

static std::optional<PanelProduct> findProduct(affine::AffineForOp loop) {
  std::optional<TokenLoop> tokens = TokenLoop::get(loop);
  if (!tokens || tokens->getBegin() != 0 || tokens->sums.size() != 1)
    return std::nullopt;
  affine::AffineForOp sum = tokens->sums.front();
  PanelProduct product{findSteps(loop), *tokens};
  if (!getElementTypeOrSelf(sum.getResult(0)).isInteger(32) ||
      !isFromZero(sum) || product.steps.empty() ||
      llvm::any_of(sum.getBody()->getOperations(),
                   [](Operation &op) { return op.getNumRegions() != 0; }))
    return std::nullopt;
  int64_t fours = 0;
  for (UnpackStep step : product.steps) {
    if (step.write.getBase() != product.getPanel())
      return std::nullopt;
    fours += step.unpack.getFours() *
             (step.loop ? step.loop.getConstantUpperBound() : 1);
  }
  if (fours != sum.getConstantUpperBound())
    return std::nullopt;
  for (auto load : sum.getBody()->getOps<affine::AffineVectorLoadOp>())
    if (load.getMemRef() == product.getPanel() && !readsGroup(load, sum))
      return std::nullopt;
  return product;
}

SmallVector<PanelProduct> sherry::findPanelProducts(Operation *function) {
  SmallVector<PanelProduct> products;
  function->walk([&](affine::AffineForOp loop) {
    if (std::optional<PanelProduct> product = findProduct(loop))
      products.push_back(*product);
  });
  // Other readers of a panel need its contents.
  auto isKnown = [&](Operation *user, Value panel) {
    return llvm::any_of(products, [&](PanelProduct product) {
      return product.getPanel() == panel &&
             (user->getParentOp() == product.tokens.sums.front() ||
              llvm::any_of(product.steps, [&](const UnpackStep &step) {
                return step.write == user;
              }));
    });
  };
  SmallVector<PanelProduct> result;
  for (PanelProduct product : products)
    if (llvm::all_of(product.getPanel().getUsers(), [&](Operation *user) {
          return isKnown(user, product.getPanel());
        }))
      result.push_back(product);
  return result;
}

bool sherry::hasWholeBlocks(Value buffer) {
  if (auto cast = buffer.getDefiningOp<memref::ReinterpretCastOp>())
    buffer = cast.getSource();
  return isa_and_nonnull<memref::AllocOp, memref::AllocaOp>(
      buffer.getDefiningOp());
}

void TokenCopies::copyFor(OpBuilder &b, Operation *op, size_t token) {
  auto write = dyn_cast<affine::AffineWriteOpInterface>(op);
  OpBuilder::InsertionGuard guard(b);
  if (write && !exists.empty() && !hasWholeBlocks(write.getMemRef())) {
    auto choice =
        affine::AffineIfOp::create(b, op->getLoc(), exists[token],
                                   tokens.getCount(), /*withElseRegion=*/false);
    b.setInsertionPointToStart(choice.getThenBlock());
  }
  IterationCopies::copyFor(b, op, token);
}

void TokenCopies::copyBefore(OpBuilder &b) {
  copy(b, {tokens.loop.getBody()->begin(), tokens.sums.front()->getIterator()});
}

void TokenCopies::copyAfter(OpBuilder &b) {
  copy(b, {std::next(tokens.sums.back()->getIterator()),
           tokens.loop.getBody()->getTerminator()->getIterator()});
}
