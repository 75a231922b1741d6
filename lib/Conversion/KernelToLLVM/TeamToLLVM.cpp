//===- TeamToLLVM.cpp - Team ops to loads and calls -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/TeamToLLVM.h"
#include "sherry-abi/abi.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace sherry;

/// The field of a `sherry_abi_environment` at byte `offset`.
static Value loadField(OpBuilder &b, Location loc, Value team, size_t offset,
                       Type type) {
  Value address =
      LLVM::GEPOp::create(b, loc, team.getType(), b.getI8Type(), team,
                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return LLVM::LoadOp::create(b, loc, type, address);
}

namespace {
template <typename Op, size_t offset>
struct LowerNumber : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, loadField(rewriter, op.getLoc(), adaptor.getTeam(),
                                     offset, this->getIndexType()));
    return success();
  }
};

struct LowerBarrier : ConvertOpToLLVMPattern<BarrierOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(BarrierOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type pointer = getPtrType();
    Value team = adaptor.getTeam();
    Value barrier =
        loadField(rewriter, loc, team,
                  offsetof(sherry_abi_environment, barrier), pointer);
    auto type = LLVM::LLVMFunctionType::get(getVoidType(),
                                            {pointer, rewriter.getI32Type()});
    Value step = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32Type(),
                                          static_cast<int64_t>(op.getNumber()));
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, type,
                                              ValueRange{barrier, team, step});
    return success();
  }
};

struct TeamToLLVMInterface : ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;

  void populateConvertToLLVMConversionPatterns(
      ConversionTarget &target, LLVMTypeConverter &converter,
      RewritePatternSet &patterns) const override {
    converter.addConversion([](TeamType type) -> Type {
      return LLVM::LLVMPointerType::get(type.getContext());
    });
    target.addIllegalOp<ThreadOp, NumThreadsOp, BarrierOp>();
    patterns.add<
        LowerNumber<ThreadOp, offsetof(sherry_abi_environment, thread)>,
        LowerNumber<NumThreadsOp, offsetof(sherry_abi_environment, n_threads)>,
        LowerBarrier>(converter);
  }
};
} // namespace

void sherry::registerConvertTeamToLLVMInterface(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, SherryDialect *dialect) {
    dialect->addInterfaces<TeamToLLVMInterface>();
  });
}
