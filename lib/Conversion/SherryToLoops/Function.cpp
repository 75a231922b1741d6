//===- Function.cpp - Functions on tensors to functions on buffers --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"
#include "Quantize.h"
#include "sherry-abi/abi.h"

using namespace mlir;
using namespace sherry;

/// Whether `type` is a tensor that may cross function calls; quantized
/// activations may not.
static bool isRows(Type type) {
  return isa<RankedTensorType>(type) && !getQuantized(type);
}

namespace {
/// The arguments of a function, in their order.
template <typename T> struct Arguments {
  T weights;
  SmallVector<T> caches; ///< for each cache its pages and their table
  T workspace;
  SmallVector<T> buffers; ///< for tensor arguments, then for tensor results
  T rows;
  SmallVector<T> indices, tableStrides;
  T team;

  SmallVector<T> list() const {
    SmallVector<T> result{weights};
    llvm::append_range(result, caches);
    result.push_back(workspace);
    llvm::append_range(result, buffers);
    result.push_back(rows);
    llvm::append_range(result, indices);
    llvm::append_range(result, tableStrides);
    result.push_back(team);
    return result;
  }
};

struct FunctionPattern : OpConversionPattern<func::FuncOp> {
  FunctionPattern(const ActivationTypeConverter &types)
      : OpConversionPattern(types, types.getConfig().getContext()),
        config(types.getConfig()) {}

  LogicalResult
  matchAndRewrite(func::FuncOp function, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override;
  FailureOr<Arguments<Type>> getArguments(func::FuncOp function) const;

  LoopsConfig config;
};

struct CallPattern : GraphOpPattern<func::CallOp> {
  using GraphOpPattern::GraphOpPattern;

