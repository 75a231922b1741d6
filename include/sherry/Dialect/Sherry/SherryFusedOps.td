//===- SherryFusedOps.td - Several steps of a graph in one -*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops for one token. A fused op is one step, so threads wait for each other once
// instead of several times.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_FUSEDOPS
#define SHERRY_DIALECT_SHERRY_FUSEDOPS

include "sherry/Dialect/Sherry/SherryGraphOps.td"

def Sherry_QuantizeNormOp : Sherry_WeightUserOp<"quantize_norm"> {
  let summary = "rms_norm and quantize_activations in one op";
  let description = [{
    `sherry.quantize_activations` of `sherry.rms_norm`, for few tokens. A row is
    as long as the weight. Each block has a scale; `per_token` is not allowed.

    ```mlir
    %q = sherry.quantize_norm %x, @attn_norm[%layer] epsilon 1.0e-5
        : tensor<?x64xf32> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input, FlatSymbolRefAttr:$weight,
                       Optional<Index>:$layer, F32Attr:$epsilon);
  let results = (outs Sherry_QuantizedActivations:$result);
  let assemblyFormat = [{
    $input `,` $weight (`[` $layer^ `]`)? `epsilon` $epsilon attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sherry_QuantizeSwiGLUOp : Sherry_Op<"quantize_swiglu",
    [Pure, AllTypesMatch<["gate", "up"]>]> {
  let summary = "swiglu and quantize_activations in one op";
  let description = [{
    `sherry.quantize_activations` of `sherry.swiglu`. Each block has a scale;
    `per_token` is not allowed.

    ```mlir
    %q = sherry.quantize_swiglu %gate, %up
        : tensor<?x64xf32> -> tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
    ```
  }];
  let arguments = (ins Sherry_Activations:$gate, Sherry_Activations:$up,
                       Sherry_GateActivation:$activation);
  let results = (outs Sherry_QuantizedActivations:$result);
  let assemblyFormat = [{
    $gate `,` $up (`activation` $activation^)? attr-dict
    `:` type($gate) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sherry_AttendOp : Sherry_Op<"attend", [AllTypesMatch<["keys", "values"]>]> {
  let summary = "rope, update_cache and attention in one op";
  let description = [{
    For one token: rotates `query` and `keys` with `table` as `sherry.rope`
    does, stores keys and values as `sherry.update_cache` does, and returns the
    result of `sherry.attention`. If the result is quantized, it goes through
    `sherry.quantize_activations`; all blocks then have one size and a scale
    each, and no block crosses the heads that share a head of keys.

    ```mlir
    %a = sherry.attend %q, %k, %v with %table, %cache[%layer] at %positions
        of %sequences : tensor<?x2048xf32>, tensor<?x512xf32>, tensor<?x64xf32>,
          !sherry.kv_cache<16 x 8 x 64 x f32, max_context = 131072>
          -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$query, Sherry_Activations:$keys,
                       Sherry_Activations:$values, Sherry_Activations:$table,
                       Arg<Sherry_KVCacheType, "", [MemRead, MemWrite]>:$cache,
                       Index:$layer, Sherry_RowNumbers:$positions,
                       Sherry_RowNumbers:$sequences);
  let results = (outs AnyTypeOf<[Sherry_Activations,
                                 Sherry_QuantizedActivations]>:$result);
  let assemblyFormat = [{
    $query `,` $keys `,` $values `with` $table `,` $cache `[` $layer `]`
    `at` $positions `of` $sequences attr-dict
    `:` type($query) `,` type($keys) `,` type($table) `,` type($cache)
    `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // SHERRY_DIALECT_SHERRY_FUSEDOPS
