//===- ConvertSherryToKernel.cpp - Graph ops to loops over buffers --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelBuilder.h"
#include "sherry-abi/abi.h"
#include "sherry/Conversion/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

namespace sherry {
#define GEN_PASS_DEF_CONVERTSHERRYTOKERNEL
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

namespace {

/// Translates one function. Values of the old function map to buffers
/// (tensors), to bytes and a context (caches), or to values of the new one.
class FunctionConverter {
public:
  FunctionConverter(func::FuncOp source, SymbolTable &symbols,
                    int64_t weightsSize)
      : source(source), symbols(symbols),
        b(source.getLoc(), source.getContext()), weightsSize(weightsSize) {
    auto module = source->getParentOfType<ModuleOp>();
    b.schedule = getSchedule(module);
    b.numerics = getNumerics(module);
  }

  LogicalResult convert();

private:
  LogicalResult createFunction();
  LogicalResult convertBlock(Block &block);
  LogicalResult convertOp(Operation &op);
  LogicalResult convertLinear(LinearOp op);
  LogicalResult convertGatedLinear(GatedLinearOp op);
  LogicalResult convertCall(func::CallOp op);
  LogicalResult convertFor(scf::ForOp op);
  LogicalResult convertSlice(tensor::ExtractSliceOp op);

  /// Makes the rows of `value` live in `target` instead of in a buffer of
  /// their own.
  LogicalResult placeInto(Operation *user, Value value, Value target);

  void setQuantized(Value value, const QuantizedRows &rows) {
    tensors[value] = rows.values;
    quantized[value] = rows;
  }
  /// The orders of the codes that look up in tables of these activations.
  SmallVector<format::CodeOrder> tableOrders(QuantizeActivationsOp op);

  MemRefType bufferType(Type tensor) const;
  WeightRef weightOf(FlatSymbolRefAttr name, Value layer);

  func::FuncOp source;
  SymbolTable &symbols;
  KernelBuilder b;
  int64_t weightsSize;
  IRMapping scalars;
  DenseMap<Value, Rows> tensors;
  DenseMap<Value, QuantizedRows> quantized;
  DenseMap<Value, std::pair<Value, Value>> caches; ///< bytes, context
  Value workspace;
  SmallVector<Value> resultBuffers;
};

/// Of f32 activations or row numbers. Quantized activations stay within a
/// function.
bool isRows(Type type) {
  return isa<RankedTensorType>(type) && !getQuantized(type);
}
bool isTensor(Value value) { return isRows(value.getType()); }
bool isCache(Value value) { return isa<KVCacheType>(value.getType()); }

} // namespace

MemRefType FunctionConverter::bufferType(Type type) const {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getRank() == 1)
    return MemRefType::get({b.maxTokens}, tensor.getElementType());
  return b.rowsType(tensor.getDimSize(1), tensor.getElementType());
}

static int64_t columnsOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() == 1 ? 1 : tensor.getDimSize(1);
}

/// Null if it exceeds 2^63 bytes.
static MemRefType cacheType(KVCacheType type) {
  int64_t context =
      format::roundUp(type.getMaxContext(), SHERRY_ABI_CONTEXT_MULTIPLE);
  int64_t size;
  if (__builtin_mul_overflow(type.getBytesPerPosition(),
                             context * SHERRY_ABI_MAX_SEQUENCES, &size))
    return {};
  return MemRefType::get({size}, IntegerType::get(type.getContext(), 8));
}

WeightRef FunctionConverter::weightOf(FlatSymbolRefAttr name, Value layer) {
  auto weight = symbols.lookup<WeightOp>(name.getValue());
  Value offset = b.index(*weight.getOffset());
  if (layer)
    offset = b.add(offset, b.mul(scalars.lookup(layer), *weight.getStride()));
  return {weight, offset};
}

