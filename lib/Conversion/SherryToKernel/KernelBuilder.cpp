//===- KernelBuilder.cpp - Building blocks of kernels ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "sherry-abi/abi.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace sherry;

/// Most bytes of one buffer on the stack.
static constexpr int64_t kMaxLocalBytes = 1 << 13;

//===----------------------------------------------------------------------===//
// Scalars and vectors
//===----------------------------------------------------------------------===//

Value KernelBuilder::f32(double value) { return splat(getF32Type(), value); }

Value KernelBuilder::splat(Type type, double value) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  TypedAttr attr = FloatAttr::get(element, value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value KernelBuilder::splatInt(Type type, int64_t value) {
  TypedAttr attr = getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value KernelBuilder::broadcast(int64_t lanes, Value scalar) {
  return vector::BroadcastOp::create(*this, vec(lanes, scalar.getType()),
                                     scalar);
}

void KernelBuilder::store(Value value, Value memref, ValueRange at) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(*this, value, memref, at);
  else
    memref::StoreOp::create(*this, value, memref, at);
}

Value KernelBuilder::slice(Value vector, int64_t begin, int64_t count) {
  return createOrFold<vector::ExtractStridedSliceOp>(
      vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{count},
      ArrayRef<int64_t>{1});
}

Value KernelBuilder::mulAdd(Value a, Value b, Value c) {
  if (numerics.getFuseMulAdd())
    return math::FmaOp::create(*this, a, b, c);
  return arith::AddFOp::create(*this, arith::MulFOp::create(*this, a, b), c);
}

Value KernelBuilder::reduce(Value vector,
                            function_ref<Value(Value, Value)> combine) {
  int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0);
  if (lanes == 1)
    return vector::ExtractOp::create(*this, vector, ArrayRef<int64_t>{0});
  int64_t half = lanes / 2;
  Value sum = reduce(combine(slice(vector, 0, half), slice(vector, half, half)),
                     combine);
  if (lanes % 2 == 0)
    return sum;
  Value last =
      vector::ExtractOp::create(*this, vector, ArrayRef<int64_t>{lanes - 1});
  return combine(sum, last);
}

Value KernelBuilder::reduceAdd(Value vector) {
  return reduce(vector, [&](Value a, Value b) -> Value {
    if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
      return arith::AddFOp::create(*this, a, b);
    return arith::AddIOp::create(*this, a, b);
  });
}

Value KernelBuilder::reduceMax(Value vector) {
  return reduce(vector, [&](Value a, Value b) -> Value {
    if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
      return arith::MaxNumFOp::create(*this, a, b);
    return arith::MaxSIOp::create(*this, a, b);
  });
}

Value KernelBuilder::roundToInt(Value vector) {
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the sum,
  // without a call.
  constexpr double kMagic = 12582912.0;
  constexpr int64_t kMagicBits = 0x4B400000;
  auto type = cast<VectorType>(vector.getType());
  VectorType integers = type.clone(getI32Type());
  Value shifted = arith::AddFOp::create(*this, vector, splat(type, kMagic));
  return arith::SubIOp::create(
      *this, Value(arith::BitcastOp::create(*this, integers, shifted)),
      splatInt(integers, kMagicBits));
}

Value KernelBuilder::inverseOf(Value largest, double limit) {
  Value isZero =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::OEQ, largest, f32(0));
  return arith::SelectOp::create(
      *this, isZero, f32(0),
      Value(arith::DivFOp::create(*this, f32(limit), largest)));
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

MemRefType KernelBuilder::rowsType(int64_t cols, Type element) const {
  return MemRefType::get(
      {maxTokens, format::rowStride(cols, element.getIntOrFloatBitWidth() / 8)},
      element);
}

Rows KernelBuilder::allocRows(int64_t cols, Type element, Value count) {
  return {memref::AllocOp::create(*this, rowsType(cols, element)), count, cols};
}

