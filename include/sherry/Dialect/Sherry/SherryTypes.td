//===- SherryTypes.td - Types of the sherry dialect --------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_TYPES
#define SHERRY_DIALECT_SHERRY_TYPES

include "mlir/IR/AttrTypeBase.td"
include "sherry/Dialect/Sherry/SherryDialect.td"

class Sherry_Type<string name, string mnemonic_, list<Trait> traits = []>
    : TypeDef<Sherry_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Sherry_TritType : Sherry_Type<"Trit", "trit"> {
  let summary = "one of -1, 0 and +1";
  let description = [{
    Element type of tensors encoded by `#sherry.ternary`.
  }];
}

class Sherry_BlockType<string name, string mnemonic_>
    : Sherry_Type<name, mnemonic_> {
  let description = [{
    Element type of plain weights in blocks. Rules [Q1] to [Q4] of
    docs/BlockFormat.md define their bytes.
  }];
}

def Sherry_Q8_0Type : Sherry_BlockType<"Q8_0", "q8_0"> {
  let summary = "8-bit weight in blocks of 32 inputs with an f16 scale";
}

def Sherry_Q6_KType : Sherry_BlockType<"Q6_K", "q6_K"> {
  let summary = "6-bit weight in blocks of 16 inputs with an 8-bit factor of "
                "an f16 number that 256 inputs share";
}

def Sherry_Q4_0Type : Sherry_BlockType<"Q4_0", "q4_0"> {
  let summary = "4-bit weight in blocks of 32 inputs with an f16 scale";
}

def Sherry_KVCacheType : Sherry_Type<"KVCache", "kv_cache"> {
  let summary = "keys and values of all positions of all sequences";
  let description = [{
    The cache consists of pages of 64 positions, each of shape
    `layers x kv_heads x 2 x 64 x head_dim`, where 2 stands for keys and values.
    The caller passes a table of the pages of each sequence. A sequence has at
    most `max_context` positions. A page stores positions in blocks of 16: the
    keys of a block as `head_dim x 16`, the values as `16 x head_dim`.

    With i8, the keys of a position and head share a scale, as do the values: a
    number x is stored as 128 + round(127 x / max|x|), and the scale is
    max|x| / 127 in f32. The keys of a block are `head_dim / 4 x 16 x 4` bytes,
    with four dimensions side by side; the values are `4 x head_dim x 4` bytes,
    with four positions side by side. The 16 scales follow.

    ```mlir
    !sherry.kv_cache<16 x 8 x 64 x f32, max_context = 131072>
    ```
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$kv_heads,
                        "int64_t":$head_dim, "::mlir::Type":$element_type,
                        "int64_t":$max_context);
  let assemblyFormat = [{
    `<` $layers `x` $kv_heads `x` $head_dim `x` $element_type `,`
    `max_context` `=` $max_context `>`
  }];
  let genMnemonicAlias = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getBytesPerPosition() const {
      return getLayers() * 2 * getKvHeads() * getBytesPerHead();
    }
    /// Bytes of the keys, or of the values, of one position and head.
    int64_t getBytesPerHead() const {
      return getHeadDim() * (getElementType().getIntOrFloatBitWidth() / 8) +
             (getElementType().isInteger(8) ? 4 : 0);
    }
  }];
}

def Sherry_TeamType : Sherry_Type<"Team", "team"> {
  let summary = "one thread's view of the team that executes a forward call";
  let description = [{
    A pointer to `sherry_abi_environment` of include/sherry-abi/abi.h.
  }];
}

#endif // SHERRY_DIALECT_SHERRY_TYPES
