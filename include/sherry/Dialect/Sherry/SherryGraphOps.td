//===- SherryGraphOps.td - One op for each step of a model -*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_GRAPHOPS
#define SHERRY_DIALECT_SHERRY_GRAPHOPS

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "sherry/Dialect/Sherry/SherryAttrs.td"
include "sherry/Dialect/Sherry/SherryTypes.td"

class Sherry_Op<string mnemonic, list<Trait> traits = []>
    : Op<Sherry_Dialect, mnemonic, traits>;

/// Rows of activations, one per token.
def Sherry_Activations
    : Type<And<[2DTensorOf<[F32]>.predicate,
                CPred<"::llvm::cast<::mlir::RankedTensorType>($_self)"
                      ".getDimSize(1) > 0">]>,
           "rows of f32 activations", "::mlir::RankedTensorType">;
/// One number per row: a token id, a position, or a sequence.
def Sherry_RowNumbers
    : Type<CPred<"$_self == ::sherry::getRowNumbersType($_self.getContext())">,
           "tensor<?xi32>", "::mlir::RankedTensorType">,
      BuildableType<"::sherry::getRowNumbersType($_builder.getContext())">;
/// Rows of quantized activations.
def Sherry_QuantizedActivations
    : Type<CPred<"::sherry::getQuantized($_self) != nullptr">,
           "a tensor of i8 with the encoding #sherry.quantized",
           "::mlir::RankedTensorType">;

def Sherry_GateActivation
    : DefaultValuedAttr<Sherry_Activation, "::sherry::Activation::Silu">;

/// An op that reads a weight, named by a symbol and, optionally, a layer.
class Sherry_WeightUserOp<string mnemonic, list<Trait> traits = []>
    : Sherry_Op<mnemonic, !listconcat(
          [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>], traits)>;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def Sherry_WeightOp : Sherry_Op<"weight", [Symbol]> {
  let summary = "declares a weight: its type and its source tensors";
  let description = [{
    `count` tensors of the same type, one per layer. `sources` names tensors of
    the checkpoint, concatenated along the output axis; source i has `rows[i]`
    rows, and `{}` in a name stands for the layer. After `sherry-place-weights`
    the tensor of layer l lies at byte `offset + l * stride` of the weights
    section.

    A weight `of` n ranks is the part of one rank. Each source then has n times
    as many rows, and rank r takes `rows[i]` of them from row `r * rows[i]` on.
    The IR is the same for all ranks; only the bytes differ.

    ```mlir
    sherry.weight @q count 16 from ["model.layers.{}.self_attn.q_proj.weight"]
        rows [2048] : tensor<2048x2048x!sherry.trit, #sherry.ternary<
              contiguous, per_group(128), scale = f16>>
    sherry.weight @part count 1 from ["lm_head.weight"] rows [1024] of 2 ranks
        : tensor<1024x512x!sherry.q8_0>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       ConfinedAttr<I64Attr, [IntPositive]>:$count,
                       StrArrayAttr:$sources, DenseI64ArrayAttr:$rows,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntMinValue<2>]>>:
                           $ranks,
                       TypeAttrOf<AnyRankedTensor>:$type,
                       OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<I64Attr>:$stride);
  let assemblyFormat = [{
    $sym_name `count` $count `from` $sources `rows` $rows
    (`of` $ranks^ `ranks`)? (`at` $offset^ `stride` $stride)? attr-dict `:` $type
  }];
  // A weight without an offset, of one rank.
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "int64_t":$count,
                                 "::mlir::ArrayAttr":$sources,
                                 "::llvm::ArrayRef<int64_t>":$rows,
                                 "::mlir::RankedTensorType":$type), [{
    build($_builder, $_state, name, count, sources, rows, /*ranks=*/{}, type,
          /*offset=*/{}, /*stride=*/{});
  }]>];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    /// The encoding, if this is a ternary weight.
    ::sherry::TernaryAttr getTernary() {
      return ::llvm::dyn_cast_or_null<::sherry::TernaryAttr>(
          getTensorType().getEncoding());
    }
    /// Bytes of one of the `count` tensors. A ternary weight needs a layout.
    int64_t getByteSize();
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Steps of the network
//===----------------------------------------------------------------------===//

def Sherry_EmbeddingOp : Sherry_WeightUserOp<"embedding"> {
  let summary = "reads rows of the embedding matrix";
  let description = [{
    `result[t] = weight[tokens[t]]`, widened to f32. If the weight is `of`
    several ranks, the rank that has the row returns it; the others return any
    row.

    ```mlir
    %x = sherry.embedding %tokens, @embed
        : tensor<?xi32> -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[I32]>:$tokens, FlatSymbolRefAttr:$weight);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $tokens `,` $weight attr-dict `:` type($tokens) `->` type($result)
  }];
}

