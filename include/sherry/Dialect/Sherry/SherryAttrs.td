//===- SherryAttrs.td - Attributes of the sherry dialect ---*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_ATTRS
#define SHERRY_DIALECT_SHERRY_ATTRS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/TensorEncoding.td"
include "sherry/Dialect/Sherry/SherryDialect.td"

class Sherry_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::sherry";
  let genSpecializedAttr = 0;
}

def Sherry_Grouping : Sherry_I32Enum<"Grouping",
    "which four inputs make a group", [
      I32EnumAttrCase<"Contiguous", 0, "contiguous">,
      I32EnumAttrCase<"Strided", 1, "strided">]>;

def Sherry_Granularity : Sherry_I32Enum<"Granularity",
    "which weights share a scale", [
      I32EnumAttrCase<"PerTensor", 0, "per_tensor">,
      I32EnumAttrCase<"PerChannel", 1, "per_channel">,
      I32EnumAttrCase<"PerGroup", 2, "per_group">]>;

def Sherry_CodeOrder : Sherry_I32Enum<"CodeOrder",
    "how the codes of a step become bytes", [
      I32EnumAttrCase<"Words", 0, "words">,
      I32EnumAttrCase<"Nibbles", 1, "nibbles">]> {
  let genSpecializedAttr = 1; // ops have it, too
}

def Sherry_ReduceKind : Sherry_I32Enum<"ReduceKind", "how two lanes become one", [
      I32EnumAttrCase<"Add", 0, "add">,
      I32EnumAttrCase<"Max", 1, "max">]> {
  let genSpecializedAttr = 1; // an op has it
}

def Sherry_Activation : Sherry_I32Enum<"Activation",
    "what a gate passes through", [
      I32EnumAttrCase<"Silu", 0, "silu">,
      I32EnumAttrCase<"Relu2", 1, "relu2">]> {
  let genSpecializedAttr = 1; // ops have it
}

class Sherry_Attr<string name, string mnemonic_, list<Trait> traits = []>
    : AttrDef<Sherry_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Sherry_CodebookAttr : Sherry_Attr<"Codebook", "codebook"> {
  let summary = "which trits a group may have, and their codes";
  let description = [{
    Rule [C1] of docs/BlockFormat.md. `3:4`: four trits, exactly one is 0.
    `2:6`: six trits, exactly two are not 0. `dense`: any three trits.

    ```mlir
    #sherry.codebook<"dense">
    ```
  }];
  let parameters = (ins StringRefParameter<>:$name);
  let assemblyFormat = "`<` $name `>`";
  let constBuilderCall = "::sherry::CodebookAttr::get($_builder.getContext(), $0)";
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "const ::sherry::format::Codebook &":$codebook)>,
                  AttrBuilder<(ins), [{ return get($_ctxt, format::k3of4); }]>];
  let extraClassDeclaration = [{
    const ::sherry::format::Codebook &getCodebook() const;
  }];
}

def Sherry_LayoutAttr : Sherry_Attr<"Layout", "layout"> {
  let summary = "order of the packed bytes of a ternary tensor";
  let description = [{
    Rules [T5], [T6] and [T7] of docs/BlockFormat.md. `interleave` is the number
    of tiles in a super-tile: the steps of these tiles of 32 outputs alternate
    in the bytes, so that one load of a lookup table serves all of them.

    ```mlir
    #sherry.layout<words, interleave = 4>
    ```
  }];
  let parameters = (ins EnumParameter<Sherry_CodeOrder>:$order,
                        "int64_t":$interleave);
  let assemblyFormat = "`<` $order `,` `interleave` `=` $interleave `>`";
  let genMnemonicAlias = 1;
  let genVerifyDecl = 1;
}

