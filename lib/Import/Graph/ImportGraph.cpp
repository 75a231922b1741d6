//===- ImportGraph.cpp - A model's configuration as IR --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Import/ImportGraph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Verifier.h"
#include "sherry/Dialect/Sherry/DenseTypes.h"
#include "sherry/Dialect/Sherry/SherryDialect.h"

using namespace mlir;
using namespace sherry;

namespace {

class GraphImporter {
public:
  GraphImporter(MLIRContext &context, const ModelConfig &config,
                const WeightPlan &plan, CacheType cacheType)
      : config(config), plan(plan),
        module(ModuleOp::create(UnknownLoc::get(&context))),
        b(UnknownLoc::get(&context), &context) {
    b.setInsertionPointToEnd(module->getBody());
    rows = activations(config.hiddenSize);
    table = activations(config.headDim);
    numbers = getRowNumbersType(&context);
    cache = KVCacheType::get(
        &context, config.numLayers, config.numKeyValueHeads, config.headDim,
        getCacheElement(cacheType), config.maxPositionEmbeddings);
    SherryDialect::CacheAttrHelper(&context).setAttr(*module,
                                                     TypeAttr::get(cache));
    SherryDialect::StageAttrHelper(&context).setAttr(*module,
                                                     b.getStringAttr("sherry"));
  }

  llvm::Expected<OwningOpRef<ModuleOp>> import();

private:
  Type getCacheElement(CacheType type) {
    switch (type) {
    case CacheType::F32:
      return b.getF32Type();
    case CacheType::F16:
      return b.getF16Type();
    case CacheType::I8:
      return b.getI8Type();
    }
    llvm_unreachable("unknown cache type");
  }
  RankedTensorType activations(int64_t cols) {
    return RankedTensorType::get({ShapedType::kDynamic, cols}, b.getF32Type());
  }
  FlatSymbolRefAttr reference(StringRef name) {
    return FlatSymbolRefAttr::get(b.getContext(), name);
  }
  RankedTensorType getType(const PlannedWeight &weight);
  void addWeights();
  void addLayer();
  void addForward();

  const ModelConfig &config;
  const WeightPlan &plan;
  OwningOpRef<ModuleOp> module;
  ImplicitLocOpBuilder b;
  RankedTensorType rows, table, numbers;
  KVCacheType cache;
};

} // namespace

RankedTensorType GraphImporter::getType(const PlannedWeight &weight) {
  MLIRContext *context = b.getContext();
  const TernaryWeights *ternary = getTernary(weight.type);
  if (!ternary)
    return RankedTensorType::get(
        weight.shape,
        getDenseType(context, std::get<format::DenseFormat>(weight.type)));
  const format::TernaryLayout &layout = ternary->layout;
  bool perGroup = layout.granularity == format::Granularity::PerGroup;
  auto granularity = perGroup ? Granularity::PerGroup
                     : layout.granularity == format::Granularity::PerChannel
                         ? Granularity::PerChannel
                         : Granularity::PerTensor;
  FloatType scale = layout.scaleType == format::ScaleType::F16
                        ? FloatType(b.getF16Type())
                        : FloatType(b.getF32Type());
  return RankedTensorType::get(
      weight.shape, TritType::get(context),
      TernaryAttr::get(
          context, CodebookAttr::get(context, *layout.codebook),
          ternary->isStrided ? Grouping::Strided : Grouping::Contiguous,
          granularity, perGroup ? layout.groupSize : 0, scale, LayoutAttr()));
}

void GraphImporter::addWeights() {
  for (const PlannedWeight &weight : plan.weights)
    WeightOp::create(b, weight.name, weight.count,
                     b.getStrArrayAttr(StringRef(weight.source)),
                     weight.shape.front(), getType(weight));
}

