//===- Passes.td - Passes on the graph level ---------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRANSFORMS_PASSES
#define SHERRY_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def AttachTarget : Pass<"sherry-attach-target", "::mlir::ModuleOp"> {
  let summary = "write the CPU and what suits it on the module";
  let description = [{
    Writes `llvm.target`, `sherry.schedule`, and `fuse_mul_add` of
    `sherry.numerics`, for a CPU by name. All other passes read these
    attributes. Without `cpu`, those that are there stay. Further options change
    single fields.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "", "a CPU that LLVM knows, or native">,
    Option<"maxBlock", "max-block", "int64_t", "",
           "most tokens of a prefill call, a multiple of 8">,
    Option<"prefetch", "prefetch", "int64_t", "",
           "bytes that decoding prefetches weights ahead; 0: not at all">,
    Option<"prefetchL2", "prefetch-l2", "int64_t", "",
           "the same into the second-level cache, beside the first">,
    Option<"interleave", "interleave", "int64_t", "",
           "tiles of 32 rows whose steps alternate">,
    Option<"order", "order", "::sherry::CodeOrder", "", "bytes of the codes",
           [{::llvm::cl::values(
               clEnumValN(::sherry::CodeOrder::Words, "words",
                          "for lookups among 32 entries"),
               clEnumValN(::sherry::CodeOrder::Nibbles, "nibbles",
                          "for lookups among 16 entries"))}]>,
    Option<"lookupTokens", "lookup-tokens", "int64_t", "",
           "most tokens that are looked up in tables together">,
    Option<"pairSums", "pair-sums", "bool", "",
           "several tokens: sum pairs of products in 16 bits">,
    Option<"fuseDecode", "fuse-decode", "bool", "",
           "several tokens: multiply the first ones while decoding">,
    Option<"multiplyPanels", "multiply-panels", "bool", "",
           "several tokens: multiply 32 with a whole panel at once">,
    Option<"fuseMulAdd", "fuse-mul-add", "bool", "",
           "round a product and its addition once, as FMA does">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::sherry::SherryDialect"];
}

def FuseLinear : Pass<"sherry-fuse-linear", "::mlir::ModuleOp"> {
  let summary = "one product for linear ops that share their input";
  let description = [{
    Weights of the same kind that are multiplied with the same activations (q, k
    and v; gate and up) are concatenated along the output axis. Rows keep their
    values: a row's scales do not depend on other rows, except with `per_tensor`
    scales, which are left alone.
  }];
  let statistics = [Statistic<"numFused", "num-fused",
                              "linear ops that became part of another">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def QuantizeActivations
    : Pass<"sherry-quantize-activations", "::mlir::ModuleOp"> {
  let summary = "feed linear ops with 8-bit activations";
  let description = [{
    Every linear op whose weight has integer kernels (all but bf16, f16 and f32) gets its
    input through `sherry.quantize_activations`. Equal ones are left to `-cse`.
    Does nothing where `sherry.numerics` says that activations are f32.
  }];
  let statistics = [
    Statistic<"numQuantized", "num-quantized", "linear ops changed">];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def Shard : Pass<"sherry-shard", "::mlir::ModuleOp"> {
  let summary = "cut a model among ranks";
  let description = [{
    Every matrix is cut by its outputs: a rank computes its rows as one machine
    does, so no bit changes. Heads, heads of keys and values, and the cache are
    divided, vectors that belong to outputs too; other norms are on all ranks.
    Where a value is needed whole, a `sherry.all_gather` gives the columns of all
    ranks: before norms, after the last layer, for the logits in f32; before
    linear ops as values and scales, if their inputs are quantized in blocks that
    lie within ranks. The embedding is cut by its rows, which are the tokens: what
    the ranks have found is gathered, and `sherry.pick_owned` takes the rank's
    columns of what the owner has. So the layers carry, and add to, the columns of
    a rank. All ranks have the same code.

    Fails, and says why, if heads of keys and values are not divisible, a rank's
    rows of a matrix are no multiple of 32, an op has no rule, or calls of a
    function pass it different columns. Runs after linear ops are fused and
    quantized, and before functions are specialized. For one rank it only removes
    `sherry.ranks`.
  }];
  let options = [
    Option<"ranks", "ranks", "int64_t", "0",
           "number of ranks, which becomes the attribute `sherry.ranks`; 0: that "
           "of the attribute, without one 1">];
  let statistics = [
    Statistic<"numGathers", "num-gathers", "all_gather ops made">];
  let dependentDialects = ["::sherry::SherryDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SpecializeTokens : Pass<"sherry-specialize-tokens", "::mlir::ModuleOp"> {
  let summary = "copies of the model for one token, for few and for a block";
  let description = [{
    The public function `forward` becomes `decode`, `decode_2`, `decode_4` ...
    and `prefill`; functions it calls get these names as prefixes. The attribute
    `sherry.max_tokens` of each says how many tokens it takes at most: 1, 2, 4
    ... up to `lookup_tokens`, and `max_block` of the schedule.
  }];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def SelectLayout : Pass<"sherry-select-layout", "::mlir::ModuleOp"> {
  let summary = "give ternary weights the layout of the schedule";
  let description = [{
    `order` and `interleave` of `sherry.schedule`. `words` suits CPUs where a
    32-entry lookup is one instruction (AVX512BW) and those without lookups,
    `nibbles` those with 16-entry byte lookups (AVX2). Interleaved tiles share
    the loads of tables, which pays where lookups are instructions. A weight
    that has a layout keeps it. In functions for up to `lookup_tokens` tokens,
    the quantized inputs of such weights get tables for their order.
  }];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def FuseRope : Pass<"sherry-fuse-rope", "::mlir::ModuleOp"> {
  let summary = "rotate queries and keys in one op";
  let description = [{
    Two `sherry.rope` with one table, one after the other, of neighbouring
    columns of one tensor become one op: a step less in each layer. Heads
    that are normalized before they are rotated (Qwen3) are not columns of one
    tensor, and stay.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "pairs fused">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def FuseResidual : Pass<"sherry-fuse-residual", "::mlir::ModuleOp"> {
  let summary = "add residuals where outputs are stored";
  let description = [{
    A linear op of which only an `arith.addf` makes use gets its other operand
    as `plus`.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "additions removed">];
}

def FuseSwiGLU : Pass<"sherry-fuse-swiglu", "::mlir::ModuleOp"> {
  let summary = "apply gates while their tiles are in the cache";
  let description = [{
    In functions for several tokens, a linear op whose only use is as both sides
    of `sherry.swiglu`, and the quantization after that, become one
    `sherry.gated_linear`. It needs a layout, and outputs in whole super-tiles
    and blocks; others are left as they are.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "linear ops changed">];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def FuseSteps : Pass<"sherry-fuse-steps", "::mlir::ModuleOp"> {
  let summary = "fewer steps for a token";
  let description = [{
    In functions for one token, ops that are too small for a step of their own
    become one: quantization with the `sherry.rms_norm` or `sherry.swiglu` before
    it, and `sherry.attention` with the rotation of its queries and keys, the
    update of the cache, and the quantization of its result where blocks are those
    of heads. The numbers are the same.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "ops made of several">];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::sherry::SherryDialect"];
}

def PlaceWeights : Pass<"sherry-place-weights", "::mlir::ModuleOp"> {
  let summary = "give every weight a place in the weights section";
  let description = [{
    In the order of the module, each aligned to 64 bytes; the layers of a weight
    follow each other. The size of the section becomes the module attribute
    `sherry.weights_size`.
  }];
}

def VerifyStage : Pass<"sherry-verify-stage", "::mlir::ModuleOp"> {
  let summary = "check what a stage of the pipeline promises";
  let description = [{
    The promises are listed in docs/Pipeline.md. Reports every op that breaks
    one, and what MLIR's verifier finds. Then writes the stage's name on the
    module: `sherry.stage`.
  }];
  let options = [Option<"stage", "stage", "std::string", "\"sherry\"",
                        "sherry, layout, loops, kernel or llvm-mlir">];
}

#endif // SHERRY_TRANSFORMS_PASSES
