//===- SherryKernelOps.td - Semantics of codes -------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_KERNELOPS
#define SHERRY_DIALECT_SHERRY_KERNELOPS

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "sherry/Dialect/Sherry/SherryAttrs.td"

class Sherry_KernelOp<string mnemonic, list<Trait> traits = []>
    : Op<Sherry_Dialect, mnemonic, traits>;

/// The codebook of an op. The default, 3:4, is not printed.
def Sherry_OpCodebook
    : DefaultValuedAttr<Sherry_CodebookAttr, "::sherry::format::k3of4">;

def Sherry_UnpackCodesOp : Sherry_KernelOp<"unpack_codes", [Pure]> {
  let summary = "unpack codes to trits";
  let description = [{
    `bytes` are the packed codes of 32 outputs and 1 to 16 groups of inputs, in
    the order of rule [T6] or [T7] of docs/BlockFormat.md. Byte 4r + p of
    `result[i][h]` is the trit of output 16h + r and input 4i + p, plus `bias`,
    for any number of inputs per group. This is the order of a panel, which
    products of bytes need. The last group may have fewer inputs.

    ```mlir
    %trits = sherry.unpack_codes %bytes words bias 1
        : vector<320xi8> -> vector<16x2x64xi8>
    %more = sherry.unpack_codes %dense words codebook <"dense"> bias 1
        : vector<320xi8> -> vector<12x2x64xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$bytes,
      Sherry_CodeOrder:$order, Sherry_OpCodebook:$codebook,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntMinValue<0>, IntMaxValue<1>]>,
                        "0">:$bias);
  let results = (outs VectorOfRankAndType<[3], [I8]>:$result);
  let assemblyFormat = [{
    $bytes $order (`codebook` $codebook^)? (`bias` $bias^)? attr-dict
    `:` type($bytes) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Number of fours of inputs.
    int64_t getFours() { return getType().getDimSize(0); }
    /// Number of groups that have a code.
    int64_t getGroups() {
      return ::sherry::format::ceilDiv(
          getFours() * ::sherry::format::kDotInputs,
          getCodebook().getCodebook().inputs);
    }
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Sherry_LookupCodesOp : Sherry_KernelOp<"lookup_codes",
    [SameVariadicOperandSize, InferTypeOpAdaptor]> {
  let summary = "look packed codes up in tables of partial sums";
  let description = [{
    `bytes` are the packed codes of `groups` groups, in the order that
    `sherry.unpack_codes` defines. The codes are looked up for one or more
    tokens. Each token has the index of its first table, an accumulator and a
    result. Lane r of the result is lane r of the accumulator plus, for each
    group g, entry `code of output r and group g` of table `index + g`.

    Codes in the order `words` have tables of words, `memref<? x 32 x i16>`.
    Codes in the order `nibbles` have tables in two halves of bytes, `memref<? x
    2 x 16 x i8>`; a code whose sign bit is set has no entry, and its sum is the
    negated sum of the code without the sign bit. If a codebook has more than 16
    entries, the sign bit is handled in this way with words, too, and nibbles
    have two tables per group, `index + 2g` and `index + 2g + 1`.

    ```mlir
    %acc1 = sherry.lookup_codes %tables[%g], %bytes, %acc0 {groups = 16 : i64}
        : memref<512x32xi16>, vector<320xi8>, vector<32xi16>
    ```
  }];
  let arguments = (ins
      Arg<AnyTypeOf<[MemRefRankOf<[I16], [2]>, MemRefRankOf<[I8], [3]>],
                    "tables of words, or of halves of bytes",
                    "::mlir::MemRefType">, "", [MemRead]>:$tables,
      Variadic<Index>:$indices, VectorOfRankAndType<[1], [I8]>:$bytes,
      Variadic<VectorOfLengthAndType<[32], [I16]>>:$accumulators,
      Sherry_OpCodebook:$codebook,
      ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<16>]>:$groups);
  let results = (outs Variadic<VectorOfLengthAndType<[32], [I16]>>:$sums);
  let assemblyFormat = [{
    $tables `[` $indices `]` `,` $bytes `,` $accumulators
    (`codebook` $codebook^)? attr-dict
    `:` type($tables) `,` type($bytes) `,` type($accumulators)
  }];
  let extraClassDeclaration = [{
    ::sherry::CodeOrder getOrder() {
      return getTables().getType().getRank() == 2 ? ::sherry::CodeOrder::Words
                                                  : ::sherry::CodeOrder::Nibbles;
    }
  }];
  let hasVerifier = 1;
}

def Sherry_DecodeBlockOp : Sherry_KernelOp<"decode_block", [Pure]> {
  let summary = "decode 16 codes to trits";
  let description = [{
    Lane r of `codes` holds a code in its low 5 bits, or in its low 6 bits if
    the codebook has more than 16 entries; the higher bits are ignored. Byte 4r
    + p of the result is the trit of input `first + p` of the group, plus
    `bias`. With `bias` 1 it is 0, 1 or 2, for products of unsigned with signed
    bytes. Bytes of inputs that the group does not have are 0. Rule [C1] of
    docs/BlockFormat.md defines the codes.

    ```mlir
    %trits = sherry.decode_block %codes : vector<16xi32> -> vector<64xi8>
    %bytes = sherry.decode_block %codes bias 1 : vector<16xi32> -> vector<64xi8>
    %last = sherry.decode_block %codes codebook <"2:6"> first 4
        : vector<16xi32> -> vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[16], [I32]>:$codes,
      Sherry_OpCodebook:$codebook,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntMinValue<0>]>, "0">:$first,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntMinValue<0>, IntMaxValue<1>]>,
                        "0">:$bias);
  let results = (outs VectorOfLengthAndType<[64], [I8]>:$result);
  let assemblyFormat = [{
    $codes (`codebook` $codebook^)? (`first` $first^)? (`bias` $bias^)? attr-dict
    `:` type($codes) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Number of inputs that have a byte in each lane.
    int64_t getInputs() {
      return ::std::min(::sherry::format::kDotInputs,
                        getCodebook().getCodebook().inputs -
                            static_cast<int64_t>(getFirst()));
    }
    /// Trit `first + p` of a code, without bias; 0 if there is none.
    int64_t getTrit(int64_t code, int64_t p) {
      return p < getInputs()
                 ? getCodebook().getCodebook().decode(code)[getFirst() + p]
                 : 0;
    }
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Sherry_DecodeNibblesOp : Sherry_KernelOp<"decode_nibbles", [Pure, AllTypesMatch<["low", "high"]>]> {
  let summary = "decode the nibbles of 32 outputs to trits";
  let description = [{
    Byte i of `codes` holds, in its low 4 bits, `code & 15` of output r of a
    tile; its high bits are ignored. Byte i of `signs` is -1 if bit 4 of the
    code is set, else 0. r is the output of byte i in rule [T7] of
    docs/BlockFormat.md. `low` is the result of `sherry.decode_block` for
    outputs 0 to 15, `high` for outputs 16 to 31. Codes have 5 bits.

    ```mlir
    %low, %high = sherry.decode_nibbles %codes, %signs bias 1
        : vector<32xi8>, vector<32xi8> -> vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[32], [I8]>:$codes,
      VectorOfLengthAndType<[32], [I8]>:$signs,
      Sherry_OpCodebook:$codebook,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntMinValue<0>, IntMaxValue<1>]>,
                        "0">:$bias);
  let results = (outs VectorOfLengthAndType<[64], [I8]>:$low,
                      VectorOfLengthAndType<[64], [I8]>:$high);
  let assemblyFormat = [{
    $codes `,` $signs (`codebook` $codebook^)? (`bias` $bias^)? attr-dict
    `:` type($codes) `,` type($signs) `->` type($low)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Sherry_BuildTableOp : Sherry_KernelOp<"build_table", [Pure]> {
  let summary = "all partial sums of a group of activations";
  let description = [{
    Entry c of the result is the dot product of the trits of code c with the
    activations; it is 0 if the codebook has no code c. 16 entries hold the
    5-bit codes whose sign bit is clear. 32 entries hold all 5-bit codes, or the
    6-bit codes whose sign bit is clear. Activations after the inputs of a group
    are ignored. No entry overflows.

    ```mlir
    %table = sherry.build_table %a : vector<4xi8> -> vector<32xi16>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[4, 8], [I8]>:$activations,
                       Sherry_OpCodebook:$codebook);
  let results = (outs VectorOfLengthAndType<[16, 32], [I16]>:$result);
  let assemblyFormat = [{
    $activations (`codebook` $codebook^)? attr-dict `:` type($activations) `->` type($result)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Sherry_LookupOp : Sherry_KernelOp<"lookup",
    [AllTypesMatch<["codes", "result"]>]> {
  let summary = "look 5-bit codes up in a table of 16-bit sums";
  let description = [{
    Lane r of the result is `tables[index][codes[r] & 31]`.

    ```mlir
    %sums = sherry.lookup %tables[%g], %codes
        : memref<512x32xi16>, vector<32xi16>
    ```
  }];
  let arguments = (ins
      Arg<MemRefRankOf<[I16], [2]>, "", [MemRead]>:$tables, Index:$index,
      VectorOfLengthAndType<[32], [I16]>:$codes);
  let results = (outs VectorOfLengthAndType<[32], [I16]>:$result);
  let assemblyFormat = [{
    $tables `[` $index `]` `,` $codes attr-dict
    `:` type($tables) `,` type($codes)
  }];
  let hasVerifier = 1;
}

def Sherry_LookupHalvesOp : Sherry_KernelOp<"lookup_halves",
    [AllTypesMatch<["low", "high"]>]> {
  let summary = "look 4-bit codes up in a table split into byte halves";
  let description = [{
    `tables[index]` holds the low bytes of 16 sums and then their high bytes.
    Let `s(b) = tables[index][1][n] << 8 | tables[index][0][n]`, where n is the
    low 4 bits of byte b of `codes`. Then `low` holds s(0..7), s(16..23) and
    `high` holds s(8..15), s(24..31): the order in which 256-bit instructions
    interleave bytes. Rule [T7] of docs/BlockFormat.md stores outputs so that
    `low` has outputs 0..15 and `high` has outputs 16..31.

    ```mlir
    %a, %b = sherry.lookup_halves %tables[%g], %codes
        : memref<512x2x16xi8>, vector<32xi8> -> vector<16xi16>
    ```
  }];
  let arguments = (ins
      Arg<MemRefRankOf<[I8], [3]>, "", [MemRead]>:$tables, Index:$index,
      VectorOfLengthAndType<[32], [I8]>:$codes);
  let results = (outs VectorOfLengthAndType<[16], [I16]>:$low,
                      VectorOfLengthAndType<[16], [I16]>:$high);
  let assemblyFormat = [{
    $tables `[` $index `]` `,` $codes attr-dict
    `:` type($tables) `,` type($codes) `->` type($low)
  }];
  let hasVerifier = 1;
}

def Sherry_ApplySignOp : Sherry_KernelOp<"apply_sign",
    [Pure, SameOperandsAndResultType]> {
  let summary = "multiply by the sign of another number";
  let description = [{
    `result = value * sgn(sign)` with `sgn(0) = 0`, lane by lane.

    ```mlir
    %r = sherry.apply_sign %value, %sign : vector<16xi16>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[16], [I16]>:$value,
                       VectorOfLengthAndType<[16], [I16]>:$sign);
  let results = (outs VectorOfLengthAndType<[16], [I16]>:$result);
  let assemblyFormat = "$value `,` $sign attr-dict `:` type($result)";
  let hasFolder = 1;
}

def Sherry_DotAccumulateOp : Sherry_KernelOp<"dot_accumulate",
    [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "four-wide dot products of bytes";
  let description = [{
    `result[r] = accumulator[r] + sum_p weights[4r + p] * activations[p]`.
    Weights are unsigned and at most `max_weight`, activations are signed. The
    result is exact if the i32 accumulator does not overflow.

    ```mlir
    %acc1 = sherry.dot_accumulate %w, %a, %acc0 {max_weight = 2 : i32}
        : vector<64xi8>, vector<4xi8>, vector<16xi32>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[64], [I8]>:$weights,
                       VectorOfLengthAndType<[4], [I8]>:$activations,
                       VectorOfLengthAndType<[16], [I32]>:$accumulator,
                       ConfinedAttr<I32Attr, [IntMinValue<1>,
                                              IntMaxValue<255>]>:$max_weight);
  let results = (outs VectorOfLengthAndType<[16], [I32]>:$result);
  let assemblyFormat = [{
    $weights `,` $activations `,` $accumulator attr-dict
    `:` type($weights) `,` type($activations) `,` type($accumulator)
  }];
  let hasFolder = 1;
}

def Sherry_DotPairsOp : Sherry_KernelOp<"dot_pairs",
    [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "two-wide dot products of bytes";
  let description = [{
    `result[i] = accumulator[i] + weights[2i] * activations[2i mod 4] +
    weights[2i + 1] * activations[(2i + 1) mod 4]`. Weights are unsigned,
    activations are signed. The result is exact if neither the sum of a pair nor
    the i16 accumulator overflows: ops in a row are exact if the largest weights
    of all of them together are at most 128, for instance 64 ops with weights of
    at most 2.

    ```mlir
    %acc1 = sherry.dot_pairs %w, %a, %acc0
        : vector<64xi8>, vector<4xi8>, vector<32xi16>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[64], [I8]>:$weights,
                       VectorOfLengthAndType<[4], [I8]>:$activations,
                       VectorOfLengthAndType<[32], [I16]>:$accumulator);
  let results = (outs VectorOfLengthAndType<[32], [I16]>:$result);
  let assemblyFormat = [{
    $weights `,` $activations `,` $accumulator attr-dict
    `:` type($weights) `,` type($activations) `,` type($accumulator)
  }];
  let hasFolder = 1;
}

def Sherry_AddPairsOp : Sherry_KernelOp<"add_pairs",
    [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "add sums of pairs to wider sums";
  let description = [{
    `result[r] = accumulator[r] + pairs[2r] + pairs[2r + 1]`, in 32 bits. So
    sums of `sherry.dot_pairs` become those of `sherry.dot_accumulate`.

    ```mlir
    %acc1 = sherry.add_pairs %pairs, %acc0 : vector<32xi16>, vector<16xi32>
    ```
  }];
  let arguments = (ins VectorOfLengthAndType<[32], [I16]>:$pairs,
                       VectorOfLengthAndType<[16], [I32]>:$accumulator);
  let results = (outs VectorOfLengthAndType<[16], [I32]>:$result);
  let assemblyFormat = [{
    $pairs `,` $accumulator attr-dict `:` type($pairs) `,` type($accumulator)
  }];
  let hasFolder = 1;
}

def Sherry_MultiplyPanelOp : Sherry_KernelOp<"multiply_panel"> {
  let summary = "a panel of trits times rows of bytes";
  let description = [{
    `panel[g][h][4r + p]` is the weight of output 16h + r and input 4g + p.
    `sums` has n rows.

    `sums[t][16h + r] = sum_g sum_p panel[g][h][4r + p] *
    values[row + t][column + 4g + p]` for t < n and g < `groups`.

    All numbers are signed, and the sums are exact. `groups` and n are multiples
    of 16, because operands of matrix units have 16 rows.

    ```mlir
    sherry.multiply_panel %panel, %values[%row, %column], %sums {groups = 32}
        : memref<64x2x64xi8>, memref<128x2112xi8>, memref<32x32xi32>
    ```
  }];
  let arguments = (ins
      Arg<MemRefRankOf<[I8], [3]>, "", [MemRead]>:$panel,
      Arg<MemRefRankOf<[I8], [2]>, "", [MemRead]>:$values,
      Index:$row, Index:$column,
      Arg<MemRefRankOf<[I32], [2]>, "", [MemWrite]>:$sums,
      ConfinedAttr<I64Attr, [IntPositive]>:$groups);
  let assemblyFormat = [{
    $panel `,` $values `[` $row `,` $column `]` `,` $sums attr-dict
    `:` type($panel) `,` type($values) `,` type($sums)
  }];
  let extraClassDeclaration = [{
    /// Rows of sums and groups are multiples of this number.
    static constexpr int64_t kUnit = 16;
  }];
  let hasVerifier = 1;
}

def Sherry_ReduceOp : Sherry_KernelOp<"reduce",
    [Pure, TypesMatchWith<"the result is of the vector's elements", "vector",
                          "result",
                          "::llvm::cast<::mlir::VectorType>($_self)"
                          ".getElementType()">]> {
  let summary = "combine all lanes in a balanced tree";
  let description = [{
    The lower half of the lanes is combined with the upper half lane by lane,
    and so on, until one lane is left. If the number of lanes is odd, the last
    lane is combined last. So the order of roundings depends on the number of
    lanes alone, and the result is the same on every CPU; `vector.reduction` of
    floats does not promise this. `max` of integers is signed; `max` of floats
    ignores NaN.

    ```mlir
    %sum = sherry.reduce add %v : vector<16xf32>
    ```
  }];
  let arguments = (ins Sherry_ReduceKind:$kind,
                       VectorOfRankAndType<[1], [AnySignlessInteger,
                                                 AnyFloat]>:$vector);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$kind $vector attr-dict `:` type($vector)";
  let hasFolder = 1;
}

#endif // SHERRY_DIALECT_SHERRY_KERNELOPS