void GraphImporter::addLayer() {
  Type index = b.getIndexType();
  auto layer = func::FuncOp::create(
      b, "layer",
      b.getFunctionType({rows, table, numbers, numbers, cache, index}, rows));
  layer.setPrivate();
  OpBuilder::InsertionGuard guard(b);
  Block *block = layer.addEntryBlock();
  b.setInsertionPointToStart(block);
  Value x = block->getArgument(0), angles = block->getArgument(1),
        positions = block->getArgument(2), sequences = block->getArgument(3),
        kv = block->getArgument(4), number = block->getArgument(5);
  auto norm = [&](Value input, StringRef name) -> Value {
    return RmsNormOp::create(b, input, reference(name),
                             b.getF32FloatAttr(config.rmsNormEps), number);
  };
  auto linear = [&](Value input, StringRef name, int64_t outputs) -> Value {
    return LinearOp::create(b, activations(outputs), input, reference(name),
                            number);
  };
  int64_t query = config.numHeads * config.headDim;
  int64_t keyValue = config.numKeyValueHeads * config.headDim;

  Value input = norm(x, "attention_norm");
  Value q = linear(input, "q", query);
  Value k = linear(input, "k", keyValue);
  Value v = linear(input, "v", keyValue);
  if (config.architecture->hasQkvBias)
    for (auto [value, name] :
         {std::pair(&q, "q_bias"), {&k, "k_bias"}, {&v, "v_bias"}})
      *value = AddBiasOp::create(b, value->getType(), *value, reference(name),
                                 number);
  auto normHeads = [&](Architecture::QkNorm when) {
    if (config.architecture->qkNorm != when)
      return;
    for (auto [value, name] : {std::pair(&q, "q_norm"), {&k, "k_norm"}})
      *value = RmsNormOp::create(b, value->getType(), *value, reference(name),
                                 number, b.getF32FloatAttr(config.rmsNormEps));
  };
  normHeads(Architecture::QkNorm::BeforeRope);
  q = RopeOp::create(b, q.getType(), q, angles);
  k = RopeOp::create(b, k.getType(), k, angles);
  normHeads(Architecture::QkNorm::AfterRope);
  UpdateCacheOp::create(b, k, v, kv, number, positions, sequences);
  Value mixed =
      AttentionOp::create(b, q.getType(), q, kv, number, positions, sequences);
  if (config.architecture->hasSubNorms)
    mixed = norm(mixed, "attention_sub_norm");
  x = arith::AddFOp::create(b, x, linear(mixed, "o", config.hiddenSize));

  input = norm(x, "ffn_norm");
  Value gate = linear(input, "gate", config.intermediateSize);
  Value up = linear(input, "up", config.intermediateSize);
  auto activation = config.activation == GateActivation::Relu2
                        ? Activation::Relu2
                        : Activation::Silu;
  Value hidden = SwiGLUOp::create(b, gate.getType(), gate, up, activation);
  if (config.architecture->hasSubNorms)
    hidden = norm(hidden, "ffn_sub_norm");
  x = arith::AddFOp::create(b, x, linear(hidden, "down", config.hiddenSize));
  func::ReturnOp::create(b, x);
}

void GraphImporter::addForward() {
  Type index = b.getIndexType();
  RankedTensorType logits = activations(config.vocabSize);
  auto forward = func::FuncOp::create(
      b, "forward",
      b.getFunctionType({numbers, numbers, numbers, cache, index, index},
                        {logits, rows}));
  OpBuilder::InsertionGuard guard(b);
  Block *block = forward.addEntryBlock();
  b.setInsertionPointToStart(block);
  // The tensors have the order of sherry_abi_forward_fn.
  Value ids = block->getArgument(0), positions = block->getArgument(1),
        sequences = block->getArgument(2), kv = block->getArgument(3),
        numLogits = block->getArgument(4), numHidden = block->getArgument(5);
  RopeScalingAttr rule;
  DenseF64ArrayAttr divisors;
  FloatAttr magnitude;
  if (const auto &scaling = config.ropeScaling) {
    if (scaling->type == RopeScaling::Type::Llama3)
      rule = RopeScalingAttr::get(b.getContext(),
                                  b.getF64FloatAttr(scaling->factor),
                                  b.getF64FloatAttr(scaling->lowFreqFactor),
                                  b.getF64FloatAttr(scaling->highFreqFactor),
                                  scaling->originalMaxPositionEmbeddings);
    else
      divisors = b.getDenseF64ArrayAttr(listRopeDivisors(config));
    if (scaling->magnitude != 1)
      magnitude = b.getF64FloatAttr(scaling->magnitude);
  }
  Value x = EmbeddingOp::create(b, rows, ids, reference("embedding"));
  Value angles = RopeTableOp::create(b, table, positions,
                                     b.getF64FloatAttr(config.ropeTheta), rule,
                                     divisors, magnitude);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::ConstantIndexOp::create(b, config.numLayers);
  auto loop = scf::ForOp::create(b, zero, count, one, x);
  {
    OpBuilder::InsertionGuard inLoop(b);
    b.setInsertionPointToStart(loop.getBody());
    auto call = func::CallOp::create(b, "layer", rows,
                                     ValueRange{loop.getRegionIterArg(0),
                                                angles, positions, sequences,
                                                kv, loop.getInductionVar()});
    scf::YieldOp::create(b, call.getResults());
  }
  Value hidden = LastTokensOp::create(b, rows, loop.getResult(0), numHidden);
  hidden = RmsNormOp::create(b, hidden, reference("output_norm"),
                             b.getF32FloatAttr(config.rmsNormEps));
  Value last = LastTokensOp::create(b, rows, hidden, numLogits);
  StringRef head = config.tieWordEmbeddings ? "embedding" : "head";
  Value result = LinearOp::create(b, logits, last, reference(head));
  func::ReturnOp::create(b, ValueRange{result, hidden});
}

llvm::Expected<OwningOpRef<ModuleOp>> GraphImporter::import() {
  addWeights();
  addLayer();
  addForward();
  if (failed(verify(*module)))
    return llvm::createStringError("the imported graph is not valid");
  return std::move(module);
}

llvm::Expected<OwningOpRef<ModuleOp>>
sherry::importGraph(MLIRContext &context, const ModelConfig &config,
                    const WeightPlan &plan, CacheType cacheType) {
  return GraphImporter(context, config, plan, cacheType).import();
}