def Sherry_TernaryAttr : Sherry_Attr<"Ternary", "ternary",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "encoding of a ternary matrix";
  let description = [{
    Belongs to tensors `[outputs x inputs x !sherry.trit]`. The codebook says
    which trits a group of inputs may have; the default `3:4`, exactly one zero
    in four, is not printed. The inputs of a `contiguous` group are adjacent.
    The four inputs of a `strided` group are 16 apart inside 64 inputs (GGUF
    STQ1_0). Every weight is a trit times a scale: one scale `per_tensor`, one
    `per_channel` (per output), or one `per_group(n)` (per n consecutive inputs
    of an output; the last scale group of an output may be shorter). The layout
    is absent until `sherry-select-layout` has chosen one.

    ```mlir
    tensor<512x256x!sherry.trit, #sherry.ternary<
        contiguous, per_group(128), scale = f16>>
    tensor<512x256x!sherry.trit, #sherry.ternary<
        codebook = <"dense">, contiguous, per_channel, scale = f32>>
    ```
  }];
  let parameters = (ins
      DefaultValuedParameter<"::sherry::CodebookAttr",
                             "::sherry::CodebookAttr::get($_ctxt)">:$codebook,
      EnumParameter<Sherry_Grouping>:$grouping,
      EnumParameter<Sherry_Granularity>:$granularity,
      OptionalParameter<"int64_t", "inputs that share a scale">:$group_size,
      "::mlir::FloatType":$scale,
      OptionalParameter<"::sherry::LayoutAttr">:$layout);
  let assemblyFormat = [{
    `<` (`codebook` `=` $codebook^ `,` ` `)? $grouping `,`
    $granularity (`(` $group_size^ `)`)?
    `,` `scale` `=` $scale (`,` `layout` `=` $layout^)? `>`
  }];
  let genMnemonicAlias = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The geometry of the packed bytes; the layout must be present.
    ::sherry::format::TernaryLayout getFormat() const;
    /// The same encoding with a layout.
    TernaryAttr withLayout(LayoutAttr layout) const;
    /// Rule [T5] of docs/BlockFormat.md as maps, for a matrix of `inputs` inputs
    /// and a super-tile of `tiles` tiles:
    ///
    ///  * (tile, scale group, chunk of the scale group, step of the chunk) to the
    ///    byte at which the codes of a step of `groups` groups begin
    ///  * (tile, scale group) to the byte at which the scales of a scale group
    ///    of `groupInputs` inputs begin
    ::mlir::AffineMap getCodesMap(int64_t inputs, int64_t tiles,
                                  int64_t groups) const;
    ::mlir::AffineMap getScalesMap(int64_t inputs, int64_t tiles,
                                   int64_t groupInputs) const;
  }];
}

def Sherry_QuantizedAttr : Sherry_Attr<"Quantized", "quantized",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "encoding of 8-bit activations";
  let description = [{
    Belongs to tensors `[tokens x inputs x i8]`. The list `[b0, b1, ...]` gives
    the sizes of the blocks of each row: `[0, b0), [b0, b0 + b1), ...`. If m is
    the largest magnitude in a block, its f32 scale is m / 127, cut to 22 binary
    digits, and its values are `round_half_even(x * (127 / m))`. If m is 0,
    scale and values are 0; if the block has a NaN, the scale is NaN. Each block
    has its scale and the i32 sum of its values. With `per_token`, m is the
    largest magnitude of the whole row, at least 1e-5 (the rule of BitNet
    b1.58). `contiguous` values are in the order of the inputs. `strided` values
    are, in every 64, in the order of strided groups: inputs 0, 16, 32, 48, 1,
    17, ... `bias` is the number that is added to weights to store them, and
    multiplies the sums: 1 for trits, if none is printed, or the number of a
    format of blocks.

    With `tables`, each group of values also has its table of partial sums, for
    lookups of codes in the given order and of the given codebook, 3:4 if none
    is printed (rule [T4] of docs/BlockFormat.md). `sherry-select-layout` adds
    `tables`.

    ```mlir
    tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>>
    tensor<?x192xi8, #sherry.quantized<contiguous, per_token [128, 64]>>
    tensor<?x192xi8, #sherry.quantized<contiguous, [192], tables = words>>
    tensor<?x64xi8, #sherry.quantized<contiguous, [32, 32] bias = 8>>
    ```
  }];
  let parameters = (ins EnumParameter<Sherry_Grouping>:$grouping,
                        "bool":$per_token,
                        ArrayRefParameter<"int64_t">:$blocks,
                        DefaultValuedParameter<"int64_t", "1">:$bias,
                        OptionalParameter<"::std::optional<::sherry::CodeOrder>",
                                          "order of the codes">:$tables,
                        OptionalParameter<"::sherry::CodebookAttr",
                                          "of the tables">:$codebook);
  let assemblyFormat = [{
    `<` $grouping `,` custom<PerToken>($per_token) `[` $blocks `]`
    (`bias` `=` $bias^)?
    (`,` `tables` `=` custom<Tables>($tables, $codebook)^)? `>`
  }];
  let genMnemonicAlias = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isStrided() const { return getGrouping() == Grouping::Strided; }
    /// Whether the products' weights are in blocks [Q1].
    bool isForBlocks() const { return getBias() != 1; }
    /// The same encoding with tables for codes of this order and codebook, or
    /// without tables.
    QuantizedAttr withTables(::sherry::CodeOrder order,
                             ::sherry::CodebookAttr codebook) const;
    QuantizedAttr withoutTables() const;
    /// The same blocks with one scale per token.
    QuantizedAttr withScalesPerToken() const;
  }];
}