LogicalResult FunctionConverter::createFunction() {
  MLIRContext *context = source.getContext();
  auto attribute = SherryDialect::MaxTokensAttrHelper(context);
  auto maxTokens = attribute.getAttr(source);
  if (!maxTokens)
    return source.emitError("needs the attribute sherry.max_tokens: run "
                            "sherry-specialize-tokens first");
  b.maxTokens = maxTokens.getInt();
  if (b.maxTokens > 1 && b.maxTokens % kTokenBlock != 0)
    return source.emitError("sherry.max_tokens must be 1 or a multiple of ")
           << kTokenBlock;

  auto bytes = [&](int64_t size) {
    return MemRefType::get({size}, b.getI8Type());
  };
  SmallVector<Type> caches, buffers, indices, contexts;
  for (BlockArgument arg : source.getArguments()) {
    if (isTensor(arg)) {
      buffers.push_back(bufferType(arg.getType()));
    } else if (auto cache = dyn_cast<KVCacheType>(arg.getType())) {
      caches.push_back(cacheType(cache));
      if (!caches.back())
        return source.emitError("the cache of ")
               << SHERRY_ABI_MAX_SEQUENCES << " sequences of "
               << cache.getMaxContext() << " positions exceeds 2^63 bytes";
      contexts.push_back(b.getIndexType());
    } else if (arg.getType().isIndex()) {
      indices.push_back(b.getIndexType());
    } else {
      return source.emitError("cannot pass ")
             << arg.getType() << " to a kernel";
    }
  }
  for (Type type : source.getResultTypes()) {
    if (!isRows(type))
      return source.emitError("cannot return ") << type << " from a kernel";
    buffers.push_back(bufferType(type));
  }
  SmallVector<Type> types{bytes(weightsSize)};
  llvm::append_range(types, caches);
  types.push_back(bytes(ShapedType::kDynamic));
  llvm::append_range(types, buffers);
  types.push_back(b.getIndexType());
  llvm::append_range(types, indices);
  llvm::append_range(types, contexts);
  types.push_back(TeamType::get(context));

  b.setInsertionPoint(source);
  b.function =
      func::FuncOp::create(b, source.getName(), b.getFunctionType(types, {}));
  b.function.setVisibility(source.getVisibility());
  attribute.setAttr(b.function, maxTokens);

  Block *entry = b.function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  auto *next = entry->args_begin();
  b.weights = *next++;
  auto *cache = next;
  next += caches.size();
  workspace = *next++;
  auto buffer = next, count = buffer + buffers.size(), index = count + 1,
       capacity = index + indices.size();
  b.team = entry->getArguments().back();
  // The decode function runs one token; saying so here removes every loop over
  // tokens.
  Value rows = b.maxTokens == 1 ? b.index(1) : Value(*count);
  for (BlockArgument arg : source.getArguments()) {
    if (isTensor(arg)) {
      tensors[arg] = {*buffer++, rows, columnsOf(arg.getType())};
    } else if (isCache(arg)) {
      this->caches[arg] = {*cache++, *capacity++};
    } else {
      scalars.map(arg, *index++);
    }
  }
  resultBuffers.assign(buffer, buffer + source.getNumResults());
  return success();
}

LogicalResult FunctionConverter::placeInto(Operation *user, Value value,
                                           Value target) {
  Rows &rows = tensors.find(value)->second;
  auto alloc = rows.buffer.getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc->getBlock() != b.getInsertionBlock())
    return user->emitOpError("can only pass on what the same block computes");
  alloc.replaceAllUsesWith(target);
  alloc.erase();
  rows.buffer = target;
  return success();
}

LogicalResult FunctionConverter::convertLinear(LinearOp op) {
  WeightRef weight = weightOf(op.getWeightAttr(), op.getLayer());
  std::optional<Rows> residual;
  if (op.getResidual())
    residual = tensors.find(op.getResidual())->second;
  if (!op.getInputEncoding()) {
    Rows input = tensors.find(op.getInput())->second;
    tensors[op.getResult()] = emitLinear(b, input, weight, residual);
    return success();
  }
  QuantizedRows input = quantized.find(op.getInput())->second;
  tensors[op.getResult()] = emitLinear(b, input, weight, residual);
  return success();
}

