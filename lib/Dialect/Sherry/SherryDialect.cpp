//===- SherryDialect.cpp - The dialect and its types ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sherry;

#include "sherry/Dialect/Sherry/SherryDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "sherry/Dialect/Sherry/SherryTypes.cpp.inc"

namespace {
struct SherryInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool,
                       IRMapping &) const override {
    return true;
  }
};
} // namespace

void SherryDialect::initialize() {
  addInterfaces<SherryInlinerInterface>();
  registerAttributes();
  addTypes<
#define GET_TYPEDEF_LIST
#include "sherry/Dialect/Sherry/SherryTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "sherry/Dialect/Sherry/SherryOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "sherry/Dialect/Sherry/SherryStepOps.cpp.inc"
      >();
}

Operation *SherryDialect::materializeConstant(OpBuilder &builder,
                                              Attribute value, Type type,
                                              Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

//===----------------------------------------------------------------------===//
// Attributes of ops
//===----------------------------------------------------------------------===//

ScheduleAttr sherry::getSchedule(Operation *module) {
  MLIRContext *context = module->getContext();
  auto attr = SherryDialect::ScheduleAttrHelper(context).getAttr(module);
  return attr ? attr : ScheduleAttr::get(context, Schedule());
}

NumericsAttr sherry::getNumerics(Operation *module) {
  MLIRContext *context = module->getContext();
  auto attr = SherryDialect::NumericsAttrHelper(context).getAttr(module);
  return attr ? attr
              : NumericsAttr::get(context, IntegerType::get(context, 8),
                                  /*perToken=*/false, /*fuseMulAdd=*/false);
}

int64_t sherry::getRanks(Operation *module) {
  auto attr =
      SherryDialect::RanksAttrHelper(module->getContext()).getAttr(module);
  return attr ? attr.getInt() : 1;
}

KVCacheType sherry::getCache(Operation *module) {
  auto attr =
      SherryDialect::CacheAttrHelper(module->getContext()).getAttr(module);
  return attr ? dyn_cast<KVCacheType>(attr.getValue()) : KVCacheType();
}

/// Checks the type of an attribute's value and the op that has it.
LogicalResult
SherryDialect::verifyOperationAttribute(Operation *op,
                                        NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  auto check = [&](bool isRightOp, StringRef ops, bool isRightValue,
                   const llvm::Twine &values) -> LogicalResult {
    if (!isRightOp)
      return op->emitOpError("'") << name << "' belongs to " << ops;
    if (!isRightValue)
      return op->emitOpError("'") << name << "' must be " << values;
    return success();
  };
  auto isSize = [&](int64_t least, int64_t most) {
    auto number = dyn_cast<IntegerAttr>(value);
    return number && number.getType().isInteger(64) &&
           number.getInt() >= least && number.getInt() <= most;
  };
  bool isLoop = op->getName().getStringRef() == "affine.parallel";
  if (name == ScheduleAttrHelper::getNameStr())
    return check(isa<ModuleOp>(op), "a module", isa<ScheduleAttr>(value),
                 "a #sherry.schedule");
  if (name == NumericsAttrHelper::getNameStr())
    return check(isa<ModuleOp>(op), "a module", isa<NumericsAttr>(value),
                 "a #sherry.numerics");
  if (name == StageAttrHelper::getNameStr()) {
    auto stage = dyn_cast<StringAttr>(value);
    return check(isa<ModuleOp>(op), "a module",
                 stage && llvm::is_contained(kStageNames, stage.getValue()),
                 "the name of a stage: " +
                     llvm::join(ArrayRef(kStageNames), ", "));
  }
  if (name == CacheAttrHelper::getNameStr()) {
    auto type = dyn_cast<TypeAttr>(value);
    return check(isa<ModuleOp>(op), "a module",
                 type && isa<KVCacheType>(type.getValue()),
                 "a !sherry.kv_cache");
  }
  if (name == WeightsSizeAttrHelper::getNameStr() ||
      name == WorkspaceSizeAttrHelper::getNameStr() ||
      name == ThreadWorkspaceSizeAttrHelper::getNameStr())
    return check(isa<ModuleOp>(op), "a module", isSize(0, INT64_MAX),
                 "an i64 that is not negative");
  if (name == RanksAttrHelper::getNameStr())
    return check(isa<ModuleOp>(op), "a module", isSize(2, SHERRY_ABI_MAX_RANKS),
                 "an i64 from 2 to " + std::to_string(SHERRY_ABI_MAX_RANKS));
  if (name == StepsAttrHelper::getNameStr()) {
    auto steps = dyn_cast<ArrayAttr>(value);
    return check(isa<ModuleOp>(op), "a module",
                 steps && llvm::all_of(steps, llvm::IsaPred<DictionaryAttr>),
                 "a list of dictionaries");
  }
  if (name == MaxTokensAttrHelper::getNameStr())
    return check(isa<FunctionOpInterface>(op), "a function",
                 isSize(1, SHERRY_ABI_MAX_BLOCK),
                 "an i64 from 1 to " + std::to_string(SHERRY_ABI_MAX_BLOCK));
  if (name == StepAttrHelper::getNameStr())
    return check(isLoop, "a parallel loop", isa<DictionaryAttr>(value),
                 "a dictionary");
  if (name == OnDemandAttrHelper::getNameStr())
    return check(isLoop, "a parallel loop", isa<UnitAttr>(value),
                 "a unit attribute");
  if (name == PerThreadAttrHelper::getNameStr())
    return check(op->getName().getStringRef() == "memref.alloc",
                 "a memref.alloc", isa<UnitAttr>(value), "a unit attribute");
  return op->emitOpError("'")
         << name << "' is not an attribute of this dialect";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

RankedTensorType sherry::getRowNumbersType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic},
                               IntegerType::get(context, 32));
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t layers, int64_t kvHeads,
                                  int64_t headDim, Type elementType,
                                  int64_t maxContext) {
  if (layers <= 0 || kvHeads <= 0 || headDim <= 0 || maxContext <= 0)
    return emitError() << "sizes of a kv_cache must be positive";
  // Products of the sizes of a row fit 64 bits.
  for (int64_t size : {layers, kvHeads, headDim, maxContext})
    if (size > SHERRY_ABI_MAX_SIZE)
      return emitError() << "sizes of a kv_cache are at most "
                         << SHERRY_ABI_MAX_SIZE << ", not " << size;
  if (elementType.isInteger(8)) {
    // Sums of products of a 16-bit and an 8-bit number stay within 32 bits.
    if (headDim % 16 != 0 || headDim > 256)
      return emitError() << "a kv_cache of i8 needs a head_dim that is a "
                            "multiple of 16 and at most 256, not "
                         << headDim;
  } else if (!elementType.isF32() && !elementType.isF16()) {
    return emitError() << "a kv_cache holds f32, f16 or i8, not "
                       << elementType;
  }
  return success();
}
