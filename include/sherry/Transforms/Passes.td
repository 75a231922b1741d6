//===- Passes.td - Passes on the graph level ---------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_TRANSFORMS_PASSES
#define SHERRY_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

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
    Every linear op whose weight has integer kernels (all but bf16) gets its
    input through `sherry.quantize_activations`. Ops that need the same blocks
    of the same input share one quantization.
  }];
  let statistics = [
    Statistic<"numQuantized", "num-quantized", "linear ops changed">,
    Statistic<"numShared", "num-shared", "quantizations shared">];
  let dependentDialects = ["::sherry::SherryDialect"];
}

def SpecializeTokens : Pass<"sherry-specialize-tokens", "::mlir::ModuleOp"> {
  let summary = "one copy of the model for one token, one for a block";
  let description = [{
    The public function `forward` becomes `decode` and `prefill`; functions it
    calls get these names as prefixes. The attribute `sherry.max_tokens` of each
    says how many tokens it takes at most: 1, and `max-block`.
  }];
  let options = [Option<"maxBlock", "max-block", "int64_t", "128",
                        "most tokens of a prefill call, a multiple of 8">];
}

def SelectLayout : Pass<"sherry-select-layout", "::mlir::ModuleOp"> {
  let summary = "choose the byte order of ternary weights for the target";
  let description = [{
    `words` where a 32-entry lookup is one instruction (AVX512BW), `nibbles`
    where 16-entry byte lookups are the best there is (AVX2), and `words` again
    where nothing helps. The features are those of the module's `llvm.target`.
    The option `order` overrides the choice. Interleaved tiles share the loads
    of tables, which pays where lookups are instructions.
  }];
  let options = [
    Option<"order", "order", "std::string", "\"auto\"",
           "auto, words or nibbles">,
    Option<"interleave", "interleave", "int64_t", "0",
           "tiles of 32 rows whose steps alternate; 0 is 4 with AVX2, else 1">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::sherry::SherryDialect"];
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
    one.
  }];
  let options = [Option<"stage", "stage", "std::string", "\"sherry\"",
                        "sherry, layout, kernel or llvm">];
}

#endif // SHERRY_TRANSFORMS_PASSES
