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
    Rule [C1] of docs/BlockFormat.md: `3:4`, four inputs of which exactly one is
    0; `2:6`, six of which exactly two are not; or `dense`, any three.

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
    of tiles of 32 rows whose steps alternate in the byte stream, so that one
    load of a lookup table serves all of them.

    ```mlir
    #sherry.layout<words, interleave = 4>
    ```
  }];
  let parameters = (ins EnumParameter<Sherry_CodeOrder>:$order,
                        "int64_t":$interleave);
  let assemblyFormat = "`<` $order `,` `interleave` `=` $interleave `>`";
  let genVerifyDecl = 1;
}

def Sherry_TernaryAttr : Sherry_Attr<"Ternary", "ternary",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "encoding of a ternary matrix";
  let description = [{
    Belongs to tensors `[outputs x inputs x !sherry.trit]`. The codebook says
    which trits a group of inputs may have; `3:4`, exactly one zero in four, is
    not printed. `contiguous` groups are neighbours; `strided` ones, of four,
    are 16 apart inside 64 inputs (GGUF STQ1_0).
    Every weight is a trit times the scale it shares: `per_tensor`,
    `per_channel` (one per output) or `per_group(n)` (one per n consecutive
    inputs of an output; the last group of a row may be shorter).
    The layout is absent until `sherry-select-layout` has chosen one.

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
    /// Rule [T5] of docs/BlockFormat.md as maps, for a matrix of so many inputs
    /// and a super-tile of so many tiles:
    ///
    ///  * (tile, scale group, chunk of it, step of it) to the byte at which the
    ///    codes of a step of `groups` groups begin
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
    Belongs to tensors `[tokens x inputs x i8]`. Each row is cut into the blocks
    `[0, b0), [b0, b0 + b1), ...` that are listed. A block with the largest
    magnitude m has the f32 scale m / 127, cut to 22 binary digits, and the
    values `round_half_even(x * (127 / m))`; if m is 0 both are 0; with a NaN in
    the block the scale is NaN. The scale, and the i32 sum of the values, belong
    to the block. With `per_token`, all blocks of a row have m in common: its
    largest magnitude, at least 1e-5 (the rule of BitNet b1.58). `contiguous` values are in the order of the inputs; of
    `strided` ones, every 64 are in the order of strided groups: inputs 0, 16,
    32, 48, 1, 17, ...

    With `tables`, which few tokens have, the table of partial sums of every
    group of values is kept beside them, for lookups of codes in that order and
    of that codebook, 3:4 if none is printed (rule [T4] of docs/BlockFormat.md).
    `sherry-select-layout` asks for them.

    ```mlir
    tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>>
    tensor<?x192xi8, #sherry.quantized<contiguous, per_token [128, 64]>>
    tensor<?x192xi8, #sherry.quantized<contiguous, [192], tables = words>>
    ```
  }];
  let parameters = (ins EnumParameter<Sherry_Grouping>:$grouping,
                        "bool":$per_token,
                        ArrayRefParameter<"int64_t">:$blocks,
                        OptionalParameter<"::std::optional<::sherry::CodeOrder>",
                                          "order of the codes">:$tables,
                        OptionalParameter<"::sherry::CodebookAttr",
                                          "of the tables">:$codebook);
  let assemblyFormat = [{
    `<` $grouping `,` custom<PerToken>($per_token) `[` $blocks `]`
    (`,` `tables` `=` custom<Tables>($tables, $codebook)^)? `>`
  }];
  let genMnemonicAlias = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isStrided() const { return getGrouping() == Grouping::Strided; }
    /// The same numbers with the tables of such codes, or without.
    QuantizedAttr withTables(::sherry::CodeOrder order,
                             ::sherry::CodebookAttr codebook) const;
    QuantizedAttr withoutTables() const;
    /// The same blocks, whose scales are those of the token.
    QuantizedAttr withScalesPerToken() const;
  }];
}

def Sherry_RopeScalingAttr : Sherry_Attr<"RopeScaling", "llama3_rope"> {
  let summary = "the LLaMA-3 rule that stretches low rope frequencies";
  let description = [{
    Frequencies whose wavelength exceeds `original_context / low_freq_factor`
    are divided by `factor`, those below `original_context / high_freq_factor`
    are kept, and those between are interpolated (Hugging Face transformers,
    rope type `llama3`).

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
    a CPU; passes read it, and do what suits any CPU where it is absent.

    * `max_block`: most tokens of a prefill call, a multiple of 8
    * `prefetch`, `prefetch_l2`: how many bytes ahead decoding prefetches
      weights into the first-level cache, and beside that into the second-level
      cache; 0: not at all
    * `interleave`, `order`: the layout of ternary weights
    * `lookup_tokens`: most tokens that are looked up in tables together
    * `pair_sums`: several tokens: pairs of products are summed in 16 bits
    * `fuse_decode`: several tokens: the first ones are multiplied while weights
      are decoded
    * `multiply_panels`: several tokens: 32 of them are multiplied with a whole
      panel at once

    Fields that have their defaults are not printed.

    ```mlir
    #sherry.schedule<interleave = 8, fuse_decode = true>
    ```
  }];
  let parameters = (ins
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().maxBlock">:
          $max_block,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().prefetch">:
          $prefetch,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().prefetchL2">:
          $prefetch_l2,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().interleave">:
          $interleave,
      DefaultValuedParameter<
          "::sherry::CodeOrder",
          "::sherry::toCodeOrder(::sherry::Schedule().order)">:$order,
      DefaultValuedParameter<"int64_t", "::sherry::Schedule().lookupTokens">:
          $lookup_tokens,
      DefaultValuedParameter<"bool", "::sherry::Schedule().pairSums">:$pair_sums,
      DefaultValuedParameter<"bool", "::sherry::Schedule().fuseDecode">:$fuse_decode,
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

    * `activations`: linear ops whose weights have integer kernels take their
      input as `i8`, or as `f32`
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
