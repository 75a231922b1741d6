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
#include "sherry/Dialect/Sherry/SherryDialect.h"

using namespace mlir;
using namespace sherry;

namespace {

class GraphImporter {
public:
  GraphImporter(MLIRContext &context, const ModelConfig &config,
                const StorageOptions &options)
      : config(config), options(options),
        module(ModuleOp::create(UnknownLoc::get(&context))),
        b(UnknownLoc::get(&context), &context) {
    b.setInsertionPointToEnd(module->getBody());
    rows = activations(config.hiddenSize);
    table = activations(config.headDim);
    numbers = getRowNumbersType(&context);
    cache = KVCacheType::get(&context, config.numLayers,
                             config.numKeyValueHeads, config.headDim,
                             cacheElementType(), config.maxPositionEmbeddings);
  }

  llvm::Expected<OwningOpRef<ModuleOp>> import();

private:
  Type cacheElementType() {
    switch (options.cacheType) {
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
  void addWeight(StringRef name, int64_t count, StringRef source,
                 RankedTensorType type) {
    WeightOp::create(b, name, count, b.getStrArrayAttr(source),
                     ArrayRef<int64_t>(type.getDimSize(0)), type, IntegerAttr(),
                     IntegerAttr());
  }
  void addNorm(StringRef name, int64_t count, StringRef source) {
    addWeight(name, count, source,
              RankedTensorType::get(config.hiddenSize, b.getF32Type()));
  }
  /// A matrix that is never ternary: the embedding and the head.
  void addDense(StringRef name, StringRef source,
                const format::BlockFormat *format) {
    addWeight(name, 1, source,
              RankedTensorType::get({config.vocabSize, config.hiddenSize},
                                    getDenseType(b.getContext(), format)));
  }
  llvm::Error addLinear(StringRef name, StringRef module, int64_t outputs,
                        int64_t inputs);
  llvm::Error addWeights();
  void addLayer();
  void addForward();

  const ModelConfig &config;
  const StorageOptions &options;
  OwningOpRef<ModuleOp> module;
  ImplicitLocOpBuilder b;
  RankedTensorType rows, table, numbers;
  KVCacheType cache;
};

} // namespace

llvm::Error GraphImporter::addLinear(StringRef name, StringRef moduleName,
                                     int64_t outputs, int64_t inputs) {
  bool ternary = options.quantize;
  if (config.quantization && ternary) {
    // Entries are module names or their last parts. All layers share their
    // code, so they must agree.
    for (StringRef entry : config.quantization->modulesToNotConvert) {
      if (entry == moduleName.rsplit('.').second || entry == moduleName)
        ternary = false;
      else if (entry.starts_with("model.layers."))
        return llvm::createStringError(
            "config.json: quantization_config.modules_to_not_convert: '" +
            entry +
            "' excludes a module of one layer; name the module "
            "without its layer (such as '" +
            moduleName.rsplit('.').second + "') to exclude it in all layers");
    }
  }
  Type element = b.getBF16Type();
  Attribute encoding;
  if (ternary) {
    bool perGroup = options.granularity == format::Granularity::PerGroup;
    auto sharing = perGroup ? ScaleSharing::PerGroup
                   : options.granularity == format::Granularity::PerChannel
                       ? ScaleSharing::PerChannel
                       : ScaleSharing::PerTensor;
    FloatType scale = options.scaleType == format::ScaleType::F16
                          ? FloatType(b.getF16Type())
                          : FloatType(b.getF32Type());
    element = TritType::get(b.getContext());
    encoding =
        TernaryAttr::get(b.getContext(), Grouping::Contiguous, sharing,
                         perGroup ? options.groupSize : 0, scale, LayoutAttr());
  }
  addWeight(name, config.numLayers,
            ("model.layers.{}." + moduleName + ".weight").str(),
            RankedTensorType::get({outputs, inputs}, element, encoding));
  return llvm::Error::success();
}

llvm::Error GraphImporter::addWeights() {
  int64_t query = config.numHeads * config.headDim;
  int64_t keyValue = config.numKeyValueHeads * config.headDim;
  int64_t hidden = config.hiddenSize, ffn = config.intermediateSize;
  // A tied embedding is the head, so it is stored like one.
  addDense("embedding", "model.embed_tokens.weight",
           config.tieWordEmbeddings ? options.head : nullptr);
  addNorm("attention_norm", config.numLayers,
          "model.layers.{}.input_layernorm.weight");
  struct Linear {
    StringRef name, module;
    int64_t outputs, inputs;
  };
  for (const Linear &linear :
       {Linear{"q", "self_attn.q_proj", query, hidden},
        Linear{"k", "self_attn.k_proj", keyValue, hidden},
        Linear{"v", "self_attn.v_proj", keyValue, hidden},
        Linear{"o", "self_attn.o_proj", hidden, query},
        Linear{"gate", "mlp.gate_proj", ffn, hidden},
        Linear{"up", "mlp.up_proj", ffn, hidden},
        Linear{"down", "mlp.down_proj", hidden, ffn}})
    if (llvm::Error error = addLinear(linear.name, linear.module,
                                      linear.outputs, linear.inputs))
      return error;
  addNorm("ffn_norm", config.numLayers,
          "model.layers.{}.post_attention_layernorm.weight");
  addNorm("output_norm", 1, "model.norm.weight");
  if (!config.tieWordEmbeddings)
    addDense("head", "lm_head.weight", options.head);
  return llvm::Error::success();
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
    return RmsNormOp::create(b, rows, input, reference(name), number,
                             b.getF32FloatAttr(config.rmsNormEps));
  };
  auto linear = [&](Value input, StringRef name, int64_t outputs) -> Value {
    return LinearOp::create(b, activations(outputs), input, Value(), Value(),
                            reference(name), number);
  };
  int64_t query = config.numHeads * config.headDim;
  int64_t keyValue = config.numKeyValueHeads * config.headDim;

