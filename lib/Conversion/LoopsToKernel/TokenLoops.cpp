//===- TokenLoops.cpp - Loops over the tokens of a panel ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenLoops.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace sherry;

static bool onlyReads(Operation *op) {
  return isMemoryEffectFree(op) || isa<affine::AffineReadOpInterface>(op);
}

std::optional<TokenLoop> TokenLoop::get(affine::AffineForOp loop) {
  AffineMap upper = loop.getUpperBoundMap();
  if (loop.getNumResults() != 0 || !loop.hasConstantLowerBound() ||
      loop.getStepAsInt() != 1 || loop.getUpperBoundOperands().size() != 1 ||
      upper.getNumResults() != 1 ||
      !isa<AffineDimExpr, AffineSymbolExpr>(upper.getResult(0)) ||
      !affine::isValidSymbol(loop.getUpperBoundOperands().front()))
    return std::nullopt;
  TokenLoop result{loop, {}};
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (op.getNumRegions() == 0)
      continue;
    auto sum = dyn_cast<affine::AffineForOp>(op);
    if (!sum || sum.getNumResults() == 0)
      return std::nullopt;
    result.sums.push_back(sum);
  }
  if (result.sums.empty())
    return std::nullopt;
  return result;
}

Value TokenLoop::getCount() const {
  return const_cast<affine::AffineForOp &>(loop)
      .getUpperBoundOperands()
      .front();
}

/// The unpack_codes whose trits `write` stores, with the loads before them.
static UnpackCodesOp getUnpack(Operation *write) {
  auto transfer = dyn_cast<vector::TransferWriteOp>(write);
  return transfer ? transfer.getValueToStore().getDefiningOp<UnpackCodesOp>()
                  : nullptr;
}

std::optional<PanelProduct> PanelProduct::get(affine::AffineForOp loop) {
  std::optional<TokenLoop> tokens = TokenLoop::get(loop);
  if (!tokens || tokens->getBegin() != 0 || tokens->sums.size() != 1 ||
      !getElementTypeOrSelf(tokens->sums.front().getResult(0)).isInteger(32))
    return std::nullopt;
  PanelProduct pair{{}, *tokens};
  // Back from the loop: the last step, then the loop over the others.
  for (Operation *op = loop->getPrevNode(); op; op = op->getPrevNode()) {
    if (UnpackCodesOp unpack = getUnpack(op)) {
      pair.steps.push_back(
          {nullptr, unpack, cast<vector::TransferWriteOp>(op)});
      continue;
    }
    auto steps = dyn_cast<affine::AffineForOp>(op);
    if (!steps) {
      if (op->getNumRegions() != 0 || !onlyReads(op))
        break;
      continue;
    }
    if (steps.getNumResults() != 0)
      break;
    Operation *last = steps.getBody()->getTerminator()->getPrevNode();
    if (!last || !getUnpack(last))
      break;
    pair.steps.push_back(
        {steps, getUnpack(last), cast<vector::TransferWriteOp>(last)});
    break;
  }
  if (pair.steps.empty())
    return std::nullopt;
  std::reverse(pair.steps.begin(), pair.steps.end());
  return pair;
}

TokenCopies::TokenCopies(TokenLoop tokens, ValueRange rows)
    : tokens(tokens), maps(rows.size()) {
  for (auto [map, row] : llvm::zip_equal(maps, rows))
    map.map(tokens.loop.getInductionVar(), row);
  // What depends on the token, also in what the sum carries.
  dependent.insert(tokens.loop.getInductionVar());
  for (affine::AffineForOp sum : tokens.sums) {
    dependent.insert_range(ValueRange(sum.getRegionIterArgs()));
    dependent.insert_range(ValueRange(sum.getResults()));
  }
  tokens.loop.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != tokens.loop && dependsOnToken(op))
      dependent.insert(op->result_begin(), op->result_end());
  });
}

bool TokenCopies::dependsOnToken(Operation *op) {
  return llvm::any_of(
             op->getOperands(),
             [&](Value operand) { return dependent.contains(operand); }) ||
         !onlyReads(op);
}

void TokenCopies::copy(OpBuilder &b, Ops ops, const IRMapping &replacements) {
  SmallVector<Operation *> run;
  auto flush = [&] {
    for (IRMapping &map : maps)
      for (Operation *op : run)
        b.clone(*op, map);
    run.clear();
  };
  for (Operation &op : ops) {
    if (op.getNumResults() == 1 && replacements.contains(op.getResult(0)))
      continue;
    if (dependsOnToken(&op)) {
      run.push_back(&op);
      continue;
    }
    flush();
    Operation *copied = b.clone(op, maps.front());
    for (size_t i = 1; i < maps.size(); ++i)
      maps[i].map(op.getResults(), copied->getResults());
  }
  flush();
}

void TokenCopies::copyBefore(OpBuilder &b) {
  copy(b, {tokens.loop.getBody()->begin(), tokens.sums.front()->getIterator()},
       IRMapping());
}

void TokenCopies::copyAfter(OpBuilder &b) {
  copy(b,
       {std::next(tokens.sums.back()->getIterator()),
        tokens.loop.getBody()->getTerminator()->getIterator()},
       IRMapping());
}

void TokenCopies::copyAll(OpBuilder &b) {
  Block::iterator begin = tokens.loop.getBody()->begin();
  for (affine::AffineForOp sum : tokens.sums) {
    copy(b, {begin, sum->getIterator()}, IRMapping());
    copySum(b, sum);
    begin = std::next(sum->getIterator());
  }
  copyAfter(b);
}

SmallVector<Value> TokenCopies::getStarts(Sum sum) {
  SmallVector<Value> starts;
  for (IRMapping &map : maps)
    for (Value init : sum.getInits())
      starts.push_back(map.lookupOrDefault(init));
  return starts;
}

void TokenCopies::setResults(Sum sum, ValueRange values) {
  size_t each = sum.getNumResults();
  for (auto [i, map] : llvm::enumerate(maps))
    map.map(sum.getResults(), values.slice(i * each, each));
}

SmallVector<Value> TokenCopies::copyGroup(OpBuilder &b, Sum sum, Value group,
                                          ValueRange carried,
                                          const IRMapping &replacements) {
  size_t each = sum.getNumResults();
  for (auto [i, map] : llvm::enumerate(maps)) {
    map.map(sum.getInductionVar(), group);
    map.map(sum.getRegionIterArgs(), carried.slice(i * each, each));
    for (auto [from, to] : replacements.getValueMap())
      map.map(from, to);
  }
  copy(b, sum.getBody()->without_terminator(), replacements);
  SmallVector<Value> next;
  for (IRMapping &map : maps)
    for (Value value : sum.getBody()->getTerminator()->getOperands())
      next.push_back(map.lookupOrDefault(value));
  return next;
}

void TokenCopies::copySum(OpBuilder &b, Sum sum) {
  auto copied = affine::AffineForOp::create(
      b, sum.getLoc(), sum.getLowerBoundOperands(), sum.getLowerBoundMap(),
      sum.getUpperBoundOperands(), sum.getUpperBoundMap(), sum.getStepAsInt(),
      getStarts(sum));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(copied.getBody());
  SmallVector<Value> next = copyGroup(b, sum, copied.getInductionVar(),
                                      copied.getRegionIterArgs(), IRMapping());
  affine::AffineYieldOp::create(b, sum.getLoc(), next);
  setResults(sum, copied.getResults());
}
