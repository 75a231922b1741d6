//===- FuseSteps.cpp - Fewer steps for a token ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherrySteps.h"
#include "sherry/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sherry {
#define GEN_PASS_DEF_FUSESTEPS
#include "sherry/Transforms/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Erases `op` if ops read only its number of rows, which `same` has too.
static void eraseIfUnused(Operation *op, Value same) {
  for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
    if (isa<tensor::DimOp>(user))
      user->setOperand(0, same);
  if (op->use_empty())
    op->erase();
}

/// Whether only one op reads more of `value` than its number of rows.
static bool hasOneReader(Value value) {
  return llvm::count_if(value.getUsers(), [](Operation *user) {
           return !isa<tensor::DimOp>(user);
         }) == 1;
}

static void fuseNorm(QuantizeActivationsOp quantize, RmsNormOp norm,
                     SymbolTable &symbols) {
  auto weight = symbols.lookup<WeightOp>(norm.getWeight());
  if (weight.getTensorType().getDimSize(0) != norm.getType().getDimSize(1))
    return;
  OpBuilder b(quantize);
  Value fused = QuantizeNormOp::create(
      b, b.getFusedLoc({norm.getLoc(), quantize.getLoc()}), quantize.getType(),
      norm.getInput(), norm.getWeightAttr(), norm.getLayer(),
      norm.getEpsilonAttr());
  quantize.replaceAllUsesWith(fused);
  quantize.erase();
  eraseIfUnused(norm, norm.getInput());
}

static void fuseSwiGLU(QuantizeActivationsOp quantize, SwiGLUOp swiglu) {
  OpBuilder b(quantize);
  Value fused = QuantizeSwiGLUOp::create(
      b, b.getFusedLoc({swiglu.getLoc(), quantize.getLoc()}),
      quantize.getType(), swiglu.getGate(), swiglu.getUp(),
      swiglu.getActivation());
  quantize.replaceAllUsesWith(fused);
  quantize.erase();
  eraseIfUnused(swiglu, swiglu.getGate());
}

/// The rotation whose result, or heads of whose result, `value` is.
static RopeOp findRope(Value value) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  auto rope = (slice ? slice.getSource() : value).getDefiningOp<RopeOp>();
  if (!rope || !slice)
    return rope;
  ArrayRef<int64_t> offsets = slice.getStaticOffsets();
  if (slice.getType().getRank() != 2 || !slice.hasUnitStride() ||
      ShapedType::isDynamic(offsets[1]) ||
      offsets[1] % rope.getTable().getType().getDimSize(1) != 0)
    return nullptr;
  return rope;
}

/// The value of `value` before the rotation.
static Value getInput(OpBuilder &b, RopeOp rope, Value value) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return rope.getInput();
  return tensor::ExtractSliceOp::create(
      b, slice.getLoc(), slice.getType(), rope.getInput(),
      slice.getMixedOffsets(), slice.getMixedSizes(), slice.getMixedStrides());
}

/// Erases `value` and its rotation if nothing reads them.
static void eraseRotation(RopeOp rope, Value value) {
  if (value != rope.getResult())
    eraseIfUnused(value.getDefiningOp(), rope.getInput());
  if (rope->use_empty())
    rope->erase();
}

static bool isSame(UpdateCacheOp update, AttentionOp attention) {
  return update.getCache() == attention.getCache() &&
         update.getLayer() == attention.getLayer() &&
         update.getPositions() == attention.getPositions() &&
         update.getSequences() == attention.getSequences();
}

/// The cache is that of one layer, so no other op between the two may use it.
static UpdateCacheOp findUpdate(AttentionOp attention) {
  Operation *op = attention;
  while ((op = op->getPrevNode())) {
    if (auto update = dyn_cast<UpdateCacheOp>(op))
      return isSame(update, attention) ? update : UpdateCacheOp();
    if (!isMemoryEffectFree(op))
      return nullptr;
  }
  return nullptr;
}

/// The quantization of the result of `attention`, if the same step can do it.
static QuantizeActivationsOp findQuantization(AttentionOp attention) {
  if (!hasOneReader(attention))
    return nullptr;
  for (Operation *user : attention->getUsers()) {
    auto quantize = dyn_cast<QuantizeActivationsOp>(user);
    if (!quantize || quantize.getEncoding().getPerToken())
      continue;
    ArrayRef<int64_t> blocks = quantize.getEncoding().getBlocks();
    int64_t kvHeads = attention.getCache().getType().getKvHeads();
    if (llvm::all_equal(blocks) &&
        attention.getType().getDimSize(1) / kvHeads % blocks.front() == 0)
      return quantize;
  }
  return nullptr;
}

static bool fuseAttention(AttentionOp attention) {
  UpdateCacheOp update = findUpdate(attention);
  if (!update)
    return false;
  Value query = attention.getQuery(), keys = update.getKeys();
  RopeOp rope = findRope(query), keysRope = findRope(keys);
  if (!rope || !keysRope || rope.getTable() != keysRope.getTable() ||
      rope.getTable().getType().getDimSize(1) !=
          attention.getCache().getType().getHeadDim())
    return false;
  OpBuilder b(attention);
  QuantizeActivationsOp quantize = findQuantization(attention);
  Operation *last = quantize ? quantize : attention.getOperation();
  Value input = getInput(b, rope, query);
  auto fused = AttendOp::create(
      b, b.getFusedLoc({update.getLoc(), attention.getLoc()}),
      last->getResultTypes().front(), input, getInput(b, keysRope, keys),
      update.getValues(), rope.getTable(), attention.getCache(),
      attention.getLayer(), attention.getPositions(), attention.getSequences());
  last->replaceAllUsesWith(fused);
  if (quantize)
    quantize.erase();
  eraseIfUnused(attention, input);
  update.erase();
  eraseRotation(rope, query);
  if (keys != query)
    eraseRotation(keysRope, keys);
  return true;
}

namespace {
struct FuseStepsPass : sherry::impl::FuseStepsBase<FuseStepsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    int64_t few = getSchedule(getOperation()).getLookupTokens();
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto tokens =
          SherryDialect::MaxTokensAttrHelper(&getContext()).getAttr(function);
      // With many tokens, each op has enough work for its own step.
      if (!tokens || tokens.getInt() > few)
        continue;
      SmallVector<AttentionOp> attentions;
      // Of several tokens, one may attend to the keys of another.
      if (tokens.getInt() == 1)
        function.walk([&](AttentionOp op) { attentions.push_back(op); });
      for (AttentionOp op : attentions)
        numFused += fuseAttention(op);
      SmallVector<QuantizeActivationsOp> quantizations;
      function.walk(
          [&](QuantizeActivationsOp op) { quantizations.push_back(op); });
      for (QuantizeActivationsOp op : quantizations)
        fuseQuantization(op, symbols);
    }
  }

  void fuseQuantization(QuantizeActivationsOp quantize, SymbolTable &symbols) {
    // Scales of whole tokens need all numbers first.
    if (quantize.getEncoding().getPerToken() ||
        !hasOneReader(quantize.getInput()))
      return;
    if (auto norm = quantize.getInput().getDefiningOp<RmsNormOp>())
      fuseNorm(quantize, norm, symbols);
    else if (auto swiglu = quantize.getInput().getDefiningOp<SwiGLUOp>())
      fuseSwiGLU(quantize, swiglu);
    else
      return;
    ++numFused;
  }
};
} // namespace
