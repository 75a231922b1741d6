//===- SherrySteps.cpp - Ops that are whole steps of a call ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sherry;

void StepOp::build(OpBuilder &b, OperationState &state, Value team, Value count,
                   int64_t grain, DictionaryAttr step) {
  OpBuilder::InsertionGuard guard(b);
  state.addOperands({team, count});
  state.addAttribute(getGrainAttrName(state.name), b.getI64IntegerAttr(grain));
  if (step)
    state.addAttribute(getStepAttrName(state.name), step);
  Type index = b.getIndexType();
  b.createBlock(state.addRegion(), {}, {index, index},
                {state.location, state.location});
}

LogicalResult StepOp::verifyRegions() {
  Type index = IndexType::get(getContext());
  if (getBody().getArgumentTypes() != ArrayRef<Type>{index, index})
    return emitOpError("the body takes the two ends of a range");
  return success();
}

#define GET_OP_CLASSES
#include "sherry/Dialect/Sherry/SherryStepOps.cpp.inc"