SmallVector<format::CodeOrder>
FunctionConverter::tableOrders(QuantizeActivationsOp op) {
  SmallVector<format::CodeOrder> orders;
  for (Operation *user : op->getUsers())
    if (auto linear = dyn_cast<LinearOp>(user)) {
      auto weight = symbols.lookup<WeightOp>(linear.getWeight());
      if (TernaryAttr ternary = weight.getTernary())
        orders.push_back(ternary.getFormat().order);
    }
  return orders;
}

LogicalResult FunctionConverter::convertGatedLinear(GatedLinearOp op) {
  if (b.maxTokens == 1)
    return op.emitOpError("is for several tokens");
  QuantizedRows input = quantized.find(op.getInput())->second;
  WeightRef weight = weightOf(op.getWeightAttr(), op.getLayer());
  setQuantized(op, emitGatedLinear(b, input, weight, op.getEncoding()));
  return success();
}

LogicalResult FunctionConverter::convertSlice(tensor::ExtractSliceOp op) {
  if (!isTensor(op.getSource()))
    return op.emitOpError("cannot take a part of ") << op.getSource().getType();
  const Rows &input = tensors.find(op.getSource())->second;
  auto type = dyn_cast<RankedTensorType>(op.getType());
  int64_t column = op.getStaticOffsets()[1];
  if (type.getRank() != 2 || op.getStaticOffsets()[0] != 0 ||
      ShapedType::isDynamic(column) || type.isDynamicDim(1) ||
      llvm::any_of(op.getStaticStrides(), [](int64_t s) { return s != 1; }))
    return op.emitOpError("can only take whole columns");
  SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(column)};
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(b.maxTokens),
                                  b.getIndexAttr(type.getDimSize(1))};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  tensors[op.getResult()] = {
      memref::SubViewOp::create(b, input.buffer, offsets, sizes, strides),
      input.count, type.getDimSize(1)};
  return success();
}

LogicalResult FunctionConverter::convertCall(func::CallOp op) {
  SmallVector<Value> cacheBytes, buffers, indices, contexts;
  Value rows;
  for (Value operand : op.getOperands()) {
    if (isTensor(operand)) {
      const Rows &mapped = tensors.find(operand)->second;
      if (mapped.buffer.getType() != bufferType(operand.getType()))
        return op.emitOpError("cannot pass a slice of columns");
      if (rows && rows != mapped.count)
        return op.emitOpError("cannot pass tensors with different numbers of "
                              "rows");
      buffers.push_back(mapped.buffer);
      rows = mapped.count;
    } else if (isCache(operand)) {
      const auto &[bytes, context] = caches.find(operand)->second;
      cacheBytes.push_back(bytes);
      contexts.push_back(context);
    } else if (operand.getType().isIndex()) {
      indices.push_back(scalars.lookup(operand));
    } else {
      return op.emitOpError("cannot pass ") << operand.getType();
    }
  }
  if (!rows)
    return op.emitOpError("needs a tensor argument that gives the number of "
                          "rows");
  for (Value result : op.getResults()) {
    if (!isTensor(result))
      return op.emitOpError("cannot take ") << result.getType();
    Rows mapped = b.allocRows(columnsOf(result.getType()),
                              getElementTypeOrSelf(result.getType()), rows);
    buffers.push_back(mapped.buffer);
    tensors[result] = mapped;
  }
  SmallVector<Value> operands{b.weights};
  llvm::append_range(operands, cacheBytes);
  operands.push_back(workspace);
  llvm::append_range(operands, buffers);
  operands.push_back(rows);
  llvm::append_range(operands, indices);
  llvm::append_range(operands, contexts);
  operands.push_back(b.team);
  func::CallOp::create(b, op.getCallee(), TypeRange(), operands);
  return success();
}

