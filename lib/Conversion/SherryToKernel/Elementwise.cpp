//===- Elementwise.cpp - Everything but linear and attention --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elementwise.h"
#include "Ternary.h"
#include "WeightBlocks.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace sherry;

/// Lanes of the vectors that elementwise loops work on: one register of the
/// widest target, several of the others.
static constexpr int64_t kLanes = 16;

/// Runs `body(column, lanes, carried)` over the columns [begin, begin + cols)
/// in vectors of kLanes and a shorter one for what is left. Carried values may
/// have as many lanes as kLanes only; the last call gets them unchanged.
static SmallVector<Value>
forColumns(KernelBuilder &b, Value begin, int64_t cols, ValueRange init,
           function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body) {
  SmallVector<Value> carried =
      b.repeat(cols / kLanes, init, [&](Value i, ValueRange values) {
        return body(b.add(begin, b.mul(i, kLanes)), kLanes, values);
      });
  int64_t rest = cols % kLanes;
  if (rest == 0)
    return carried;
  return body(b.add(begin, cols - rest), rest, carried);
}

/// Widens a vector to kLanes lanes with zeros.
static Value padLanes(KernelBuilder &b, Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getDimSize(0) == kLanes)
    return vector;
  auto wide = b.vec(kLanes, type.getElementType());
  Value zero = isa<FloatType>(type.getElementType()) ? b.splat(wide, 0)
                                                     : b.splatInt(wide, 0);
  return vector::InsertStridedSliceOp::create(
      b, vector, zero, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
}

//===----------------------------------------------------------------------===//
// Embedding
//===----------------------------------------------------------------------===//

/// Row `lane` of the tile at byte `offset`, block by block, group by group.
static void emitBlockRow(KernelBuilder &b, const format::BlockFormat &format,
                         Value offset, Value lane, Value row,
                         const Rows &result) {
  auto wide = b.vec(format::kGroupInputs, b.getI32Type());
  auto floats = b.vec(format::kGroupInputs, b.getF32Type());
  forWeightBlocks(
      b, format, offset, result.cols, {},
      [&](const WeightBlock &block, ValueRange) {
        Value scale = b.broadcast(
            format::kGroupInputs,
            vector::ExtractOp::create(b, block.scales(b, lane, 1), 0));
        for (int64_t group = 0; group < block.groups(); ++group) {
          Value stored = arith::ExtUIOp::create(
              b, wide, block.integers(b, group, lane, 1));
          Value number =
              arith::SubIOp::create(b, stored, b.splatInt(wide, format.bias()));
          Value value = arith::SIToFPOp::create(b, floats, number);
          b.store(arith::MulFOp::create(b, value, scale), result.buffer,
                  {row, b.add(block.column, group * format::kGroupInputs)});
        }
        return SmallVector<Value>();
      });
}

