//===- Ranks.cpp - Exchanges between ranks --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elementwise.h"
#include "Lowering.h"
#include "Quantize.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

using namespace mlir;
using namespace sherry;

namespace {
/// A message between ranks: rows without padding, one after the other.
struct Message {
  /// A message of numbers of type `element`, up to `columns` in a row of each
  /// rank.
  Message(LoopBuilder &b, Type element, int64_t columns, int64_t ranks,
          Value count)
      : element(element), columns(columns), count(count) {
    auto alloc = [&](int64_t rows) -> Value {
      auto type = MemRefType::get({rows * columns}, element);
      return memref::AllocOp::create(b, type);
    };
    mine = alloc(getBufferRows(b.getMaxTokens()));
    all = alloc(ranks * getBufferRows(b.getMaxTokens()));
  }

  /// Lets `pack` write each row to `mine`, then exchanges the rows.
  void exchange(LoopBuilder &b, function_ref<void(Value)> pack) const;
  /// The offset of column `column` of a row in `mine`.
  Value placeOf(LoopBuilder &b, Value row, Value column) const {
    return b.add(b.mul(row, columns), column);
  }
  /// The offset of the same column of rank `rank` in `all`.
  Value placeOf(LoopBuilder &b, Value rank, Value row, Value column) const {
    Value before = b.getMaxTokens() == 1
                       ? rank
                       : b.createOrFold<arith::MulIOp>(rank, count);
    return placeOf(b, b.add(before, row), column);
  }

  Type element;
  int64_t columns;
  Value count; ///< number of rows
  Value mine, all;
};
} // namespace

/// Runs one iteration if there are rows, else none.
static void once(LoopBuilder &b, Value count, function_ref<void()> body) {
  Value iterations =
      b.getMaxTokens() == 1
          ? count
          : b.div(b.add(count, b.getMaxTokens() - 1), b.getMaxTokens());
  b.parallel(iterations, [&](Value) { body(); });
}

static void exchangeRows(LoopBuilder &b, Value count, int64_t bytesPerRow,
                         Value mine, Value all) {
  ExchangeOp::create(b, b.getTeam(), mine, all, b.mul(count, bytesPerRow));
}

void Message::exchange(LoopBuilder &b, function_ref<void(Value)> pack) const {
  bool isDivided = b.getMaxTokens() >= kTokenBlock;
  if (isDivided)
    b.parallel(count, pack);
  once(b, count, [&] {
    if (b.getMaxTokens() == 1)
      pack(b.index(0));
    else if (!isDivided)
      b.forLoop(count, 1, pack);
    exchangeRows(b, count, columns * element.getIntOrFloatBitWidth() / 8, mine,
                 all);
  });
}

/// Copies `cols` numbers; `from` and `to` return their indices.
static void copyColumns(LoopBuilder &b, int64_t cols, Type element,
                        Value source,
                        function_ref<SmallVector<Value>(Value)> from,
                        Value target,
                        function_ref<SmallVector<Value>(Value)> to) {
  forColumns(b, b.index(0), cols, {},
             [&](Value column, int64_t lanes, ValueRange) {
               b.store(b.load(b.vec(lanes, element), source, from(column)),
                       target, to(column));
               return SmallVector<Value>();
             });
}

static Rows emitGather(LoopBuilder &b, const Rows &input, int64_t cols) {
  Type element = b.getF32Type();
  Rows result = b.allocRows(cols, element, input.count);
  if (b.getMaxTokens() == 1) {
    // The only row is contiguous in both buffers.
    once(b, input.count, [&] {
      exchangeRows(b, b.index(1), input.cols * 4, input.buffer, result.buffer);
    });
    return result;
  }
  int64_t ranks = cols / input.cols;
  Message message(b, element, input.cols, ranks, input.count);
  message.exchange(b, [&](Value row) {
    copyColumns(
        b, input.cols, element, input.buffer,
        [&](Value column) -> SmallVector<Value> {
          return {row, column};
        },
        message.mine,
        [&](Value column) -> SmallVector<Value> {
          return {message.placeOf(b, row, column)};
        });
  });
  b.parallelUnits(input.count, ranks, [&](Value row, Value rank) {
    copyColumns(
        b, input.cols, element, message.all,
        [&](Value column) -> SmallVector<Value> {
          return {message.placeOf(b, rank, row, column)};
        },
        result.buffer,
        [&](Value column) -> SmallVector<Value> {
          return {row, b.add(b.mul(rank, input.cols), column)};
        });
  });
  return result;
}