def Sherry_RmsNormOp : Sherry_WeightUserOp<"rms_norm",
    [AllTypesMatch<["input", "result"]>]> {
  let summary = "root mean square normalisation";
  let description = [{
    `result[t][i] = input[t][i] / sqrt(mean_j(input[t][j]^2) + epsilon) *
    weight[i]`. If a row is a multiple of the weight's length, each part of the
    weight's length (a head) is normalised separately.

    ```mlir
    %n = sherry.rms_norm %x, @norm[%layer] epsilon 1.0e-5 : tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input, FlatSymbolRefAttr:$weight,
                       Optional<Index>:$layer, F32Attr:$epsilon);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $input `,` $weight (`[` $layer^ `]`)? `epsilon` $epsilon attr-dict
    `:` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::mlir::FlatSymbolRefAttr":$weight,
                                 "::mlir::FloatAttr":$epsilon,
                                 CArg<"::mlir::Value", "{}">:$layer), [{
    build($_builder, $_state, input.getType(), input, weight, layer, epsilon);
  }]>];
  let hasVerifier = 1;
}

def Sherry_AddBiasOp : Sherry_WeightUserOp<"add_bias",
    [AllTypesMatch<["input", "result"]>]> {
  let summary = "adds a vector to every row";
  let description = [{
    `result[t][i] = input[t][i] + weight[i]`.

    ```mlir
    %b = sherry.add_bias %q, @q_bias[%layer] : tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input, FlatSymbolRefAttr:$weight,
                       Optional<Index>:$layer);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $input `,` $weight (`[` $layer^ `]`)? attr-dict `:` type($result)
  }];
}

def Sherry_QuantizeActivationsOp : Sherry_Op<"quantize_activations", [Pure]> {
  let summary = "symmetric 8-bit quantization of activations in blocks";
  let description = [{
    The encoding `#sherry.quantized` of the result defines the blocks and the
    computed numbers.

    ```mlir
    %q = sherry.quantize_activations %x : tensor<?x192xf32>
        -> tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input);
  let results = (outs Sherry_QuantizedActivations:$result);
  let assemblyFormat = [{
    $input attr-dict `:` type($input) `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::sherry::QuantizedAttr getEncoding() {
      return ::sherry::getQuantized(getType());
    }
  }];
  let hasVerifier = 1;
}

def Sherry_LinearOp : Sherry_WeightUserOp<"linear", [AttrSizedOperandSegments]> {
  let summary = "product of activations with a weight matrix";
  let description = [{
    `result[t][o] = sum_i weight[o][i] * input[t][i]`. The input is f32, or
    quantized in the blocks and the order that the weight asks for. Within each
    quantized block, integers are summed, which is exact; these sums are scaled
    and added in f32, first block first. `plus` adds a tensor to the result.

    ```mlir
    %y = sherry.linear %x, @q[%layer] : tensor<?x2048xf32> -> tensor<?x2048xf32>
    %z = sherry.linear %q, @q[%layer]
        : tensor<?x192xi8, #sherry.quantized<contiguous, [128, 64]>>
        -> tensor<?x64xf32>
    %r = sherry.linear %h, @o[%layer] plus %x
        : tensor<?x512xf32> plus tensor<?x2048xf32> -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins
      AnyTypeOf<[Sherry_Activations, Sherry_QuantizedActivations],
                "rows of f32 or quantized activations",
                "::mlir::RankedTensorType">:$input,
      FlatSymbolRefAttr:$weight, Optional<Index>:$layer,
      Optional<Sherry_Activations>:$residual);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $input `,` $weight (`[` $layer^ `]`)? (`plus` $residual^)? attr-dict
    `:` type($input) (`plus` type($residual)^)? `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                                 "::mlir::FlatSymbolRefAttr":$weight,
                                 CArg<"::mlir::Value", "{}">:$layer), [{
    build($_builder, $_state, result, input, weight, layer, ::mlir::Value());
  }]>];
  let extraClassDeclaration = [{
    /// The encoding of the input; null if the input is f32.
    ::sherry::QuantizedAttr getInputEncoding() {
      return ::sherry::getQuantized(getInput().getType());
    }
  }];
  let hasVerifier = 1;
}

