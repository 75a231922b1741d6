//===- QuantizedBlocks.cpp - Blocks of quantized activations --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Quantize.h"

using namespace mlir;
using namespace sherry;

int64_t sherry::groupsOf(QuantizedAttr encoding, int64_t inputs) {
  if (!encoding.getTables())
    return 0;
  return format::ceilDiv(inputs, encoding.getCodebook().getCodebook().inputs);
}

int64_t sherry::groupTables(QuantizedAttr encoding) {
  format::TernaryLayout layout;
  layout.order = fromCodeOrder(*encoding.getTables());
  layout.codebook = &encoding.getCodebook().getCodebook();
  return layout.groupTables();
}

/// Builds the tables of a block of `inputs` activations of `row` from `column`
/// on, whose first group is `first`.
static void emitTables(LoopBuilder &b, const QuantizedRows &rows, Value row,
                       Value column, Value first, int64_t inputs) {
  if (!rows.tables)
    return;
  auto i16 = b.getI16Type();
  CodebookAttr codebook = rows.encoding.getCodebook();
  int64_t groupInputs = codebook.getCodebook().inputs;
  Value firstTable =
      rows.tableOf(b, row, first, groupsOf(rows.encoding, inputs));
  auto emitTable = [&](Value i, Value activations) {
    if (rows.encoding.getTables() == CodeOrder::Words) {
      b.store(BuildTableOp::create(b, b.vec(32, i16), activations, codebook),
              rows.tables, {b.add(firstTable, i), b.index(0)});
      return;
    }
    int64_t count = groupTables(rows.encoding), entries = 16 * count;
    auto wide = b.vec(entries, i16);
    Value table = BuildTableOp::create(b, wide, activations, codebook);
    Value high = arith::ShRUIOp::create(b, table, b.splatInt(wide, 8));
    Value first = b.add(firstTable, b.mul(i, count));
    for (int64_t half = 0; half < 2; ++half) {
      Value bytes = arith::TruncIOp::create(b, b.vec(entries, b.getI8Type()),
                                            half ? high : table);
      for (int64_t i = 0; i < count; ++i)
        b.store(count == 1 ? bytes : b.slice(bytes, 16 * i, 16), rows.tables,
                {b.add(first, i), b.index(half), b.index(0)});
    }
  };
  // The last groups may have fewer inputs than are loaded at once.
  int64_t loaded = format::roundUp(groupInputs, format::kDotInputs);
  int64_t whole = inputs < loaded ? 0 : (inputs - loaded) / groupInputs + 1;
  b.forLoop(b.index(whole), 1, [&](Value i) {
    emitTable(i, b.load(b.vec(loaded, b.getI8Type()), rows.values.buffer,
                        {row, b.add(column, b.mul(i, groupInputs))}));
  });
  for (int64_t at = whole * groupInputs; at < inputs; at += groupInputs) {
    int64_t count = inputs - at;
    Value rest = b.load(b.vec(count, b.getI8Type()), rows.values.buffer,
                        {row, b.add(column, at)});
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < loaded; ++i)
      order.push_back(std::min(i, count));
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(rest.getType()));
    emitTable(b.index(at / groupInputs),
              vector::ShuffleOp::create(b, rest, zeros, order));
  }
}

namespace {
/// The blocks of a row repeat with a period: the chunks of a scale group.
struct Rounds {
  explicit Rounds(ArrayRef<int64_t> blocks);

  /// Runs `body` for each round, and for the rest if there is one; `blocks` are
  /// the blocks of the round or of the rest.
  void forEach(
      LoopBuilder &b,
      function_ref<void(Value number, ArrayRef<int64_t> blocks)> body) const;

  ArrayRef<int64_t> round; ///< the blocks of a whole round
  ArrayRef<int64_t> rest;  ///< those after the last whole round
  int64_t count;           ///< whole rounds
};
} // namespace

Rounds::Rounds(ArrayRef<int64_t> blocks) {
  size_t period = 1;
  auto repeats = [&](size_t p) {
    for (size_t i = p; i + 1 < blocks.size(); ++i)
      if (blocks[i] != blocks[i - p])
        return false;
    return true;
  };
  while (period < blocks.size() && !repeats(period))
    ++period;
  count = static_cast<int64_t>((blocks.size() - 1) / period);
  round = blocks.take_front(period);
  rest = blocks.drop_front(count * period);
  if (rest == round) {
    ++count;
    rest = {};
  }
}

