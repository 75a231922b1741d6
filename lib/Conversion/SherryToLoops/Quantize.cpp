//===- Quantize.cpp - Quantization of activations -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Quantize.h"
#include "Elementwise.h"
#include "Lowering.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sherry;

/// Number of tokens whose values alternate in memory, for products with panels.
static int64_t tokensInBlock(const LoopBuilder &b, QuantizedAttr encoding) {
  if (b.getMaxTokens() == 1 || b.getSchedule().getMultiplyPanels() ||
      (encoding.isForBlocks() && areBlocksShared(b)))
    return 1;
  return kTokenBlock;
}

bool sherry::areBlocksShared(const LoopBuilder &b) {
  int64_t sumTokens = b.getSchedule().getSumTokens();
  // A token has a sum for the block and a total.
  return b.getMaxTokens() > 1 && sumTokens < kTokenBlock &&
         2 * b.getMaxTokens() > sumTokens;
}

QuantizedRows::QuantizedRows(ValueRange parts, Value tensor)
    : encoding(getQuantized(tensor.getType())),
      values(parts.front(), parts.back(), Rows::columnsOf(tensor.getType())),
      scales(parts[1]), negatedSums(parts[2]) {
  if (encoding.getTables())
    tables = parts[3];
}

SmallVector<Value> QuantizedRows::getValues() const {
  SmallVector<Value> parts{values.buffer, scales, negatedSums};
  if (tables)
    parts.push_back(tables);
  parts.push_back(values.count);
  return parts;
}

SmallVector<Type> QuantizedRows::getTypes(const LoopsConfig &config,
                                          int64_t maxTokens,
                                          RankedTensorType tensor) {
  Builder b(tensor.getContext());
  QuantizedAttr encoding = getQuantized(tensor);
  int64_t cols = tensor.getDimSize(1), tokens = getBufferRows(maxTokens);
  int64_t stride = format::rowStride(cols, 1), rows = tokens;
  if (config.getSchedule().getMultiplyPanels() && maxTokens > 1 &&
      !encoding.getTables()) {
    // Rows are whole cache lines, and not all in the same set of the cache.
    int64_t unit = 4 * MultiplyPanelOp::kUnit;
    stride = format::roundUp(cols + unit - 4, unit);
    if (stride % 2048 == 0)
      stride += unit;
    rows = format::roundUp(tokens, kPanelTokens);
  }
  auto blocks = static_cast<int64_t>(encoding.getBlocks().size());
  int64_t entries = config.getNumerics().getFuseMulAdd() ? 2 * blocks : blocks;
  SmallVector<Type> types{MemRefType::get({rows, stride}, b.getI8Type()),
                          MemRefType::get({entries, tokens}, b.getF32Type()),
                          MemRefType::get({blocks, tokens}, b.getI32Type())};
  int64_t withTables =
      format::roundUp(maxTokens, getTableTokens(config, maxTokens));
  int64_t groups = 0; // for all tokens
  for (int64_t block : encoding.getBlocks())
    groups += withTables * groupsOf(encoding, block);
  if (encoding.getTables() == CodeOrder::Words)
    types.push_back(MemRefType::get({groups, 32}, b.getI16Type()));
  else if (encoding.getTables() == CodeOrder::Nibbles)
    types.push_back(MemRefType::get({groups * groupTables(encoding), 2, 16},
                                    b.getI8Type()));
  types.push_back(b.getIndexType());
  return types;
}

QuantizedRows QuantizedRows::alloc(LoopBuilder &b, RankedTensorType tensor,
                                   Value count, bool isPerThread) {
  SmallVector<Type> types = getTypes(b.getConfig(), b.getMaxTokens(), tensor);
  auto make = [&](size_t i, bool isPerThread) -> Value {
    auto type = cast<MemRefType>(types[i]);
    if (isPerThread)
      return b.allocScratch(type);
    return memref::AllocOp::create(b, type);
  };
  QuantizedRows result;
  result.encoding = getQuantized(tensor);
  result.values = {make(0, isPerThread), count, Rows::columnsOf(tensor)};
  result.scales = make(1, isPerThread);
  result.negatedSums = make(2, isPerThread);
  if (result.encoding.getTables())
    result.tables = make(3, isPerThread || areTokensFew(b));
  return result;
}