Rows sherry::emitEmbedding(KernelBuilder &b, const Rows &tokens,
                           WeightRef weight) {
  RankedTensorType type = weight.op.getTensorType();
  int64_t cols = type.getDimSize(1);
  Rows result = b.allocRows(cols, b.getF32Type(), tokens.count);
  b.parallel(tokens.count, [&](Value row) {
    Value token = arith::IndexCastOp::create(
        b, b.getIndexType(), b.loadScalar(tokens.buffer, {row}));
    Value tileRows = b.index(format::kTileRows);
    Value tile = arith::DivUIOp::create(b, token, tileRows);
    Value lane = arith::RemUIOp::create(b, token, tileRows);
    Type element = type.getElementType();
    format::DenseFormat format = *getDenseFormat(element);
    Value base =
        b.add(weight.offset,
              b.mul(tile, format::bytesOf(format, format::kTileRows, cols)));
    if (auto *blocks = format::blocksOf(format))
      return emitBlockRow(b, *blocks, base, lane, row, result);
    // [D1]
    Value matrix = b.view(b.weights, base, {cols, format::kTileRows}, element);
    b.forLoop(b.index(cols), 1, [&](Value column) {
      Value value = b.loadScalar(matrix, {column, lane});
      if (!element.isF32())
        value = arith::ExtFOp::create(b, b.getF32Type(), value);
      b.store(value, result.buffer, {row, column});
    });
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Normalisation, residual, gate
//===----------------------------------------------------------------------===//

/// Normalises the `size` numbers of a row from `begin` on.
static void emitNormPart(KernelBuilder &b, const Rows &input, Value gain,
                         double epsilon, const Rows &result, Value row,
                         Value begin, int64_t size) {
  auto wide = b.vec(kLanes, b.getF32Type());
  Value squares =
      forColumns(b, begin, size, {b.splat(wide, 0)},
                 [&](Value column, int64_t lanes,
                     ValueRange carried) -> SmallVector<Value> {
                   Value x = padLanes(b, b.load(b.vec(lanes, b.getF32Type()),
                                                input.buffer, {row, column}));
                   return {b.mulAdd(x, x, carried[0])};
                 })[0];
  Value mean = arith::DivFOp::create(b, b.reduceAdd(squares), b.f32(size));
  Value root = math::SqrtOp::create(
      b, Value(arith::AddFOp::create(b, mean, b.f32(epsilon))));
  Value inverse = arith::DivFOp::create(b, b.f32(1), root);
  forColumns(
      b, b.index(0), size, {}, [&](Value place, int64_t lanes, ValueRange) {
        auto type = b.vec(lanes, b.getF32Type());
        Value column = b.add(begin, place);
        Value x = b.load(type, input.buffer, {row, column});
        Value w = b.load(type, gain, {place});
        Value scaled = arith::MulFOp::create(b, x, b.broadcast(lanes, inverse));
        b.store(arith::MulFOp::create(b, scaled, w), result.buffer,
                {row, column});
        return SmallVector<Value>();
      });
}

Rows sherry::emitRmsNorm(KernelBuilder &b, const Rows &input, WeightRef weight,
                         double epsilon) {
  Rows result = b.allocRows(input.cols, b.getF32Type(), input.count);
  int64_t size = weight.op.getTensorType().getDimSize(0);
  Value gain = b.view(b.weights, weight.offset, {size}, b.getF32Type());
  if (size == input.cols)
    b.parallel(input.count, [&](Value row) {
      emitNormPart(b, input, gain, epsilon, result, row, b.index(0), size);
    });
  else
    b.parallelUnits(input.count, input.cols / size, [&](Value row, Value head) {
      emitNormPart(b, input, gain, epsilon, result, row, b.mul(head, size),
                   size);
    });
  return result;
}

Rows sherry::emitAddBias(KernelBuilder &b, const Rows &input,
                         WeightRef weight) {
  Rows result = b.allocRows(input.cols, b.getF32Type(), input.count);
  Value bias = b.view(b.weights, weight.offset, {input.cols}, b.getF32Type());
  b.parallel(input.count, [&](Value row) {
    forColumns(
        b, b.index(0), input.cols, {},
        [&](Value column, int64_t lanes, ValueRange) {
          auto type = b.vec(lanes, b.getF32Type());
          Value x = b.load(type, input.buffer, {row, column});
          Value y = b.load(type, bias, {column});
          b.store(arith::AddFOp::create(b, x, y), result.buffer, {row, column});
          return SmallVector<Value>();
        });
  });
  return result;
}

Rows sherry::emitAdd(KernelBuilder &b, const Rows &lhs, const Rows &rhs) {
  Rows result = b.allocRows(lhs.cols, b.getF32Type(), lhs.count);
  auto type = b.vec(kLanes, b.getF32Type());
  b.parallelVectors(result, kLanes, [&](Value row, Value column) {
    Value x = b.load(type, lhs.buffer, {row, column});
    Value y = b.load(type, rhs.buffer, {row, column});
    b.store(arith::AddFOp::create(b, x, y), result.buffer, {row, column});
  });
  return result;
}

Value sherry::swiglu(KernelBuilder &b, Value gate, Value up) {
  Value exponential =
      math::ExpOp::create(b, Value(arith::NegFOp::create(b, gate)));
  Value divisor =
      arith::AddFOp::create(b, exponential, b.splat(gate.getType(), 1));
  Value silu = arith::DivFOp::create(b, gate, divisor);
  return arith::MulFOp::create(b, silu, up);
}

Rows sherry::emitSwiGLU(KernelBuilder &b, const Rows &gate, const Rows &up) {
  Rows result = b.allocRows(gate.cols, b.getF32Type(), gate.count);
  auto type = b.vec(kLanes, b.getF32Type());
  b.parallelVectors(result, kLanes, [&](Value row, Value column) {
    Value x = b.load(type, gate.buffer, {row, column});
    Value y = b.load(type, up.buffer, {row, column});
    b.store(swiglu(b, x, y), result.buffer, {row, column});
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// Tokens whose values alternate in memory.
static int64_t tokensInBlock(const KernelBuilder &b) {
  return b.maxTokens == 1 || b.schedule.getMultiplyPanels() ? 1 : kTokenBlock;
}

Value QuantizedRows::inBlocks(KernelBuilder &b) const {
  auto type = cast<MemRefType>(values.buffer.getType());
  int64_t tokens = tokensInBlock(b);
  int64_t groups = type.getDimSize(1) / 4;
  SmallVector<int64_t> sizes{type.getDimSize(0) / tokens, groups, tokens, 4};
  SmallVector<int64_t> strides{groups * tokens * 4, tokens * 4, 4, 1};
  return memref::ReinterpretCastOp::create(
      b, MemRefType::get(sizes, b.getI8Type()), values.buffer, /*offset=*/0,
      sizes, strides);
}

SmallVector<Value> QuantizedRows::placeOf(KernelBuilder &b, Value row,
                                          Value group) {
  Value tokens = b.index(tokensInBlock(b));
  return {b.createOrFold<arith::DivUIOp>(row, tokens), group,
          b.createOrFold<arith::RemUIOp>(row, tokens), b.index(0)};
}

/// Stores the bytes of whole groups of a row, from the group of `column` on.
static void storeGroups(KernelBuilder &b, Value bytes, Value values, Value row,
                        Value column) {
  Value group = b.createOrFold<arith::DivUIOp>(column, b.index(4));
  int64_t count = cast<VectorType>(bytes.getType()).getDimSize(0);
  for (int64_t i = 0; i < count; i += 4)
    b.store(b.slice(bytes, i, 4), values,
            QuantizedRows::placeOf(b, row, b.add(group, i / 4)));
}

/// Quantizes `inputs` numbers, a multiple of 64, into strided groups, whose
/// members are a vector apart. Returns sums of the values, by lane.
static Value emitQuantizeStrided(KernelBuilder &b, const Rows &input,
                                 Value from, Value values, Value row,
                                 Value column, int64_t inputs, Value inverse) {
  static_assert(format::kGroupStride == kLanes);
  auto f32x16 = b.vec(kLanes, b.getF32Type());
  auto i32x16 = b.vec(kLanes, b.getI32Type());
  return b.repeat(
      inputs / format::kStridedInputs, {b.splatInt(i32x16, 0)},
      [&](Value i, ValueRange carried) -> SmallVector<Value> {
        Value done = b.mul(i, format::kStridedInputs);
        Value begin = b.add(from, done);
        Value sum = carried[0], dwords;
        for (int64_t member = 0; member < format::kGroupInputs; ++member) {
          Value x = b.load(f32x16, input.buffer,
                           {row, b.add(begin, member * kLanes)});
          Value number = b.roundToInt(
              arith::MulFOp::create(b, x, b.broadcast(kLanes, inverse)));
          sum = arith::AddIOp::create(b, number, sum);
          Value byte = arith::ShLIOp::create(
              b,
              Value(arith::AndIOp::create(b, number, b.splatInt(i32x16, 255))),
              b.splatInt(i32x16, 8 * member));
          dwords = dwords ? Value(arith::OrIOp::create(b, dwords, byte)) : byte;
        }
        storeGroups(
            b,
            vector::BitCastOp::create(
                b, b.vec(format::kStridedInputs, b.getI8Type()), dwords),
            values, row, b.add(column, done));
        return {sum};
      })[0];
}

void sherry::emitQuantizeBlock(KernelBuilder &b, const Rows &input, Value from,
                               const QuantizedRows &result, bool strided,
                               Value row, Value column, Value block,
                               int64_t inputs) {
  auto i32x16 = b.vec(kLanes, b.getI32Type());
  // Magnitudes are ordered like their bits, whose maximum is one instruction.
  Value magnitudes = forColumns(
      b, from, inputs, {b.splatInt(i32x16, 0)},
      [&](Value at, int64_t lanes, ValueRange carried) -> SmallVector<Value> {
        Value x = padLanes(
            b, b.load(b.vec(lanes, b.getF32Type()), input.buffer, {row, at}));
        Value bits = arith::BitcastOp::create(
            b, i32x16, Value(math::AbsFOp::create(b, x)));
        return {arith::MaxSIOp::create(b, bits, carried[0])};
      })[0];
  Value largest =
      arith::BitcastOp::create(b, b.getF32Type(), b.reduceMax(magnitudes));
  Value inverse = b.inverseOf(largest, 127);
  Value values = result.inBlocks(b);
  auto quantizeContiguous = [&] {
    return forColumns(
        b, b.index(0), inputs, {b.splatInt(i32x16, 0)},
        [&](Value at, int64_t lanes, ValueRange carried) -> SmallVector<Value> {
          auto type = b.vec(lanes, b.getF32Type());
          Value x = b.load(type, input.buffer, {row, b.add(from, at)});
          Value number = b.roundToInt(
              arith::MulFOp::create(b, x, b.broadcast(lanes, inverse)));
          Value bytes =
              arith::TruncIOp::create(b, b.vec(lanes, b.getI8Type()), number);
          storeGroups(b, bytes, values, row, b.add(column, at));
          return {arith::AddIOp::create(b, padLanes(b, number), carried[0])};
        })[0];
  };
  Value sums = strided ? emitQuantizeStrided(b, input, from, values, row,
                                             column, inputs, inverse)
                       : quantizeContiguous();
  // 22 binary digits.
  Value scale = arith::DivFOp::create(b, largest, b.f32(127));
  scale = arith::BitcastOp::create(
      b, b.getF32Type(),
      Value(arith::AndIOp::create(
          b, Value(arith::BitcastOp::create(b, b.getI32Type(), scale)),
          b.i32(~int64_t(3)))));
  b.store(scale, result.scales.buffer, {block, row});
  if (b.numerics.getFuseMulAdd())
    b.store(
        arith::MulFOp::create(b, scale, b.f32(-QuantizedRows::kFloatOffset)),
        result.scales.buffer, {b.add(block, result.scales.cols), row});
  Value start =
      b.i32(b.numerics.getFuseMulAdd() ? QuantizedRows::kFloatBits : 0);
  b.store(arith::SubIOp::create(b, start, b.reduceAdd(sums)),
          result.starts.buffer, {block, row});
}

QuantizedRows sherry::allocQuantized(KernelBuilder &b, Value count,
                                     int64_t cols, ArrayRef<int64_t> blocks) {
  auto entries = static_cast<int64_t>(blocks.size());
  auto allocBlocks = [&](int64_t rows, Type element) -> Rows {
    auto type = MemRefType::get({rows, b.maxTokens}, element);
    return {memref::AllocOp::create(b, type), count, entries};
  };
  MemRefType type = b.rowsType(cols, b.getI8Type());
  if (b.schedule.getMultiplyPanels() && b.maxTokens > 1) {
    // Whole cache lines, which are not in the same set of the cache.
    int64_t unit = 4 * MultiplyPanelOp::kUnit;
    int64_t stride = format::roundUp(cols + unit - 4, unit);
    if (stride % 2048 == 0)
      stride += unit;
    type = MemRefType::get({format::roundUp(b.maxTokens, kPanelRows), stride},
                           b.getI8Type());
  }
  return {{memref::AllocOp::create(b, type), count, cols},
          allocBlocks(b.numerics.getFuseMulAdd() ? 2 * entries : entries,
                      b.getF32Type()),
          allocBlocks(entries, b.getI32Type())};
}

QuantizedRows sherry::emitQuantize(KernelBuilder &b, const Rows &input,
                                   QuantizedAttr encoding,
                                   ArrayRef<format::CodeOrder> orders) {
  ArrayRef<int64_t> blocks = encoding.getBlocks();
  QuantizedRows result = allocQuantized(b, input.count, input.cols, blocks);
  if (b.maxTokens == 1)
    allocTables(b, result, orders);
  // Blocks repeat with a period: the chunks of a scale group. Whole periods
  // are a loop; what is left is written out.
  size_t period = 1;
  auto repeats = [&](size_t p) {
    for (size_t i = p; i + 1 < blocks.size(); ++i)
      if (blocks[i] != blocks[i - p])
        return false;
    return true;
  };
  while (period < blocks.size() && !repeats(period))
    ++period;
  int64_t span = 0;
  for (int64_t block : blocks.take_front(period))
    span += block;
  auto rounds = static_cast<int64_t>((blocks.size() - 1) / period);
  auto emitBlocks = [&](Value row, Value round, ArrayRef<int64_t> list) {
    int64_t offset = 0;
    for (auto [i, inputs] : llvm::enumerate(list)) {
      Value column = b.add(b.mul(round, span), offset);
      emitQuantizeBlock(b, input, column, result, encoding.isStrided(), row,
                        column, b.add(b.mul(round, period), i), inputs);
      // Here, because a step of their own would end at a barrier.
      emitTables(b, result, column, inputs / format::kGroupInputs);
      offset += inputs;
    }
  };
  ArrayRef<int64_t> rest = blocks.drop_front(rounds * period);
  if (rest == blocks.take_front(period)) {
    ++rounds;
    rest = {};
  }
  if (rest.empty()) {
    b.parallelUnits(input.count, rounds, [&](Value row, Value round) {
      emitBlocks(row, round, blocks.take_front(period));
    });
    return result;
  }
  b.parallel(input.count, [&](Value row) {
    b.repeat(rounds, {}, [&](Value round, ValueRange) {
      emitBlocks(row, round, blocks.take_front(period));
      return SmallVector<Value>();
    });
    emitBlocks(row, b.index(rounds), rest);
  });
  return result;
}