LogicalResult FunctionConverter::convertFor(scf::ForOp op) {
  // What a round computes must not overwrite what it reads, so the carried
  // tensor alternates between two buffers.
  if (op.getNumResults() != 1 || !isTensor(op.getResult(0)))
    return op.emitOpError("must carry exactly one tensor of activations");
  Value init = op.getInitArgs().front();
  Rows first = tensors.find(init)->second;
  if (!first.buffer.getDefiningOp<memref::AllocOp>() || !init.hasOneUse())
    return op.emitOpError("must own the tensor that it starts with");
  Rows second = b.allocRows(first.cols, getElementTypeOrSelf(init.getType()),
                            first.count);
  auto loop = scf::ForOp::create(
      b, scalars.lookup(op.getLowerBound()), scalars.lookup(op.getUpperBound()),
      scalars.lookup(op.getStep()), ValueRange{first.buffer, second.buffer});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value current = loop.getRegionIterArg(0), next = loop.getRegionIterArg(1);
  scalars.map(op.getInductionVar(), loop.getInductionVar());
  tensors[op.getRegionIterArg(0)] = {current, first.count, first.cols};
  if (failed(convertBlock(*op.getBody())) ||
      failed(placeInto(op, op.getYieldedValues().front(), next)))
    return failure();
  scf::YieldOp::create(b, ValueRange{next, current});
  tensors[op.getResult(0)] = {loop.getResult(0), first.count, first.cols};
  return success();
}

/// The graph op and the weight that it reads.
static DictionaryAttr describeStep(Operation &op) {
  Builder b(op.getContext());
  SmallVector<NamedAttribute> entries{
      b.getNamedAttr("op", b.getStringAttr(op.getName().stripDialect()))};
  if (auto weight = op.getAttrOfType<FlatSymbolRefAttr>("weight"))
    entries.push_back(b.getNamedAttr("weight", weight));
  return b.getDictionaryAttr(entries);
}