def Sherry_RopeScalingAttr : Sherry_Attr<"RopeScaling", "llama3_rope"> {
  let summary = "the LLaMA-3 rule that stretches low rope frequencies";
  let description = [{
    A frequency whose wavelength exceeds `original_context / low_freq_factor` is
    divided by `factor`. A frequency whose wavelength is below
    `original_context / high_freq_factor` is kept. Frequencies between are
    interpolated (Hugging Face transformers, rope type `llama3`).

    ```mlir
    #sherry.llama3_rope<factor = 3.200000e+01, low_freq_factor = 1.0,
                        high_freq_factor = 4.0, original_context = 8192>
    ```
  }];
  let parameters = (ins "::mlir::FloatAttr":$factor,
                        "::mlir::FloatAttr":$low_freq_factor,
                        "::mlir::FloatAttr":$high_freq_factor,
                        "int64_t":$original_context);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Sherry_ScheduleAttr : Sherry_Attr<"Schedule", "schedule"> {
  let summary = "choices that suit a CPU and change no result";
  let description = [{
    The module attribute `sherry.schedule`. `sherry-attach-target` writes it for
    a CPU, and passes read it. If it is absent, passes use defaults that suit
    any CPU.

    * `max_block`: most tokens of a prefill call, a multiple of 8
    * `prefetch`, `prefetch_l2`: bytes that decode prefetches weights ahead into
      the first-level cache and, in addition, into the second-level cache; 0
      prefetches nothing
    * `prefetch_plain`: functions of one token prefetch plain weights, too, and
      not only codes
    * `interleave`, `order`: the layout of ternary weights
    * `lookup_tokens`: most tokens that are looked up in tables together
    * `lookup_block`: functions for more tokens, up to this number, look
      `lookup_tokens` tokens up at a time
    * `sum_tokens`: most tokens whose sums are in registers together; if it is
      less than 8, functions for more tokens sum the halves of a tile one after
      the other, and in functions for more than half as many tokens, all tokens
      take turns for each block of weights in blocks
    * `pair_sums`: pairs of products are summed in 16 bits
    * `fuse_unpack`: with several tokens, the first tokens are multiplied while
      codes are unpacked
    * `multiply_panels`: with several tokens, 32 tokens at a time are multiplied
      with a whole panel

    Fields with default values are not printed.

    ```mlir
    #sherry.schedule<interleave = 8, fuse_unpack = true>
    ```
  }];
  let parameters = (ins
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().maxBlock">:
          $max_block,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().prefetch">:
          $prefetch,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().prefetchL2">:
          $prefetch_l2,
      DefaultValuedParameter<"bool", "::sherry::Schedule().prefetchPlain">:
          $prefetch_plain,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().interleave">:
          $interleave,
      DefaultValuedParameter<
          "::sherry::CodeOrder",
          "::sherry::toCodeOrder(::sherry::Schedule().order)">:$order,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().lookupTokens">:
          $lookup_tokens,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().lookupBlock">:
          $lookup_block,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().sumTokens">:
          $sum_tokens,
      DefaultValuedParameter<"bool", "::sherry::Schedule().pairSums">:$pair_sums,
      DefaultValuedParameter<"bool", "::sherry::Schedule().fuseUnpack">:$fuse_unpack,
      DefaultValuedParameter<"bool", "::sherry::Schedule().multiplyPanels">:
          $multiply_panels);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static ScheduleAttr get(::mlir::MLIRContext *context,
                            const ::sherry::Schedule &schedule);
    ::sherry::Schedule getSchedule() const;
  }];
}

def Sherry_NumericsAttr : Sherry_Attr<"Numerics", "numerics"> {
  let summary = "choices that change results";
  let description = [{
    The module attribute `sherry.numerics`.

    * `activations`: the type of the inputs of linear ops whose weights have
      integer kernels, `i8` or `f32`
    * `per_token`: quantized inputs of ternary weights have one scale per token
    * `fuse_mul_add`: a product and its addition are rounded once, as FMA does

    ```mlir
    #sherry.numerics<activations = i8, fuse_mul_add = true>
    ```
  }];
  let parameters = (ins "::mlir::Type":$activations,
      DefaultValuedParameter<"bool", "false">:$per_token,
      DefaultValuedParameter<"bool", "false">:$fuse_mul_add);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // SHERRY_DIALECT_SHERRY_ATTRS