void Rounds::forEach(
    LoopBuilder &b,
    function_ref<void(Value number, ArrayRef<int64_t> blocks)> body) const {
  b.repeat(count, {}, [&](Value number, ValueRange) {
    body(number, round);
    return SmallVector<Value>();
  });
  if (!rest.empty())
    body(b.index(count), rest);
}

/// Runs `body` for the first blocks of round `number`, with their first column
/// and their first group that has a table.
static void forBlocksOfRound(
    LoopBuilder &b, QuantizedAttr encoding, Value number,
    ArrayRef<int64_t> round, ArrayRef<int64_t> blocks,
    function_ref<void(Value column, Value block, Value group, int64_t inputs)>
        body) {
  int64_t span = 0, groups = 0;
  for (int64_t inputs : round) {
    span += inputs;
    groups += groupsOf(encoding, inputs);
  }
  int64_t offset = 0, group = 0;
  for (auto [i, inputs] : llvm::enumerate(blocks)) {
    body(b.add(b.mul(number, span), offset),
         b.add(b.mul(number, round.size()), i),
         b.add(b.mul(number, groups), group), inputs);
    offset += inputs;
    group += groupsOf(encoding, inputs);
  }
}

void sherry::emitBlocks(LoopBuilder &b, const QuantizedRows &result, Value row,
                        Value number, ArrayRef<int64_t> round,
                        ArrayRef<int64_t> blocks, BlockBody body) {
  forBlocksOfRound(b, result.encoding, number, round, blocks,
                   [&](Value column, Value block, Value group, int64_t inputs) {
                     body(row, column, block, inputs);
                     // In this loop, because threads would wait for a separate
                     // step.
                     if (!areTokensFew(b))
                       emitTables(b, result, row, column, group, inputs);
                   });
}

void sherry::emitTablesPerThread(LoopBuilder &b, const QuantizedRows &rows) {
  if (!rows.tables || !areTokensFew(b))
    return;
  Rounds rounds(rows.encoding.getBlocks());
  b.forRows(rows.values.count, [&](Value row) {
    rounds.forEach(b, [&](Value number, ArrayRef<int64_t> blocks) {
      forBlocksOfRound(b, rows.encoding, number, rounds.round, blocks,
                       [&](Value column, Value, Value group, int64_t inputs) {
                         emitTables(b, rows, row, column, group, inputs);
                       });
    });
  });
}

void sherry::forBlocks(LoopBuilder &b, const QuantizedRows &result,
                       BlockBody body, function_ref<void(Value)> beginRow) {
  Rounds rounds(result.encoding.getBlocks());
  Value count = result.values.count;
  auto emit = [&](Value row, Value number, ArrayRef<int64_t> blocks) {
    emitBlocks(b, result, row, number, rounds.round, blocks, body);
  };
  if (rounds.rest.empty() && (!beginRow || b.getMaxTokens() == 1)) {
    // Each thread begins the only row itself, which is less work than a step.
    if (beginRow)
      beginRow(b.index(0));
    b.parallelUnits(count, rounds.count, [&](Value row, Value number) {
      emit(row, number, rounds.round);
    });
  } else {
    b.parallel(count, [&](Value row) {
      if (beginRow)
        beginRow(row);
      rounds.forEach(b, [&](Value number, ArrayRef<int64_t> blocks) {
        emit(row, number, blocks);
      });
    });
  }
  emitTablesPerThread(b, result);
}

void sherry::forBlocksPerThread(LoopBuilder &b, const QuantizedRows &result,
                                BlockBody body,
                                function_ref<void(Value)> beginRow) {
  Rounds rounds(result.encoding.getBlocks());
  b.forRows(result.values.count, [&](Value row) {
    beginRow(row);
    rounds.forEach(b, [&](Value number, ArrayRef<int64_t> blocks) {
      emitBlocks(b, result, row, number, rounds.round, blocks, body);
    });
  });
  emitTablesPerThread(b, result);
}