LogicalResult FunctionConverter::convertOp(Operation &op) {
  b.setLoc(op.getLoc());
  b.step = describeStep(op);
  b.releaseLocals();
  auto rows = [&](Value value) -> Rows & {
    return tensors.find(value)->second;
  };
  auto cacheOf = [&](auto op) -> CacheRef {
    const auto &[bytes, context] = caches.find(op.getCache())->second;
    return {op.getCache().getType(),
            bytes,
            context,
            scalars.lookup(op.getLayer()),
            rows(op.getPositions()),
            rows(op.getSequences())};
  };
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](EmbeddingOp op) {
        tensors[op.getResult()] =
            emitEmbedding(b, Rows(rows(op.getTokens())),
                          weightOf(op.getWeightAttr(), nullptr));
        return success();
      })
      .Case([&](RmsNormOp op) {
        tensors[op.getResult()] =
            emitRmsNorm(b, Rows(rows(op.getInput())),
                        weightOf(op.getWeightAttr(), op.getLayer()),
                        op.getEpsilon().convertToFloat());
        return success();
      })
      .Case([&](AddBiasOp op) {
        tensors[op.getResult()] =
            emitAddBias(b, Rows(rows(op.getInput())),
                        weightOf(op.getWeightAttr(), op.getLayer()));
        return success();
      })
      .Case([&](QuantizeActivationsOp op) {
        setQuantized(op, emitQuantize(b, Rows(rows(op.getInput())),
                                      op.getEncoding(), tableOrders(op)));
        return success();
      })
      .Case([&](LinearOp op) { return convertLinear(op); })
      .Case([&](GatedLinearOp op) { return convertGatedLinear(op); })
      .Case([&](RopeTableOp op) {
        tensors[op.getResult()] = emitRopeTable(b, op, rows(op.getPositions()));
        return success();
      })
      .Case([&](RopeOp op) {
        tensors[op.getResult()] =
            emitRope(b, Rows(rows(op.getInput())), Rows(rows(op.getTable())));
        return success();
      })
      .Case([&](UpdateCacheOp op) {
        emitUpdateCache(b, rows(op.getKeys()), rows(op.getValues()),
                        cacheOf(op));
        return success();
      })
      .Case([&](AttentionOp op) {
        tensors[op.getResult()] =
            emitAttention(b, Rows(rows(op.getQuery())), cacheOf(op));
        return success();
      })
      .Case([&](SwiGLUOp op) {
        tensors[op.getResult()] =
            emitSwiGLU(b, Rows(rows(op.getGate())), Rows(rows(op.getUp())));
        return success();
      })
      .Case([&](LastTokensOp op) {
        const Rows input = rows(op.getInput());
        Value count = scalars.lookup(op.getCount());
        Value skip = arith::SubIOp::create(b, input.count, count);
        SmallVector<OpFoldResult> offsets{skip, b.getIndexAttr(0)};
        // Rows beyond the count are never touched, so the view may claim all.
        SmallVector<OpFoldResult> sizes{b.getIndexAttr(b.maxTokens),
                                        b.getIndexAttr(input.cols)};
        SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
        tensors[op.getResult()] = {
            memref::SubViewOp::create(b, input.buffer, offsets, sizes, strides),
            count, input.cols};
        return success();
      })
      .Case([&](arith::AddFOp op) -> LogicalResult {
        if (!isTensor(op.getResult()))
          return op.emitOpError("is not part of a graph");
        tensors[op.getResult()] =
            emitAdd(b, Rows(rows(op.getLhs())), Rows(rows(op.getRhs())));
        return success();
      })
      .Case([&](tensor::ExtractSliceOp op) { return convertSlice(op); })
      .Case([&](tensor::DimOp op) -> LogicalResult {
        if (op.getConstantIndex() != 0)
          return op.emitOpError("only the number of rows can be asked for");
        scalars.map(op.getResult(), rows(op.getSource()).count);
        return success();
      })
      .Case([&](arith::ConstantOp op) {
        b.clone(*op, scalars);
        return success();
      })
      .Case([&](func::CallOp op) { return convertCall(op); })
      .Case([&](scf::ForOp op) { return convertFor(op); })
      .Default([](Operation *op) {
        return op->emitOpError("is not part of a graph");
      });
}

LogicalResult FunctionConverter::convertBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(convertOp(op)))
      return failure();
  return success();
}

LogicalResult FunctionConverter::convert() {
  if (!llvm::hasSingleElement(source.getBody()))
    return source.emitError("a graph has one block");
  if (failed(createFunction()) ||
      failed(convertBlock(source.getBody().front())))
    return failure();
  Operation *terminator = source.getBody().front().getTerminator();
  for (auto [value, buffer] :
       llvm::zip_equal(terminator->getOperands(), resultBuffers))
    if (failed(placeInto(terminator, value, buffer)))
      return failure();
  b.setLoc(terminator->getLoc());
  func::ReturnOp::create(b);
  source.erase();
  return success();
}

namespace {
struct ConvertSherryToKernelPass
    : sherry::impl::ConvertSherryToKernelBase<ConvertSherryToKernelPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    for (auto weight : module.getOps<WeightOp>()) {
      if (!weight.getOffset())
        return fail(weight, "has no place: run sherry-place-weights first");
      TernaryAttr ternary = weight.getTernary();
      if (ternary && !ternary.getLayout())
        return fail(weight, "has no layout: run sherry-select-layout first");
    }
    auto size =
        SherryDialect::WeightsSizeAttrHelper(&getContext()).getAttr(module);
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (failed(FunctionConverter(function, symbols, size ? size.getInt() : 0)
                     .convert()))
        return signalPassFailure();
  }

  void fail(Operation *op, const char *message) {
    op->emitOpError(message);
    signalPassFailure();
  }
};
} // namespace