static int64_t bytesOf(MemRefType type) {
  return format::roundUp(type.getNumElements() * type.getElementTypeBitWidth() /
                             8,
                         SHERRY_ABI_BUFFER_ALIGNMENT);
}

Value KernelBuilder::allocLocal(MemRefType type) {
  if (bytesOf(type) > kMaxLocalBytes)
    llvm::report_fatal_error("a local buffer is too large for a small stack");
  for (Local &local : locals)
    if (local.isFree && local.memory.getType() == type) {
      local.isFree = false;
      return local.memory;
    }
  // In the entry block: a stack slot inside a loop would be a new one each
  // time round.
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&function.getBody().front());
  locals.push_back(
      {memref::AllocaOp::create(*this, type,
                                getI64IntegerAttr(SHERRY_ABI_BUFFER_ALIGNMENT)),
       /*isFree=*/false});
  return locals.back().memory;
}

void KernelBuilder::releaseLocals() {
  for (Local &local : locals)
    local.isFree = true;
}

/// Threads have a place each. If there are fewer iterations than threads,
/// iterations have: so the number of places is known.
Value KernelBuilder::allocScratch(MemRefType type) {
  if (!loop.op || loop.mostIterations <= 0)
    llvm::report_fatal_error("scratch memory outside a loop of known length");
  OpBuilder::InsertionGuard guard(*this);
  if (!scratch) {
    setInsertionPointToStart(&function.getBody().front());
    scratch = memref::AllocOp::create(*this, MemRefType::get({0}, getI8Type()));
  }
  setInsertionPointToStart(loop.op.getBody());
  Value end = loop.op.getUpperBound().front();
  Value isThreads =
      arith::CmpIOp::create(*this, arith::CmpIPredicate::ule,
                            Value(NumThreadsOp::create(*this, team)), end);
  Value place =
      arith::SelectOp::create(*this, isThreads, ThreadOp::create(*this, team),
                              loop.op.getInductionVars().front());
  int64_t size = bytesOf(type), begin = loop.scratchBytes;
  loop.scratchBytes += loop.mostIterations * size;
  if (loop.scratchBytes > scratch.getType().getNumElements())
    scratch.getResult().setType(
        MemRefType::get({loop.scratchBytes}, getI8Type()));
  return view(scratch, add(mul(place, size), begin), type.getShape(),
              type.getElementType());
}

Value KernelBuilder::constantMemory(StringRef name, DenseElementsAttr values) {
  auto type = MemRefType::get(values.getType().getShape(),
                              values.getType().getElementType());
  memref::GlobalOp global;
  {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPoint(function);
    global = memref::GlobalOp::create(
        *this, (function.getName() + "_" + name).str(),
        /*sym_visibility=*/getStringAttr("private"), type, values,
        /*constant=*/true, getI64IntegerAttr(SHERRY_ABI_BUFFER_ALIGNMENT));
    SymbolTable(function->getParentOp()).insert(global);
  }
  return memref::GetGlobalOp::create(*this, type, global.getName());
}

Value KernelBuilder::view(Value bytes, Value offset, ArrayRef<int64_t> shape,
                          Type element) {
  return memref::ViewOp::create(*this, MemRefType::get(shape, element), bytes,
                                offset, ValueRange());
}

/// Prefetches the lines of [offset, offset + size). Those behind the section do
/// no harm.
static void prefetchLines(KernelBuilder &b, Value offset, int64_t size,
                          unsigned locality) {
  for (int64_t line = 0; line < size; line += 64)
    memref::PrefetchOp::create(b, b.weights, b.add(offset, line),
                               /*isWrite=*/false, locality,
                               /*isDataCache=*/true);
}

void KernelBuilder::prefetchWeights(Value offset, int64_t size) {
  if (schedule.getPrefetchL2() != 0)
    prefetchLines(*this, add(offset, schedule.getPrefetchL2()), size,
                  /*locality=*/2);
  if (schedule.getPrefetch() != 0)
    prefetchLines(*this, add(offset, schedule.getPrefetch()), size,
                  /*locality=*/3);
}