/// Sends a row as its values, followed by the scales of its blocks.
static QuantizedRows emitGather(LoopBuilder &b, const QuantizedRows &input,
                                RankedTensorType type) {
  int64_t cols = input.values.cols, ranks = type.getDimSize(1) / cols;
  int64_t blocks = input.blocks();
  Type i8 = b.getI8Type(), f32 = b.getF32Type();
  Message message(b, i8, cols + 4 * blocks, ranks, input.values.count);
  auto scaleAt = [&](Value bytes, Value place) {
    return b.view(bytes, place, {1}, f32);
  };
  message.exchange(b, [&](Value row) {
    forColumns(b, b.index(0), cols, {},
               [&](Value column, int64_t lanes, ValueRange) {
                 b.store(loadGroups(b, input, row, column, lanes), message.mine,
                         {message.placeOf(b, row, column)});
                 return SmallVector<Value>();
               });
    b.forLoop(b.index(blocks), 1, [&](Value block) {
      Value place = message.placeOf(b, row, b.add(b.mul(block, 4), cols));
      b.store(b.loadScalar(input.scales, {block, row}),
              scaleAt(message.mine, place), {b.index(0)});
    });
  });
  QuantizedRows result = QuantizedRows::alloc(b, type, input.values.count);
  forBlocks(
      b, result, [&](Value row, Value column, Value block, int64_t inputs) {
        Value rank = b.div(column, cols), first = b.rem(column, cols);
        auto lanes = b.vec(kLanes, b.getI32Type());
        Value sums = forColumns(
            b, b.index(0), inputs, {b.splatInt(lanes, 0)},
            [&](Value at, int64_t count,
                ValueRange carried) -> SmallVector<Value> {
              Value bytes =
                  b.load(b.vec(count, i8), message.all,
                         {message.placeOf(b, rank, row, b.add(first, at))});
              storeGroups(b, bytes, result, row, b.add(column, at));
              Value numbers = arith::ExtSIOp::create(
                  b, b.vec(count, b.getI32Type()), bytes);
              return {
                  arith::AddIOp::create(b, padLanes(b, numbers), carried[0])};
            })[0];
        Value place = message.placeOf(
            b, rank, row, b.add(b.mul(b.rem(block, blocks), 4), cols));
        Value scale = b.loadScalar(scaleAt(message.all, place), {b.index(0)});
        storeScaleAndSum(b, result, row, block, scale, sums);
      });
  return result;
}

/// Takes this rank's columns of the rows of the tokens' owners.
static Rows emitPickOwned(LoopBuilder &b, const Rows &input, const Rows &tokens,
                          int64_t ranks, int64_t rowsOfRank) {
  int64_t cols = input.cols / ranks / ranks;
  Rows result = b.allocRows(cols, b.getF32Type(), input.count);
  b.parallel(input.count, [&](Value row) {
    Value token = b.numberOf(tokens, row);
    Value owner = b.div(token, rowsOfRank);
    Value first = b.add(
        b.mul(owner, ranks * cols),
        b.mul(Value(RankOp::create(b, b.getIndexType(), b.getTeam())), cols));
    copyColumns(
        b, cols, b.getF32Type(), input.buffer,
        [&](Value column) -> SmallVector<Value> {
          return {row, b.add(first, column)};
        },
        result.buffer,
        [&](Value column) -> SmallVector<Value> {
          return {row, column};
        });
  });
  return result;
}

namespace {
struct AllGatherPattern : GraphOpPattern<AllGatherOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, AllGatherOp op,
                          Adaptor adaptor) const override {
    if (getQuantized(op.getType()))
      return emitGather(b, QuantizedRows(adaptor.getInput(), op.getInput()),
                        op.getType())
          .getValues();
    return emitGather(b, Rows(adaptor.getInput(), op.getInput()),
                      op.getType().getDimSize(1))
        .getValues();
  }
};

struct PickOwnedPattern : GraphOpPattern<PickOwnedOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, PickOwnedOp op,
                          Adaptor adaptor) const override {
    return emitPickOwned(b, Rows(adaptor.getInput(), op.getInput()),
                         Rows(adaptor.getTokens(), op.getTokens()),
                         op.getRanks(), op.getRows())
        .getValues();
  }
};
} // namespace

void sherry::populateRankPatterns(const ActivationTypeConverter &types,
                                  RewritePatternSet &patterns) {
  patterns.add<AllGatherPattern, PickOwnedPattern>(types);
}
