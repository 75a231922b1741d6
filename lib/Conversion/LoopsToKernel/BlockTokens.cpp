//===- BlockTokens.cpp - Several tokens for one read of a panel -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TokenLoops.h"
#include "sherry/Conversion/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IntegerSet.h"

namespace sherry {
#define GEN_PASS_DEF_BLOCKTOKENS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Sizes of blocks of tokens: the blocks of buffers, and half of one for the
/// rest. In smaller blocks, sums would wait for each other; so only functions
/// for fewer tokens have them.
static SmallVector<int64_t> getSizes(int64_t maxTokens) {
  if (maxTokens != 0 && maxTokens < kTokenBlock)
    return {maxTokens};
  return {kTokenBlock, kTokenBlock / 2};
}

namespace {
struct BlockTokensPass : sherry::impl::BlockTokensBase<BlockTokensPass> {
  void runOnOperation() override;

private:
  void block(TokenLoop tokens);
  /// Emits a block of `size` tokens from `first` on, which is affine.
  void emitBlock(OpBuilder &b, TokenLoop tokens, AffineExpr first,
                 ValueRange operands, int64_t size,
                 ArrayRef<IntegerSet> exists = {});

  int64_t together; ///< tokens that share reads
  SmallVector<int64_t> sizes;
};
} // namespace

void BlockTokensPass::emitBlock(OpBuilder &b, TokenLoop tokens,
                                AffineExpr first, ValueRange operands,
                                int64_t size, ArrayRef<IntegerSet> exists) {
  Location loc = tokens.loop.getLoc();
  SmallVector<OpFoldResult> folded(operands.begin(), operands.end());
  SmallVector<Value> rows;
  for (int64_t i = 0; i < size; ++i)
    rows.push_back(affine::makeComposedAffineApply(b, loc, first + i, folded));
  for (int64_t i = 0; i < size; i += together)
    TokenCopies(tokens, ArrayRef(rows).slice(i, std::min(together, size - i)),
                exists.empty() ? exists : exists.drop_front(i))
        .copyAll(b);
}

/// Whether reads for tokens beyond the last are in bounds: the function's own
/// buffers have rows for whole blocks, and weights do not depend on tokens.
static bool canReadBlocks(TokenLoop tokens) {
  bool result = true;
  tokens.loop.walk([&](affine::AffineReadOpInterface read) {
    result &= hasWholeBlocks(read.getMemRef()) ||
              read.getMemRef().getDefiningOp<memref::ViewOp>();
  });
  return result;
}

/// Whether the loop writes to a result, which usually has one row, for the last
/// token.
static bool writesResult(TokenLoop tokens) {
  bool result = false;
  tokens.loop.walk([&](affine::AffineWriteOpInterface write) {
    result |= !hasWholeBlocks(write.getMemRef());
  });
  return result;
}

void BlockTokensPass::block(TokenLoop tokens) {
  OpBuilder b(tokens.loop);
  Location loc = tokens.loop.getLoc();
  Value count = tokens.getCount();
  int64_t begin = tokens.getBegin();
  const int64_t most = sizes.front();
  // Whole blocks; the loop does nothing if there are fewer than `begin` tokens.
  AffineExpr symbol = b.getAffineSymbolExpr(0);
  AffineExpr blocks = (symbol - begin).floorDiv(most);
  AffineExpr whole = blocks * most + begin;
  auto loop = affine::AffineForOp::create(b, loc, ValueRange(),
                                          b.getConstantAffineMap(0), count,
                                          AffineMap::get(0, 1, blocks), 1);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    emitBlock(b, tokens, b.getAffineDimExpr(0) * most + begin,
              loop.getInductionVar(), most);
  }
  // The rest: a block of the smallest size that has room for it.
  SmallVector<int64_t> rests(sizes);
  if (writesResult(tokens))
    rests.push_back(1);
  for (auto [i, size] : llvm::enumerate(rests)) {
    int64_t smaller = i + 1 < rests.size() ? rests[i + 1] : 0;
    AffineExpr rest = (symbol - begin) % most;
    SmallVector<IntegerSet> exists;
    for (int64_t token = 0; size > 1 && token < size; ++token)
      exists.push_back(IntegerSet::get(0, 1, {rest - token - 1}, {false}));
    SmallVector<AffineExpr> conditions{rest - smaller - 1, -rest + size};
    SmallVector<bool> areEqual{false, false};
    if (begin > 0) {
      conditions.push_back(symbol - begin - 1);
      areEqual.push_back(false);
    }
    auto fits = affine::AffineIfOp::create(
        b, loc, IntegerSet::get(0, 1, conditions, areEqual), count,
        /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(fits.getThenBlock());
    emitBlock(b, tokens, whole, count, size, exists);
  }
  tokens.loop.erase();
  ++numBlocked;
}

void BlockTokensPass::runOnOperation() {
  ScheduleAttr schedule =
      getSchedule(getOperation()->getParentOfType<ModuleOp>());
  together = schedule.getSumTokens();
  auto maxTokens =
      SherryDialect::MaxTokensAttrHelper(&getContext()).getAttr(getOperation());
  sizes = getSizes(maxTokens ? maxTokens.getInt() : 0);
  SmallVector<affine::AffineForOp> loops;
  getOperation()->walk(
      [&](affine::AffineForOp loop) { loops.push_back(loop); });
  for (affine::AffineForOp loop : loops)
    if (std::optional<TokenLoop> tokens = TokenLoop::get(loop);
        tokens && canReadBlocks(*tokens))
      block(*tokens);
}
