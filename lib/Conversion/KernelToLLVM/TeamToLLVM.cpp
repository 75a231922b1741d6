//===- TeamToLLVM.cpp - Team ops to loads and calls -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/TeamToLLVM.h"
#include "sherry-abi/abi.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

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

struct LowerTake : ConvertOpToLLVMPattern<TakeOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(TakeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type pointer = getPtrType(), index = getIndexType();
    Value team = adaptor.getTeam();
    Value take = loadField(rewriter, loc, team,
                           offsetof(sherry_abi_environment, take), pointer);
    // A struct of two numbers, returned in registers.
    auto range = LLVM::LLVMStructType::getLiteral(getContext(), {index, index});
    auto type = LLVM::LLVMFunctionType::get(
        range, {pointer, rewriter.getI32Type(), index, index});
    Value number =
        LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32Type(),
                                 static_cast<int64_t>(op.getNumber()));
    Value grain = LLVM::ConstantOp::create(rewriter, loc, index,
                                           static_cast<int64_t>(op.getGrain()));
    Value taken = LLVM::CallOp::create(
                      rewriter, loc, type,
                      ValueRange{take, team, number, adaptor.getCount(), grain})
                      .getResult();
    rewriter.replaceOp(
        op,
        {LLVM::ExtractValueOp::create(rewriter, loc, taken, 0).getResult(),
         LLVM::ExtractValueOp::create(rewriter, loc, taken, 1).getResult()});
    return success();
  }
};

struct LowerExchange : ConvertOpToLLVMPattern<ExchangeOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ExchangeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto addressOf = [&](Value memref, Value descriptor) {
      return MemRefDescriptor(descriptor)
          .bufferPtr(rewriter, loc, *getTypeConverter(),
                     cast<MemRefType>(memref.getType()));
    };
    Value mine = addressOf(op.getMine(), adaptor.getMine());
    Value all = addressOf(op.getAll(), adaptor.getAll());
    Type pointer = getPtrType();
    Value team = adaptor.getTeam();
    Value exchange =
        loadField(rewriter, loc, team,
                  offsetof(sherry_abi_environment, exchange), pointer);
    auto type = LLVM::LLVMFunctionType::get(
        getVoidType(), {pointer, pointer, pointer, getIndexType()});
    LLVM::CallOp::create(
        rewriter, loc, type,
        ValueRange{exchange, team, mine, all, adaptor.getBytes()});
    rewriter.eraseOp(op);
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
    target.addIllegalOp<ThreadOp, RankOp, TakeOp, ExchangeOp>();
    patterns
        .add<LowerNumber<ThreadOp, offsetof(sherry_abi_environment, thread)>,
             LowerNumber<RankOp, offsetof(sherry_abi_environment, rank)>,
             LowerTake, LowerExchange>(converter);
  }
};
} // namespace

void sherry::registerConvertTeamToLLVMInterface(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, SherryDialect *dialect) {
    dialect->addInterfaces<TeamToLLVMInterface>();
  });
}