  Value input = norm(x, "attention_norm");
  Value q = linear(input, "q", query);
  Value k = linear(input, "k", keyValue);
  Value v = linear(input, "v", keyValue);
  q = RopeOp::create(b, q.getType(), q, angles);
  k = RopeOp::create(b, k.getType(), k, angles);
  UpdateCacheOp::create(b, k, v, kv, number, positions, sequences);
  Value mixed =
      AttentionOp::create(b, q.getType(), q, kv, number, positions, sequences);
  x = arith::AddFOp::create(b, x, linear(mixed, "o", config.hiddenSize));

  input = norm(x, "ffn_norm");
  Value gate = linear(input, "gate", config.intermediateSize);
  Value up = linear(input, "up", config.intermediateSize);
  Value hidden = SwiGLUOp::create(b, gate.getType(), gate, up);
  x = arith::AddFOp::create(b, x, linear(hidden, "down", config.hiddenSize));
  func::ReturnOp::create(b, x);
}

void GraphImporter::addForward() {
  Type index = b.getIndexType();
  RankedTensorType logits = activations(config.vocabSize);
  auto forward = func::FuncOp::create(
      b, "forward",
      b.getFunctionType({numbers, numbers, numbers, cache, index}, logits));
  OpBuilder::InsertionGuard guard(b);
  Block *block = forward.addEntryBlock();
  b.setInsertionPointToStart(block);
  // The order of the tensors is that of sherry_abi_forward_fn.
  Value ids = block->getArgument(0), positions = block->getArgument(1),
        sequences = block->getArgument(2), kv = block->getArgument(3),
        numLogits = block->getArgument(4);
  RopeScalingAttr scaling;
  if (config.ropeScaling)
    scaling = RopeScalingAttr::get(
        b.getContext(), b.getF64FloatAttr(config.ropeScaling->factor),
        b.getF64FloatAttr(config.ropeScaling->lowFreqFactor),
        b.getF64FloatAttr(config.ropeScaling->highFreqFactor),
        config.ropeScaling->originalMaxPositionEmbeddings);
  Value x = EmbeddingOp::create(b, rows, ids, reference("embedding"));
  Value angles = RopeTableOp::create(
      b, table, positions, b.getF64FloatAttr(config.ropeTheta), scaling);
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
  Value last = LastTokensOp::create(b, rows, loop.getResult(0), numLogits);
  last = RmsNormOp::create(b, rows, last, reference("output_norm"), Value(),
                           b.getF32FloatAttr(config.rmsNormEps));
  StringRef head = config.tieWordEmbeddings ? "embedding" : "head";
  Value result = LinearOp::create(b, logits, last, Value(), Value(),
                                  reference(head), Value());
  func::ReturnOp::create(b, result);
}

llvm::Expected<OwningOpRef<ModuleOp>> GraphImporter::import() {
  if (llvm::Error error = addWeights())
    return error;
  addLayer();
  addForward();
  if (failed(verify(*module)))
    return llvm::createStringError("the imported graph is not valid");
  return std::move(module);
}

llvm::Expected<OwningOpRef<ModuleOp>>
sherry::importGraph(MLIRContext &context, const ModelConfig &config,
                    const StorageOptions &options) {
  return GraphImporter(context, config, options).import();
}