bool sherry::areTokensFew(const LoopBuilder &b) {
  return b.getMaxTokens() <= b.getSchedule().getLookupTokens();
}

int64_t sherry::getTableTokens(const LoopsConfig &config, int64_t maxTokens) {
  return std::min(maxTokens, config.getSchedule().getLookupTokens());
}

Value QuantizedRows::tableOf(LoopBuilder &b, Value row, Value first,
                             int64_t groups) const {
  int64_t tokens = getTableTokens(b.getConfig(), b.getMaxTokens());
  int64_t all = cast<MemRefType>(tables.getType()).getDimSize(0) /
                format::ceilDiv(b.getMaxTokens(), tokens);
  int64_t ofGroup = groupTables(encoding);
  return b.add(b.mul(b.div(row, tokens), all),
               b.add(b.mul(first, ofGroup * tokens),
                     b.mul(b.rem(row, tokens), ofGroup * groups)));
}

Value QuantizedRows::inBlocks(LoopBuilder &b) const {
  auto type = cast<MemRefType>(values.buffer.getType());
  int64_t tokens = tokensInBlock(b, encoding);
  int64_t groups = type.getDimSize(1) / 4;
  SmallVector<int64_t> sizes{type.getDimSize(0) / tokens, groups, tokens, 4};
  SmallVector<int64_t> strides{groups * tokens * 4, tokens * 4, 4, 1};
  return memref::ReinterpretCastOp::create(
      b, MemRefType::get(sizes, b.getI8Type()), values.buffer, /*offset=*/0,
      sizes, strides);
}

SmallVector<Value> QuantizedRows::placeOf(LoopBuilder &b, Value row,
                                          Value group) const {
  int64_t tokens = tokensInBlock(b, encoding);
  return {b.div(row, tokens), group, b.rem(row, tokens), b.index(0)};
}

Value QuantizedRows::loadFour(LoopBuilder &b, Value blocks, Value row,
                              Value group) const {
  return b.load(b.vec(format::kDotInputs, b.getI8Type()), blocks,
                placeOf(b, row, group));
}

void sherry::storeGroups(LoopBuilder &b, Value bytes,
                         const QuantizedRows &result, Value row, Value column) {
  if (tokensInBlock(b, result.encoding) == 1 || result.tables)
    return b.store(bytes, result.values.buffer, {row, column});
  Value values = result.inBlocks(b);
  Value group = b.div(column, format::kDotInputs);
  int64_t count = cast<VectorType>(bytes.getType()).getDimSize(0);
  for (int64_t i = 0; i < count; i += 4)
    b.store(b.slice(bytes, i, 4), values,
            result.placeOf(b, row, b.add(group, i / 4)));
}

Value sherry::loadGroups(LoopBuilder &b, const QuantizedRows &rows, Value row,
                         Value column, int64_t count) {
  auto type = b.vec(count, b.getI8Type());
  if (tokensInBlock(b, rows.encoding) == 1 || rows.tables)
    return b.load(type, rows.values.buffer, {row, column});
  Value values = rows.inBlocks(b);
  Value group = b.div(column, format::kDotInputs);
  Value bytes = b.splatInt(type, 0);
  for (int64_t i = 0; i < count; i += 4)
    bytes = vector::InsertStridedSliceOp::create(
        b, rows.loadFour(b, values, row, b.add(group, i / 4)), bytes,
        ArrayRef<int64_t>{i}, ArrayRef<int64_t>{1});
  return bytes;
}