void KernelBuilder::prefetchWeightsFar(Value offset, int64_t size,
                                       Value distance) {
  if (schedule.getPrefetch() != 0)
    prefetchLines(*this, add(offset, distance), size, /*locality=*/2);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> KernelBuilder::forLoop(Value end, int64_t step,
                                          ValueRange init, LoopBody body) {
  auto loop = scf::ForOp::create(*this, index(0), end, index(step), init);
  OpBuilder::InsertionGuard guard(*this);
  if (init.empty()) {
    setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return {};
  }
  setInsertionPointToEnd(loop.getBody());
  scf::YieldOp::create(*this,
                       body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::forLoop(Value end, int64_t step,
                            function_ref<void(Value)> body) {
  forLoop(end, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelBuilder::repeat(int64_t rounds, ValueRange init,
                                         LoopBody body) {
  if (rounds == 0)
    return SmallVector<Value>(init);
  if (rounds == 1)
    return body(index(0), init);
  return forLoop(index(rounds), 1, init, body);
}

void KernelBuilder::forColumns(int64_t columns, int64_t mostLanes,
                               function_ref<void(Value, int64_t)> body) {
  constexpr int64_t kLanes = 64;
  if (columns <= mostLanes)
    return body(index(0), columns);
  int64_t rest = columns % kLanes;
  forLoop(index(columns - rest), kLanes,
          [&](Value column) { body(column, kLanes); });
  if (rest > 0)
    body(index(columns - rest), rest);
}

void KernelBuilder::forRange(Value begin, Value end, int64_t step,
                             function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, index(step));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVar());
}

void KernelBuilder::parallel(Value end, int64_t most,
                             function_ref<void(Value)> body,
                             Division division) {
  auto op = scf::ParallelOp::create(*this, ValueRange{index(0)},
                                    ValueRange{end}, ValueRange{index(1)});
  if (step)
    SherryDialect::StepAttrHelper(getContext()).setAttr(op, step);
  if (division == Division::OnDemand)
    SherryDialect::OnDemandAttrHelper(getContext()).setAttr(op, getUnitAttr());
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(op.getBody()->getTerminator());
  loop = {op, most};
  body(op.getInductionVars().front());
  loop = {};
}

void KernelBuilder::parallel(Value end, function_ref<void(Value)> body,
                             Division division) {
  parallel(end, getConstantIntValue(end).value_or(maxTokens), body, division);
}

void KernelBuilder::parallelRanges(int64_t size,
                                   function_ref<void(Value, Value)> body) {
  Value threads = NumThreadsOp::create(*this, team);
  auto forThread = [&](Value thread) {
    auto bound = [&](Value number) -> Value {
      return arith::DivUIOp::create(*this, mul(number, size), threads);
    };
    Value begin = bound(thread);
    body(begin, bound(add(thread, 1)));
  };
  // The number of threads has no limit, so there is no scratch memory.
  parallel(threads, /*most=*/0, forThread, Division::Equal);
}

void KernelBuilder::parallelUnits(Value count, int64_t units,
                                  function_ref<void(Value, Value)> body,
                                  Division division) {
  if (maxTokens == 1) {
    // One row or none; none only if no logits are wanted.
    parallel(
        createOrFold<arith::MulIOp>(count, index(units)), units,
        [&](Value unit) { body(index(0), unit); }, division);
    return;
  }
  parallel(
      count,
      [&](Value row) {
        forLoop(index(units), 1, [&](Value unit) { body(row, unit); });
      },
      division);
}

void KernelBuilder::parallelVectors(const Rows &rows, int64_t lanes,
                                    function_ref<void(Value, Value)> body) {
  parallelUnits(rows.count, format::ceilDiv(rows.cols, lanes),
                [&](Value row, Value unit) { body(row, mul(unit, lanes)); });
}
