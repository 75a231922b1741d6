//===- LoopBuilder.cpp - Building blocks of loops -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopBuilder.h"
#include "sherry-abi/abi.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IntegerSet.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace sherry;

int64_t sherry::getMaxTokens(Operation *op) {
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function)
    function = op->getParentOfType<func::FuncOp>();
  auto tokens =
      SherryDialect::MaxTokensAttrHelper(op->getContext()).getAttr(function);
  return tokens ? tokens.getInt() : 0;
}

MemRefType sherry::getRowsType(int64_t maxTokens, RankedTensorType tensor) {
  Type element = tensor.getElementType();
  int64_t rows = getBufferRows(maxTokens);
  if (tensor.getRank() == 1)
    return MemRefType::get({rows}, element);
  int64_t stride = format::rowStride(tensor.getDimSize(1),
                                     element.getIntOrFloatBitWidth() / 8);
  return MemRefType::get({rows, stride}, element);
}

/// Describes a step by the graph op and the weight that it reads.
static DictionaryAttr describeStep(Operation *op) {
  Builder b(op->getContext());
  SmallVector<NamedAttribute> entries{
      b.getNamedAttr("op", b.getStringAttr(op->getName().stripDialect()))};
  if (auto weight = op->getAttrOfType<FlatSymbolRefAttr>("weight"))
    entries.push_back(b.getNamedAttr("weight", weight));
  return b.getDictionaryAttr(entries);
}

LoopBuilder::LoopBuilder(Operation *op, OpBuilder &rewriter,
                         const LoopsConfig &config)
    : ImplicitLocOpBuilder(op->getLoc(), rewriter), config(config),
      maxTokens(sherry::getMaxTokens(op)), step(describeStep(op)) {
  setInsertionPoint(op);
}

func::FuncOp LoopBuilder::getFunction() const {
  return getInsertionBlock()->getParent()->getParentOfType<func::FuncOp>();
}

Value LoopBuilder::getWeights() const { return getFunction().getArgument(0); }

Value LoopBuilder::getWorkspace() const {
  return *llvm::find_if(getFunction().getArguments(), [](Value argument) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    return type && !type.hasStaticShape();
  });
}

Value LoopBuilder::getTeam() const {
  return getFunction().getArguments().back();
}

//===----------------------------------------------------------------------===//
// Scalars and vectors
//===----------------------------------------------------------------------===//