/// Quantizes `inputs` numbers, a multiple of 64, into strided groups, whose
/// members are a vector apart. Returns sums of the rounded bits, by lane.
static Value emitQuantizeStrided(LoopBuilder &b, const Rows &input, Value from,
                                 Value inputRow, const QuantizedRows &result,
                                 Value row, Value column, int64_t inputs,
                                 Value inverse) {
  static_assert(format::kGroupStride == kLanes);
  auto f32x16 = b.vec(kLanes, b.getF32Type());
  auto i32x16 = b.vec(kLanes, b.getI32Type());
  return b.repeat(
      inputs / format::kStridedInputs, {b.splatInt(i32x16, 0)},
      [&](Value i, ValueRange carried) -> SmallVector<Value> {
        Value done = b.mul(i, format::kStridedInputs);
        Value begin = b.add(from, done);
        Value sum = carried[0], dwords;
        for (int64_t member = 0; member < format::kDotInputs; ++member) {
          Value x = b.load(f32x16, input.buffer,
                           {inputRow, b.add(begin, member * kLanes)});
          Value bits = b.roundToBits(
              arith::MulFOp::create(b, x, b.broadcast(kLanes, inverse)));
          sum = arith::AddIOp::create(b, bits, sum);
          Value byte = arith::ShLIOp::create(
              b, Value(arith::AndIOp::create(b, bits, b.splatInt(i32x16, 255))),
              b.splatInt(i32x16, 8 * member));
          dwords = dwords ? Value(arith::OrIOp::create(b, dwords, byte)) : byte;
        }
        storeGroups(
            b,
            vector::BitCastOp::create(
                b, b.vec(format::kStridedInputs, b.getI8Type()), dwords),
            result, row, b.add(column, done));
        return {sum};
      })[0];
}

/// Loads the bits of magnitudes: they have the same order as the magnitudes,
/// and their maximum is one instruction.
static Value loadMagnitudes(LoopBuilder &b, const Rows &input, Value row,
                            Value column, int64_t count) {
  Value numbers =
      b.load(b.vec(count, b.getF32Type()), input.buffer, {row, column});
  return arith::BitcastOp::create(b, b.vec(count, b.getI32Type()),
                                  Value(math::AbsFOp::create(b, numbers)));
}

static Value findLargest(LoopBuilder &b, Value magnitudes) {
  return arith::BitcastOp::create(b, b.getF32Type(), b.reduceMax(magnitudes));
}

/// The largest magnitude of a row, at least 1e-5; NaN if the row has a NaN.
static Value findLargestOfRow(LoopBuilder &b, const Rows &input, Value row) {
  Value magnitudes = forColumns(
      b, b.index(0), input.cols, {b.splatInt(b.vec(kLanes, b.getI32Type()), 0)},
      [&](Value column, int64_t lanes,
          ValueRange carried) -> SmallVector<Value> {
        Value next = padLanes(b, loadMagnitudes(b, input, row, column, lanes));
        return {arith::MaxSIOp::create(b, carried[0], next)};
      })[0];
  Value largest = findLargest(b, magnitudes), least = b.f32(1e-5);
  Value isLess =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, largest, least);
  return arith::SelectOp::create(b, isLess, least, largest);
}

void sherry::storeScaleAndSum(LoopBuilder &b, const QuantizedRows &result,
                              Value row, Value block, Value scale, Value sums,
                              int64_t surplus) {
  b.store(scale, result.scales, {block, row});
  if (b.getNumerics().getFuseMulAdd())
    b.store(
        arith::MulFOp::create(b, scale, b.f32(-QuantizedRows::kFloatOffset)),
        result.scales, {b.add(block, result.blocks()), row});
  int64_t bias = result.encoding.getBias();
  int64_t start =
      (b.getNumerics().getFuseMulAdd() ? kFloatBits : 0) + bias * surplus;
  Value sum = arith::MulIOp::create(b, b.reduceAdd(sums), b.i32(bias));
  // Sums wrap around; the difference is right.
  b.store(
      arith::SubIOp::create(
          b, b.i32(static_cast<int32_t>(static_cast<uint32_t>(start))), sum),
      result.negatedSums, {block, row});
}