def Sherry_GatedLinearOp : Sherry_WeightUserOp<"gated_linear"> {
  let summary = "linear, swiglu and quantize_activations in one op";
  let description = [{
    A `sherry.linear` with quantized input has `2 n` outputs. The first n are
    the gates, the other n the factors of `sherry.swiglu`, whose result goes
    through `sherry.quantize_activations`. The f32 outputs are never all in
    memory. The weight is ternary and has a layout. All blocks have one size; n
    is a multiple of this size and of the outputs of a super-tile.

    ```mlir
    %h = sherry.gated_linear %q, @gate_up[%layer]
        : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
        -> tensor<?x256xi8, #sherry.quantized<contiguous, [128, 128]>>
    ```
  }];
  let arguments = (ins Sherry_QuantizedActivations:$input,
                       FlatSymbolRefAttr:$weight, Optional<Index>:$layer,
                       Sherry_GateActivation:$activation);
  let results = (outs Sherry_QuantizedActivations:$result);
  let assemblyFormat = [{
    $input `,` $weight (`[` $layer^ `]`)? (`activation` $activation^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::sherry::QuantizedAttr getEncoding() {
      return ::sherry::getQuantized(getType());
    }
  }];
}

def Sherry_RopeTableOp : Sherry_Op<"rope_table", [Pure]> {
  let summary = "cosines and sines of rotary position embedding";
  let description = [{
    Row t holds `head_dim / 2` cosines and then `head_dim / 2` sines of
    `positions[t] * theta^(-2i / head_dim)`. `scaling`, if present, stretches
    the frequencies; `divisors[i]`, if present, divides frequency i. The angle
    is rounded to f32 before its cosine is taken, as in the reference
    implementations. `magnitude` multiplies cosines and sines (YaRN).

    ```mlir
    %table = sherry.rope_table %positions theta 5.0e5 : tensor<?x64xf32>
    %yarn = sherry.rope_table %positions theta 1.0e6 divisors [1.0, 4.0]
        magnitude 1.1386 : tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Sherry_RowNumbers:$positions, F64Attr:$theta,
                       OptionalAttr<Sherry_RopeScalingAttr>:$scaling,
                       OptionalAttr<DenseF64ArrayAttr>:$divisors,
                       OptionalAttr<F64Attr>:$magnitude);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $positions `theta` $theta (`scaling` $scaling^)?
    (`divisors` $divisors^)? (`magnitude` $magnitude^)? attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
}

def Sherry_RopeOp : Sherry_Op<"rope",
    [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    Rotates the pairs `(x[i], x[i + head_dim / 2])` of each head by the angles
    of `sherry.rope_table`. `head_dim` is the row length of the table.

    ```mlir
    %r = sherry.rope %q, %table : tensor<?x2048xf32>, tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input, Sherry_Activations:$table);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $input `,` $table attr-dict `:` type($input) `,` type($table)
  }];
  let hasVerifier = 1;
}

def Sherry_UpdateCacheOp : Sherry_Op<"update_cache",
    [AllTypesMatch<["keys", "values"]>]> {
  let summary = "stores keys and values of new positions";
  let description = [{
    Stores row t of `keys` and of `values` at position `positions[t]` of
    sequence `sequences[t]`, in layer `layer`.

    ```mlir
    sherry.update_cache %k, %v, %cache[%layer] at %positions of %sequences
        : tensor<?x64xf32>, !sherry.kv_cache<2 x 1 x 64 x f32, max_context = 64>
    ```
  }];
  let arguments = (ins Sherry_Activations:$keys, Sherry_Activations:$values,
                       Arg<Sherry_KVCacheType, "", [MemWrite]>:$cache,
                       Index:$layer, Sherry_RowNumbers:$positions,
                       Sherry_RowNumbers:$sequences);
  let assemblyFormat = [{
    $keys `,` $values `,` $cache `[` $layer `]` `at` $positions `of` $sequences
    attr-dict `:` type($keys) `,` type($cache)
  }];
  let hasVerifier = 1;
}

def Sherry_AttentionOp : Sherry_Op<"attention",
    [AllTypesMatch<["query", "result"]>]> {
  let summary = "causal grouped-query attention over the cache";
  let description = [{
    Row t of `query` holds the heads of position `positions[t]` of sequence
    `sequences[t]`. It attends to all positions of this sequence up to its own.
    `heads / kv_heads` consecutive heads share one head of keys and values.
    Scores are scaled by `1 / sqrt(head_dim)`.

    ```mlir
    %a = sherry.attention %q, %cache[%layer] at %positions of %sequences
        : tensor<?x64xf32>, !sherry.kv_cache<2 x 1 x 64 x f32, max_context = 64>
    ```
  }];
  let arguments = (ins Sherry_Activations:$query,
                       Arg<Sherry_KVCacheType, "", [MemRead]>:$cache,
                       Index:$layer, Sherry_RowNumbers:$positions,
                       Sherry_RowNumbers:$sequences);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $query `,` $cache `[` $layer `]` `at` $positions `of` $sequences attr-dict
    `:` type($query) `,` type($cache)
  }];
  let hasVerifier = 1;
}

def Sherry_SwiGLUOp : Sherry_Op<"swiglu", [Pure, SameOperandsAndResultType]> {
  let summary = "gate of the feed-forward network";
  let description = [{
    `result = activation(gate) * up` with `silu(x) = x / (1 + exp(-x))` or
    `relu2(x) = max(x, 0)^2`.

    ```mlir
    %h = sherry.swiglu %gate, %up : tensor<?x8192xf32>
    %s = sherry.swiglu %gate, %up activation relu2 : tensor<?x8192xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$gate, Sherry_Activations:$up,
                       Sherry_GateActivation:$activation);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $gate `,` $up (`activation` $activation^)? attr-dict `:` type($result)
  }];
}

def Sherry_LastTokensOp : Sherry_Op<"last_tokens",
    [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "takes the last rows";
  let description = [{
    The result has the last `count` rows of `input`; `count` is at least 0 and
    at most the number of rows.

    ```mlir
    %l = sherry.last_tokens %x, %n_logits : tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input, Index:$count);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = "$input `,` $count attr-dict `:` type($result)";
}

#endif // SHERRY_DIALECT_SHERRY_GRAPHOPS
