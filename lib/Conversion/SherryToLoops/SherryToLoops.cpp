//===- SherryToLoops.cpp - Graph ops to loops over buffers ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/SherryToLoops.h"

#include "KVCache.h"
#include "Lowering.h"
#include "Quantize.h"
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"

namespace sherry {
#define GEN_PASS_DEF_CONVERTSHERRYTOLOOPS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

LoopsConfig::LoopsConfig(Operation *module)
    : schedule(::getSchedule(module)), numerics(::getNumerics(module)),
      weightsSize(0) {
  if (auto size = SherryDialect::WeightsSizeAttrHelper(module->getContext())
                      .getAttr(module))
    weightsSize = size.getInt();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// Whether a type occurs only in graphs.
static bool isGraphType(Type type) {
  return isa<RankedTensorType, KVCacheType>(type);
}

LogicalResult sherry::convertCache(KVCacheType type,
                                   SmallVectorImpl<Type> &types) {
  int64_t pages = SHERRY_ABI_MAX_SEQUENCES *
                  format::ceilDiv(type.getMaxContext(), kPagePositions);
  int64_t size;
  if (__builtin_mul_overflow(type.getBytesPerPosition(), pages * kPagePositions,
                             &size))
    return failure();
  MLIRContext *context = type.getContext();
  types.push_back(MemRefType::get({size}, IntegerType::get(context, 8)));
  types.push_back(MemRefType::get({pages}, IntegerType::get(context, 32)));
  types.push_back(IndexType::get(context));
  return success();
}

ActivationTypeConverter::ActivationTypeConverter(const LoopsConfig &config)
    : config(config) {
  addConversion([](Type type) -> std::optional<Type> {
    if (isGraphType(type))
      return std::nullopt;
    return type;
  });
  addConversion(convertCache);
  addConversion([config](Value value, SmallVectorImpl<Type> &types)
                    -> std::optional<LogicalResult> {
    auto tensor = dyn_cast<RankedTensorType>(value.getType());
    if (!tensor)
      return std::nullopt;
    // The value has been converted already.
    if (auto cast = value.getDefiningOp<UnrealizedConversionCastOp>()) {
      llvm::append_range(types, cast.getInputs().getTypes());
      return success();
    }
    int64_t maxTokens = getMaxTokens(value.getParentRegion()->getParentOp());
    if (getQuantized(tensor)) {
      llvm::append_range(types,
                         QuantizedRows::getTypes(config, maxTokens, tensor));
      return success();
    }
    types.push_back(getRowsType(maxTokens, tensor));
    types.push_back(IndexType::get(tensor.getContext()));
    return success();
  });
}

static bool isLowered(Operation *op) {
  if (auto function = dyn_cast<func::FuncOp>(op))
    return llvm::isa_and_nonnull<TeamType>(
        function.getNumArguments() > 0 ? function.getArgumentTypes().back()
                                       : Type());
  if (isa<func::ReturnOp>(op))
    return op->getNumOperands() == 0;
  return llvm::none_of(op->getOperandTypes(), isGraphType) &&
         llvm::none_of(op->getResultTypes(), isGraphType);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

WeightRef sherry::getWeight(LoopBuilder &b, Operation *user, ValueRange layer) {
  auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
      user, user->getAttrOfType<FlatSymbolRefAttr>("weight"));
  Value offset = b.index(*weight.getOffset());
  if (!layer.empty())
    offset = b.add(offset, b.mul(layer.front(), *weight.getStride()));
  return {weight, offset};
}

void sherry::populateSherryToLoopsPatterns(const ActivationTypeConverter &types,
                                           RewritePatternSet &patterns) {
  populateAttentionPatterns(types, patterns);
  populateElementwisePatterns(types, patterns);
  populateEmbeddingPatterns(types, patterns);
  populateFunctionPatterns(types, patterns);
  populateKVCachePatterns(types, patterns);
  populateLinearPatterns(types, patterns);
  populateQuantizePatterns(types, patterns);
  populateRankPatterns(types, patterns);
  populateRmsNormPatterns(types, patterns);
  populateRopePatterns(types, patterns);
  populateSlicePatterns(types, patterns);
}

namespace {
struct ConvertSherryToLoopsPass
    : sherry::impl::ConvertSherryToLoopsBase<ConvertSherryToLoopsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto weight : module.getOps<WeightOp>()) {
      if (!weight.getOffset())
        return fail(weight, "has no offset: run sherry-place-weights first");
      TernaryAttr ternary = weight.getTernary();
      if (ternary && !ternary.getLayout())
        return fail(weight, "has no layout: run sherry-select-layout first");
    }
    ActivationTypeConverter types{LoopsConfig(module)};
    RewritePatternSet patterns(&getContext());
    populateSherryToLoopsPatterns(types, patterns);
    for (Dialect *dialect : getContext().getLoadedDialects())
      if (auto *interface =
              dialect->getRegisteredInterface<ConvertToLoopsPatternInterface>())
        interface->populateConvertToLoopsPatterns(types, patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal(isLowered);
    ConversionConfig config;
    config.allowPatternRollback = false;
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(
            applyFullConversion(module, target, std::move(patterns), config)))
      signalPassFailure();
  }

  void fail(Operation *op, const char *message) {
    op->emitOpError(message);
    signalPassFailure();
  }
};
} // namespace