void sherry::emitQuantizeBlock(LoopBuilder &b, const Rows &input, Value from,
                               const QuantizedRows &result, Value row,
                               Value column, Value block, int64_t inputs,
                               Value largest, Value inputRow) {
  inputRow = inputRow ? inputRow : row;
  auto i32x16 = b.vec(kLanes, b.getI32Type());
  if (!largest)
    largest = findLargest(b, loadMagnitudes(b, input, inputRow, from, inputs));
  Value inverse = b.inverseOf(largest, 127);
  auto quantizeContiguous = [&] {
    return forColumns(
        b, b.index(0), inputs, {b.splatInt(i32x16, 0)},
        [&](Value at, int64_t lanes, ValueRange carried) -> SmallVector<Value> {
          auto type = b.vec(lanes, b.getF32Type());
          Value x = b.load(type, input.buffer, {inputRow, b.add(from, at)});
          Value bits = b.roundToBits(
              arith::MulFOp::create(b, x, b.broadcast(lanes, inverse)));
          Value bytes =
              arith::TruncIOp::create(b, b.vec(lanes, b.getI8Type()), bits);
          storeGroups(b, bytes, result, row, b.add(column, at));
          return {arith::AddIOp::create(b, padLanes(b, bits), carried[0])};
        })[0];
  };
  Value sums = result.encoding.isStrided()
                   ? emitQuantizeStrided(b, input, from, inputRow, result, row,
                                         column, inputs, inverse)
                   : quantizeContiguous();
  // Cut to 22 binary digits.
  Value scale = arith::DivFOp::create(b, largest, b.f32(127));
  scale = arith::BitcastOp::create(
      b, b.getF32Type(),
      Value(arith::AndIOp::create(
          b, Value(arith::BitcastOp::create(b, b.getI32Type(), scale)),
          b.i32(~int64_t(3)))));
  storeScaleAndSum(b, result, row, block, scale, sums,
                   /*surplus=*/inputs * LoopBuilder::kRoundedBits);
}

void sherry::emitQuantizeBlocks(LoopBuilder &b, const QuantizedRows &result,
                                Value row, Value number,
                                ArrayRef<int64_t> round,
                                ArrayRef<int64_t> blocks, BlockSource source) {
  emitBlocks(b, result, row, number, round, blocks,
             [&](Value row, Value column, Value block, int64_t inputs) {
               RowPart part = source(row, column, inputs);
               emitQuantizeBlock(b, part.rows, part.column, result, row, column,
                                 block, inputs, /*largest=*/{}, part.row);
             });
}

void sherry::emitQuantizeUnit(LoopBuilder &b, const Rows &unit, Value inputRow,
                              const QuantizedRows &result, Value row,
                              Value number) {
  int64_t block = result.encoding.getBlocks().front();
  int64_t count = unit.cols / block;
  b.forLoop(b.index(count), 1, [&](Value i) {
    emitBlocks(b, result, row, b.add(b.mul(number, count), i), block, block,
               [&](Value row, Value column, Value at, int64_t inputs) {
                 emitQuantizeBlock(b, unit, b.mul(i, block), result, row,
                                   column, at, inputs, /*largest=*/{},
                                   inputRow);
               });
  });
}

QuantizedRows sherry::emitQuantize(LoopBuilder &b, RankedTensorType type,
                                   Value count, BlockSource source,
                                   function_ref<Value(Value)> largestOfRow) {
  QuantizedRows result = QuantizedRows::alloc(b, type, count);
  Value largest;
  auto findLargest = [&](Value row) { largest = largestOfRow(row); };
  forBlocks(
      b, result,
      [&](Value row, Value column, Value block, int64_t inputs) {
        RowPart part = source(row, column, inputs);
        emitQuantizeBlock(b, part.rows, part.column, result, row, column, block,
                          inputs, largest, part.row);
      },
      largestOfRow ? function_ref<void(Value)>(findLargest) : nullptr);
  return result;
}

namespace {
struct QuantizePattern : GraphOpPattern<QuantizeActivationsOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, QuantizeActivationsOp op,
                          Adaptor adaptor) const override {
    Rows input(adaptor.getInput(), op.getInput());
    auto largestOfRow = [&](Value row) {
      return findLargestOfRow(b, input, row);
    };
    return emitQuantize(
               b, op.getType(), input.count,
               [&](Value row, Value column, int64_t) {
                 return RowPart{input, row, column};
               },
               op.getEncoding().getPerToken()
                   ? function_ref<Value(Value)>(largestOfRow)
                   : nullptr)
        .getValues();
  }
};
} // namespace

void sherry::populateQuantizePatterns(const ActivationTypeConverter &types,
                                      RewritePatternSet &patterns) {
  patterns.add<QuantizePattern>(types);
}