Value LoopBuilder::splat(Type type, double value) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  TypedAttr attr = FloatAttr::get(element, value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

Value LoopBuilder::splatInt(Type type, int64_t value) {
  TypedAttr attr = getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(*this, attr);
}

static bool areAffine(ValueRange values) {
  return llvm::all_of(values,
                      [](Value value) { return affine::isValidDim(value); });
}

Value LoopBuilder::apply(AffineMap map, ArrayRef<Value> operands) {
  if (!areAffine(operands))
    return affine::expandAffineMap(*this, getLoc(), map, operands)->front();
  SmallVector<OpFoldResult> folded(operands.begin(), operands.end());
  return getValueOrCreateConstantIndexOp(
      *this, getLoc(),
      affine::makeComposedFoldedAffineApply(*this, getLoc(), map, folded));
}

Value LoopBuilder::add(Value x, Value y) {
  if (!areAffine({x, y}))
    return createOrFold<arith::AddIOp>(x, y);
  return apply(AffineMap::get(2, 0, getAffineDimExpr(0) + getAffineDimExpr(1)),
               {x, y});
}

Value LoopBuilder::sub(Value x, Value y) {
  if (!areAffine({x, y}))
    return createOrFold<arith::SubIOp>(x, y);
  return apply(AffineMap::get(2, 0, getAffineDimExpr(0) - getAffineDimExpr(1)),
               {x, y});
}

Value LoopBuilder::mul(Value x, int64_t y) {
  if (!areAffine(x))
    return createOrFold<arith::MulIOp>(x, index(y));
  return apply(AffineMap::get(1, 0, getAffineDimExpr(0) * y), x);
}

Value LoopBuilder::div(Value x, int64_t y) {
  if (!areAffine(x))
    return createOrFold<arith::DivUIOp>(x, index(y));
  return apply(AffineMap::get(1, 0, getAffineDimExpr(0).floorDiv(y)), x);
}

Value LoopBuilder::rem(Value x, int64_t y) {
  if (!areAffine(x))
    return createOrFold<arith::RemUIOp>(x, index(y));
  return apply(AffineMap::get(1, 0, getAffineDimExpr(0) % y), x);
}

Value LoopBuilder::load(VectorType type, Value memref, ValueRange at) {
  if (areAffine(at))
    return affine::AffineVectorLoadOp::create(*this, type, memref, at);
  return vector::LoadOp::create(*this, type, memref, at);
}

Value LoopBuilder::loadScalar(Value memref, ValueRange at) {
  if (areAffine(at))
    return affine::AffineLoadOp::create(*this, memref, at);
  return memref::LoadOp::create(*this, memref, at);
}

Value LoopBuilder::broadcast(int64_t lanes, Value scalar) {
  return vector::BroadcastOp::create(*this, vec(lanes, scalar.getType()),
                                     scalar);
}

void LoopBuilder::store(Value value, Value memref, ValueRange at) {
  bool isVector = isa<VectorType>(value.getType());
  if (areAffine(at) && isVector)
    affine::AffineVectorStoreOp::create(*this, value, memref, at);
  else if (areAffine(at))
    affine::AffineStoreOp::create(*this, value, memref, at);
  else if (isVector)
    vector::StoreOp::create(*this, value, memref, at);
  else
    memref::StoreOp::create(*this, value, memref, at);
}

Value LoopBuilder::slice(Value vector, int64_t begin, int64_t count) {
  return createOrFold<vector::ExtractStridedSliceOp>(
      vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{count},
      ArrayRef<int64_t>{1});
}

Value LoopBuilder::mulAdd(Value a, Value b, Value c) {
  if (getNumerics().getFuseMulAdd())
    return math::FmaOp::create(*this, a, b, c);
  return arith::AddFOp::create(*this, arith::MulFOp::create(*this, a, b), c);
}

Value LoopBuilder::roundToBits(Value vector) {
  // Adding 1.5 * 2^23, whose bits are kRoundedBits, leaves the nearest integer
  // in the low bits of the sum, without a call.
  auto type = cast<VectorType>(vector.getType());
  Value shifted = arith::AddFOp::create(*this, vector, splat(type, 12582912.0));
  return arith::BitcastOp::create(*this, type.clone(getI32Type()), shifted);
}

Value LoopBuilder::roundToInt(Value vector) {
  Value bits = roundToBits(vector);
  return arith::SubIOp::create(
      *this, bits, splatInt(cast<VectorType>(bits.getType()), kRoundedBits));
}

Value LoopBuilder::inverseOf(Value largest, double limit) {
  Value isZero =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::OEQ, largest, f32(0));
  return arith::SelectOp::create(
      *this, isZero, f32(0),
      Value(arith::DivFOp::create(*this, f32(limit), largest)));
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Rows LoopBuilder::allocRows(int64_t cols, Type element, Value count) {
  auto tensor = RankedTensorType::get({ShapedType::kDynamic, cols}, element);
  MemRefType type = getRowsType(maxTokens, tensor);
  return {memref::AllocOp::create(*this, type), count, cols};
}

template <typename AllocOp> Value LoopBuilder::allocInLoop(MemRefType type) {
  assert(loop && "the memory of an iteration, outside a parallel loop");
  OpBuilder::InsertionGuard guard(*this);
  if (lastAlloc)
    setInsertionPointAfter(lastAlloc);
  else
    setInsertionPointToStart(loop);
  auto alloc = AllocOp::create(*this, type);
  lastAlloc = alloc;
  return alloc;
}

Value LoopBuilder::allocLocal(MemRefType type) {
  return allocInLoop<memref::AllocaOp>(type);
}

Value LoopBuilder::allocScratch(MemRefType type) {
  if (loop)
    return allocInLoop<memref::AllocOp>(type);
  auto alloc = memref::AllocOp::create(*this, type);
  SherryDialect::PerThreadAttrHelper(getContext())
      .setAttr(alloc, getUnitAttr());
  return alloc;
}

Value LoopBuilder::constantMemory(StringRef name, DenseElementsAttr values) {
  auto type = MemRefType::get(values.getType().getShape(),
                              values.getType().getElementType());
  func::FuncOp function = getFunction();
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

Value LoopBuilder::view(Value bytes, Value offset, ArrayRef<int64_t> shape,
                        Type element) {
  return memref::ViewOp::create(*this, MemRefType::get(shape, element), bytes,
                                offset, ValueRange());
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Fills the body of a loop.
template <typename Loop, typename YieldOp>
static SmallVector<Value> fill(LoopBuilder &b, Loop loop,
                               LoopBuilder::LoopBody body) {
  OpBuilder::InsertionGuard guard(b);
  if (loop.getNumResults() == 0) {
    b.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return {};
  }
  b.setInsertionPointToEnd(loop.getBody());
  YieldOp::create(b, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

/// `for (i = begin; i < end; i += step)`.
static SmallVector<Value> emitFor(LoopBuilder &b, Value begin, Value end,
                                  int64_t step, ValueRange init,
                                  LoopBuilder::LoopBody body) {
  if (!areAffine({begin, end}))
    return fill<scf::ForOp, scf::YieldOp>(
        b, scf::ForOp::create(b, begin, end, b.index(step), init), body);
  AffineMap same = b.getDimIdentityMap();
  AffineMap lower = same, upper = same;
  SmallVector<Value> lowerOperands{begin}, upperOperands{end};
  for (auto [map, operands] :
       {std::pair(&lower, &lowerOperands), std::pair(&upper, &upperOperands)}) {
    affine::fullyComposeAffineMapAndOperands(map, operands);
    affine::canonicalizeMapAndOperands(map, operands);
  }
  return fill<affine::AffineForOp, affine::AffineYieldOp>(
      b,
      affine::AffineForOp::create(b, lowerOperands, lower, upperOperands, upper,
                                  step, init),
      body);
}

SmallVector<Value> LoopBuilder::forLoop(Value end, int64_t step,
                                        ValueRange init, LoopBody body) {
  return emitFor(*this, index(0), end, step, init, body);
}

void LoopBuilder::forLoop(Value end, int64_t step,
                          function_ref<void(Value)> body) {
  forLoop(end, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

void LoopBuilder::ifHolds(AffineExpr least, ArrayRef<Value> operands,
                          function_ref<void()> body,
                          function_ref<void()> otherwise) {
  unsigned symbols = 0;
  least.walk([&](AffineExpr expr) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      symbols = std::max(symbols, symbol.getPosition() + 1);
  });
  auto set = IntegerSet::get(operands.size() - symbols, symbols, {least},
                             /*eqFlags=*/{false});
  SmallVector<Value> composed(operands);
  affine::canonicalizeSetAndOperands(&set, &composed);
  auto choice = affine::AffineIfOp::create(*this, set, composed,
                                           /*withElseRegion=*/!!otherwise);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(choice.getThenBlock());
  body();
  if (!otherwise)
    return;
  setInsertionPointToStart(choice.getElseBlock());
  otherwise();
}

SmallVector<Value> LoopBuilder::repeat(int64_t rounds, ValueRange init,
                                       LoopBody body) {
  if (rounds == 0)
    return SmallVector<Value>(init);
  if (rounds == 1)
    return body(index(0), init);
  return forLoop(index(rounds), 1, init, body);
}

void LoopBuilder::forColumns(int64_t columns, int64_t mostLanes,
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

static affine::AffineParallelOp createParallel(LoopBuilder &b, Value end) {
  AffineMap upper = b.getSymbolIdentityMap();
  SmallVector<Value> operands{end};
  affine::fullyComposeAffineMapAndOperands(&upper, &operands);
  affine::canonicalizeMapAndOperands(&upper, &operands);
  return affine::AffineParallelOp::create(
      b, TypeRange(), ArrayRef<arith::AtomicRMWKind>(),
      b.getConstantAffineMap(0), ValueRange(), upper, operands,
      ArrayRef<int64_t>{1});
}

void LoopBuilder::forRows(Value count, function_ref<void(Value)> body) {
  if (maxTokens == 1)
    return body(index(0));
  forLoop(count, 1, body);
}

void LoopBuilder::forEach(int64_t count, function_ref<void(Value)> body) {
  affine::AffineParallelOp op = createParallel(*this, index(count));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(op.getBody()->getTerminator());
  body(op.getIVs().front());
}

void LoopBuilder::parallel(Value end, function_ref<void(Value)> body,
                           Division division) {
  assert(affine::isValidSymbol(end) && "a number that the function knows");
  affine::AffineParallelOp op = createParallel(*this, end);
  SherryDialect::StepAttrHelper(getContext()).setAttr(op, step);
  if (division == Division::OnDemand)
    SherryDialect::OnDemandAttrHelper(getContext()).setAttr(op, getUnitAttr());
  OpBuilder::InsertionGuard guard(*this);
  loop = op.getBody();
  setInsertionPoint(loop->getTerminator());
  body(op.getIVs().front());
  loop = nullptr;
  lastAlloc = nullptr;
}

void LoopBuilder::parallelUnits(Value count, int64_t units,
                                function_ref<void(Value, Value)> body,
                                Division division) {
  if (maxTokens == 1) {
    // At most one row; no row only if no logits are requested.
    parallel(
        mul(count, units), [&](Value unit) { body(index(0), unit); }, division);
    return;
  }
  if (maxTokens < kTokenBlock) {
    // There may be fewer rows than threads.
    parallel(
        mul(count, units), [&](Value i) { body(div(i, units), rem(i, units)); },
        division);
    return;
  }
  parallel(
      count,
      [&](Value row) {
        forLoop(index(units), 1, [&](Value unit) { body(row, unit); });
      },
      division);
}

void LoopBuilder::parallelVectors(const Rows &rows, int64_t lanes,
                                  function_ref<void(Value, Value)> body) {
  parallelUnits(rows.count, format::ceilDiv(rows.cols, lanes),
                [&](Value row, Value unit) { body(row, mul(unit, lanes)); });
}