  FailureOr<Values> lower(LoopBuilder &b, func::CallOp op,
                          Adaptor adaptor) const override;
};

struct ReturnPattern : OpConversionPattern<func::ReturnOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(func::ReturnOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

struct ForPattern : OpConversionPattern<scf::ForOp> {
  ForPattern(const ActivationTypeConverter &types)
      : OpConversionPattern(types, types.getConfig().getContext()),
        config(types.getConfig()) {}

  LogicalResult
  matchAndRewrite(scf::ForOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;

  LoopsConfig config;
};

struct YieldPattern : OpConversionPattern<scf::YieldOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(scf::YieldOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};
} // namespace

/// Moves the ops of `from`, whose arguments have no uses, to the end of `to`.
static void moveOps(Block *from, Block *to,
                    ConversionPatternRewriter &rewriter) {
  while (!from->empty())
    rewriter.moveOpBefore(&from->front(), to, to->end());
  rewriter.eraseBlock(from);
}

/// Places the rows of `buffer` in `target` instead of in a buffer of their own.
static LogicalResult placeInto(Operation *user, Value buffer, Value target,
                               ConversionPatternRewriter &rewriter) {
  auto alloc = buffer.getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc->getBlock() != user->getBlock())
    return user->emitOpError("can only pass on values of the same block");
  rewriter.replaceOp(alloc, target);
  return success();
}

FailureOr<Arguments<Type>>
FunctionPattern::getArguments(func::FuncOp function) const {
  int64_t maxTokens = getMaxTokens(function);
  if (maxTokens == 0)
    return function.emitError("needs the attribute sherry.max_tokens: run "
                              "sherry-specialize-tokens first");
  Builder b(function.getContext());
  auto bytes = [&](int64_t size) {
    return MemRefType::get({size}, b.getI8Type());
  };
  Arguments<Type> result;
  result.weights = bytes(config.getWeightsSize());
  result.workspace = bytes(ShapedType::kDynamic);
  result.rows = b.getIndexType();
  result.team = TeamType::get(function.getContext());
  for (Type type : function.getArgumentTypes()) {
    SmallVector<Type> converted;
    if (auto cache = dyn_cast<KVCacheType>(type)) {
      if (failed(convertCache(cache, converted)))
        return function.emitError("the cache of ")
               << SHERRY_ABI_MAX_SEQUENCES << " sequences of "
               << cache.getMaxContext() << " positions exceeds 2^63 bytes";
      result.caches.append({converted[0], converted[1]});
      result.tableStrides.push_back(converted[2]);
    } else if (isRows(type)) {
      result.buffers.push_back(
          getRowsType(maxTokens, cast<RankedTensorType>(type)));
    } else if (type.isIndex()) {
      result.indices.push_back(type);
    } else {
      return function.emitError("cannot pass ") << type << " to a kernel";
    }
  }
  for (Type type : function.getResultTypes()) {
    if (!isRows(type))
      return function.emitError("cannot return ") << type << " from a kernel";
    result.buffers.push_back(
        getRowsType(maxTokens, cast<RankedTensorType>(type)));
  }
  return result;
}

LogicalResult
FunctionPattern::matchAndRewrite(func::FuncOp function, OneToNOpAdaptor,
                                 ConversionPatternRewriter &rewriter) const {
  FailureOr<Arguments<Type>> arguments = getArguments(function);
  if (failed(arguments))
    return failure();
  SmallVector<Type> types = arguments->list();
  SmallVector<Type> oldTypes(function.getArgumentTypes());
  rewriter.modifyOpInPlace(
      function, [&] { function.setType(rewriter.getFunctionType(types, {})); });
  if (function.isDeclaration())
    return success();
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("a graph has one block");
  Block *graph = &function.getBody().front();
  SmallVector<Location> locations(types.size(), function.getLoc());
  Block *entry = rewriter.createBlock(graph, types, locations);
  auto *cache = entry->args_begin() + 1;
  auto *buffer = cache + arguments->caches.size() + 1;
  auto *count = buffer + arguments->buffers.size(), *index = count + 1;
  auto *tableStride = index + arguments->indices.size();
  // The decode function runs one token; a constant here removes every loop over
  // tokens.
  rewriter.setInsertionPointToStart(entry);
  Value rows = *count;
  if (getMaxTokens(function) == 1)
    rows = arith::ConstantIndexOp::create(rewriter, function.getLoc(), 1);
  for (auto [argument, type] :
       llvm::zip_equal(graph->getArguments(), oldTypes)) {
    SmallVector<Value> parts;
    if (type.isIndex())
      parts = {*index++};
    else if (isa<KVCacheType>(type))
      parts = {cache[0], cache[1], *tableStride++}, cache += 2;
    else
      parts = {*buffer++, rows};
    rewriter.replaceAllUsesWith(argument, parts);
  }
  moveOps(graph, entry, rewriter);
  return success();
}

auto CallPattern::lower(LoopBuilder &b, func::CallOp op, Adaptor adaptor) const
    -> FailureOr<Values> {
  Arguments<Value> arguments;
  for (auto [operand, values] :
       llvm::zip_equal(op.getOperands(), adaptor.getOperands())) {
    Type type = operand.getType();
    if (isRows(type)) {
      if (values[0].getType() !=
          getRowsType(b.getMaxTokens(), cast<RankedTensorType>(type)))
        return op.emitOpError("cannot pass a slice of columns");
      if (arguments.rows && arguments.rows != values[1])
        return op.emitOpError("cannot pass tensors with different numbers of "
                              "rows");
      arguments.buffers.push_back(values[0]);
      arguments.rows = values[1];
    } else if (isa<KVCacheType>(type)) {
      arguments.caches.append({values[0], values[1]});
      arguments.tableStrides.push_back(values[2]);
    } else if (type.isIndex()) {
      arguments.indices.push_back(values[0]);
    } else {
      return op.emitOpError("cannot pass ") << type;
    }
  }
  if (!arguments.rows)
    return op.emitOpError("needs a tensor argument that gives the number of "
                          "rows");
  if (op.getNumResults() > 1)
    return op.emitOpError("cannot give several results");
  Values results;
  for (Type type : op.getResultTypes()) {
    if (!isRows(type))
      return op.emitOpError("cannot take ") << type;
    Rows rows = b.allocRows(Rows::columnsOf(type), getElementTypeOrSelf(type),
                            arguments.rows);
    arguments.buffers.push_back(rows.buffer);
    results = rows.getValues();
  }
  arguments.weights = b.getWeights();
  arguments.workspace = b.getWorkspace();
  arguments.team = b.getTeam();
  func::CallOp::create(b, op.getCallee(), TypeRange(), arguments.list());
  return results;
}

LogicalResult
ReturnPattern::matchAndRewrite(func::ReturnOp op, OneToNOpAdaptor adaptor,
                               ConversionPatternRewriter &rewriter) const {
  // The buffers of results are the last ones before the number of rows.
  auto function = op->getParentOfType<func::FuncOp>();
  auto *count = llvm::find_if(function.getArguments(), [](Value argument) {
    return argument.getType().isIndex();
  });
  auto *target = count - op.getNumOperands();
  for (ValueRange values : adaptor.getOperands())
    if (failed(placeInto(op, values.front(), *target++, rewriter)))
      return failure();
  rewriter.replaceOpWithNewOp<func::ReturnOp>(op);
  return success();
}

LogicalResult
ForPattern::matchAndRewrite(scf::ForOp op, OneToNOpAdaptor adaptor,
                            ConversionPatternRewriter &rewriter) const {
  // A round must not overwrite its input, so the carried tensor alternates
  // between two buffers.
  if (op.getNumResults() != 1 || !isRows(op.getResult(0).getType()))
    return op.emitOpError("must carry exactly one tensor of activations");
  Value init = op.getInitArgs().front();
  Rows first(adaptor.getInitArgs().front(), init);
  if (!first.buffer.getDefiningOp<memref::AllocOp>() || !init.hasOneUse())
    return op.emitOpError("must own the tensor that it starts with");
  LoopBuilder b(op, rewriter, config);
  Rows second = b.allocRows(first.cols, getElementTypeOrSelf(init.getType()),
                            first.count);
  auto loop = scf::ForOp::create(
      b, adaptor.getLowerBound().front(), adaptor.getUpperBound().front(),
      adaptor.getStep().front(), ValueRange{first.buffer, second.buffer});
  rewriter.replaceAllUsesWith(op.getInductionVar(), loop.getInductionVar());
  SmallVector<Value> current{loop.getRegionIterArg(0), first.count};
  rewriter.replaceAllUsesWith(op.getRegionIterArg(0), current);
  moveOps(op.getBody(), loop.getBody(), rewriter);
  rewriter.replaceOpWithMultiple(
      op, SmallVector<SmallVector<Value>>{{loop.getResult(0), first.count}});
  return success();
}

LogicalResult
YieldPattern::matchAndRewrite(scf::YieldOp op, OneToNOpAdaptor adaptor,
                              ConversionPatternRewriter &rewriter) const {
  auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
  if (!loop || op.getNumOperands() != 1)
    return failure();
  Value current = loop.getRegionIterArg(0), next = loop.getRegionIterArg(1);
  if (failed(
          placeInto(op, adaptor.getOperands().front().front(), next, rewriter)))
    return failure();
  rewriter.replaceOpWithNewOp<scf::YieldOp>(op, ValueRange{next, current});
  return success();
}

void sherry::populateFunctionPatterns(const ActivationTypeConverter &types,
                                      RewritePatternSet &patterns) {
  patterns.add<FunctionPattern, CallPattern, ForPattern>(types);
  patterns.add<ReturnPattern, YieldPattern>(types,
                                            types.getConfig().getContext());
}
