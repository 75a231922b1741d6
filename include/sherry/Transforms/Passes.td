//===- Passes.td - Passes on the graph level ---------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRANSFORMS_PASSES
#define SHERRY_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def AttachTarget : Pass<"sherry-attach-target", "::mlir::ModuleOp"> {
  let summary = "write a CPU and its schedule on the module";
  let description = [{
    Writes `llvm.target`, `sherry.schedule`, and `fuse_mul_add` of
    `sherry.numerics` for a CPU, given by name. All other passes read these
    attributes. Without `cpu`, existing attributes stay. Further options change
    single fields.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", "", "a CPU that LLVM knows, or native">,
    Option<"maxBlock", "max-block", "int64_t", "",
           "most tokens of a prefill call, a multiple of 8">,
    Option<"prefetch", "prefetch", "int64_t", "",
           "bytes that decode prefetches weights ahead; 0: no prefetches">,
    Option<"prefetchL2", "prefetch-l2", "int64_t", "",
           "the same for the second-level cache, in addition to the first">,
    Option<"prefetchPlain", "prefetch-plain", "bool", "",
           "functions of one token prefetch plain weights, too">,
    Option<"interleave", "interleave", "int64_t", "",
           "tiles of 32 outputs whose steps alternate">,
    Option<"order", "order", "::sherry::CodeOrder", "", "order of the codes in bytes",
           [{::llvm::cl::values(
               clEnumValN(::sherry::CodeOrder::Words, "words",
                          "for lookups among 32 entries"),
               clEnumValN(::sherry::CodeOrder::Nibbles, "nibbles",
                          "for lookups among 16 entries"))}]>,
    Option<"lookupTokens", "lookup-tokens", "int64_t", "",
           "most tokens that are looked up in tables together">,
    Option<"lookupBlock", "lookup-block", "int64_t", "",
           "most tokens of functions that look more tokens up">,
    Option<"sumTokens", "sum-tokens", "int64_t", "",
           "most tokens whose sums are in registers together">,
    Option<"pairSums", "pair-sums", "bool", "",
           "with several tokens, sum pairs of products in 16 bits">,
    Option<"fuseUnpack", "fuse-unpack", "bool", "",
           "with several tokens, multiply the first while unpacking codes">,
    Option<"multiplyPanels", "multiply-panels", "bool", "",
           "with several tokens, multiply 32 with a whole panel at once">,
    Option<"fuseMulAdd", "fuse-mul-add", "bool", "",
           "round a product and its addition once, as FMA does">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::sherry::SherryDialect"];
}

def FuseLinear : Pass<"sherry-fuse-linear", "::mlir::ModuleOp"> {
  let summary = "make one product of linear ops with the same input";
  let description = [{
    Concatenates weights of the same kind that are multiplied with the same
    activations (q, k and v; gate and up) along the output axis. Outputs keep
    their values, because the scales of an output do not depend on other
    outputs. Weights with `per_tensor` scales are left alone.
  }];
  let statistics = [Statistic<"numFused", "num-fused",
                              "linear ops that became part of another">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def QuantizeActivations
    : Pass<"sherry-quantize-activations", "::mlir::ModuleOp"> {
  let summary = "feed linear ops with 8-bit activations";
  let description = [{
    Every linear op whose weight has integer kernels (all types except bf16, f16
    and f32) gets its input through `sherry.quantize_activations`. `-cse`
    removes duplicates. Does nothing if `sherry.numerics` says that activations
    are f32.
  }];
  let statistics = [
    Statistic<"numQuantized", "num-quantized", "linear ops changed">];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def Shard : Pass<"sherry-shard", "::mlir::ModuleOp"> {
  let summary = "cut a model among ranks";
  let description = [{
    Cuts every matrix by its outputs. A rank computes its outputs as one machine
    does, so no bit changes. Heads, heads of keys and values, and the cache are
    divided, as are vectors that belong to outputs; other norms are on all
    ranks.

    Where a value is needed whole, a `sherry.all_gather` gathers the columns of
    all ranks: before norms, after the last layer, and for the logits in f32;
    before linear ops as values and scales, if the inputs are quantized in
    blocks of which each lies in one rank. The embedding is cut by its rows,
    which are the tokens: `sherry.all_gather` gathers the rows that the ranks
    have read, and `sherry.pick_owned` takes this rank's columns of the owner's
    row. So each rank carries, and adds to, its own columns from layer to layer.
    All ranks have the same code.

    Fails with a reason if heads of keys and values cannot be divided, if the
    number of a rank's outputs of a matrix is not a multiple of 32, if an op has
    no rule, or if calls of a function pass it different columns. Runs after
    linear ops are fused and quantized, and before functions are specialized.
    For one rank it only removes `sherry.ranks`.
  }];
  let options = [
    Option<"ranks", "ranks", "int64_t", "0",
           "number of ranks; becomes the attribute `sherry.ranks`. 0: the value "
           "of the attribute, or 1 without the attribute">];
  let statistics = [
    Statistic<"numGathers", "num-gathers", "all_gather ops made">];
  let dependentDialects = ["::sherry::SherryDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SpecializeTokens : Pass<"sherry-specialize-tokens", "::mlir::ModuleOp"> {
  let summary = "copy the model for one token, for few and for a block";
  let description = [{
    The public function `forward` becomes `decode`, `decode_2`, `decode_4` ...
    and `prefill`; the names of functions that it calls get these names as
    prefixes. The attribute `sherry.max_tokens` of each function is the most
    tokens of a call: 1, 2, 4 ... up to `lookup_tokens`, then `lookup_block` if
    it is larger and less than `max_block`, and for `prefill` `max_block` of the
    schedule.
  }];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def SelectLayout : Pass<"sherry-select-layout", "::mlir::ModuleOp"> {
  let summary = "give ternary weights the layout of the schedule";
  let description = [{
    Applies `order` and `interleave` of `sherry.schedule`. `words` suits CPUs on
    which a 32-entry lookup is one instruction (AVX512BW) and CPUs without
    lookups; `nibbles` suits CPUs with 16-entry byte lookups (AVX2). Interleaved
    tiles share the loads of tables, which helps if lookups are instructions. A
    weight that has a layout keeps it. In functions for up to `lookup_tokens`
    tokens, the quantized inputs of ternary weights get tables for the order of
    their codes; in those for up to `lookup_block` tokens, too, but not for
    codes of fewer than four inputs.
  }];
  let statistics = [
    Statistic<"numLayouts", "num-layouts", "weights that got a layout">];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def FuseRope : Pass<"sherry-fuse-rope", "::mlir::ModuleOp"> {
  let summary = "rotate queries and keys in one op";
  let description = [{
    Two consecutive `sherry.rope` ops with one table, on adjacent columns of one
    tensor, become one op: one step less per layer. Heads that are normalized
    before they are rotated (Qwen3) are not columns of one tensor, so these ops
    stay.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "pairs fused">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def FuseResidual : Pass<"sherry-fuse-residual", "::mlir::ModuleOp"> {
  let summary = "add residuals where outputs are stored";
  let description = [{
    If the only use of a linear op is an `arith.addf`, the other operand of the
    addition becomes `plus` of the linear op.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "additions removed">];
}

def FuseSwiGLU : Pass<"sherry-fuse-swiglu", "::mlir::ModuleOp"> {
  let summary = "apply gates while their tiles are in the cache";
  let description = [{
    In functions for several tokens, unless these are looked up all together
    (`lookup_tokens` of the schedule): if the only use of a linear op is
    `sherry.swiglu`, which takes both its operands from it, the linear op, the
    `sherry.swiglu` and the quantization of its result become one
    `sherry.gated_linear`. The weight needs a layout, and the outputs must be
    whole super-tiles and blocks; otherwise the ops stay.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "linear ops changed">];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def FuseSteps : Pass<"sherry-fuse-steps", "::mlir::ModuleOp"> {
  let summary = "use fewer steps per token";
  let description = [{
    In functions for up to `lookup_tokens` tokens (`sherry.schedule`), fuses ops
    that are too small for a step of their own: a quantization with the
    `sherry.rms_norm` or `sherry.swiglu` before it; for one token,
    `sherry.attention` with the rotation of its queries and keys, with the
    update of the cache, and, if no block crosses heads, with the quantization
    of its result. The numbers stay the same.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "ops made of several">];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::sherry::SherryDialect"];
}

def PlaceWeights : Pass<"sherry-place-weights", "::mlir::ModuleOp"> {
  let summary = "give every weight an offset in the weights section";
  let description = [{
    Weights follow each other in the order of the module, each at a multiple of
    64 bytes; the layers of a weight follow each other. The size of the section
    becomes the module attribute `sherry.weights_size`.
  }];
}

def VerifyStage : Pass<"sherry-verify-stage", "::mlir::ModuleOp"> {
  let summary = "check the promises of a stage of the pipeline";
  let description = [{
    docs/Pipeline.md lists the promises. Reports every op that breaks a promise,
    and the errors of MLIR's verifier. Then writes the stage's name on the
    module: `sherry.stage`.
  }];
  let options = [Option<"stage", "stage", "std::string", "\"sherry\"",
                        "sherry, layout, loops, kernel or llvm-mlir">];
}

#endif // SHERRY_TRANSFORMS_PASSES
