//===- SherryRankOps.td - Models that are cut among ranks --*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ranks are processes, on one machine or several, that run the same code on
// their own rows of the weights.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_DIALECT_SHERRY_RANKOPS
#define SHERRY_DIALECT_SHERRY_RANKOPS

include "sherry/Dialect/Sherry/SherryGraphOps.td"

def Sherry_AllGatherOp : Sherry_Op<"all_gather", [Pure]> {
  let summary = "gather the columns of all ranks";
  let description = [{
    Each of n ranks has some columns of the rows. The result has, on every rank,
    the columns of rank 0, then the columns of rank 1, and so on: n times as
    many columns. Nothing is computed, so the numbers equal those of one machine
    bit for bit. Of quantized activations, the values and scales are exchanged;
    each rank computes block sums and tables from them.

    This is `shard.all_gather` along the columns, on a grid of n processes:
    `shard.all_gather %x on @ranks grid_axes = [0] gather_axis = 1`.

    ```mlir
    %h = sherry.all_gather %x : tensor<?x1024xf32> -> tensor<?x2048xf32>
    %q = sherry.all_gather %p
        : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>
        -> tensor<?x128xi8, #sherry.quantized<contiguous, [64, 64]>>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Sherry_Activations,
                                  Sherry_QuantizedActivations],
                                 "rows of f32 or quantized activations",
                                 "::mlir::RankedTensorType">:$input);
  let results = (outs AnyTypeOf<[Sherry_Activations,
                                 Sherry_QuantizedActivations],
                                "rows of f32 or quantized activations",
                                "::mlir::RankedTensorType">:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let extraClassDeclaration = [{
    int64_t getRanks() {
      return getType().getDimSize(1) / getInput().getType().getDimSize(1);
    }
  }];
  let hasVerifier = 1;
}

def Sherry_PickOwnedOp : Sherry_Op<"pick_owned", [Pure]> {
  let summary = "take this rank's columns of the owner's row";
  let description = [{
    Row t of `input` is the concatenation of n rows, one per rank, for
    `tokens[t]`. Only the row of the token's owner is valid: rank r owns the
    `rows` tokens from `r * rows` on. Row t of the result is this rank's part of
    the owner's row, an n-th of its columns.

    ```mlir
    %x = sherry.pick_owned %all, %tokens of 2 ranks rows 64128
        : tensor<?x4096xf32> -> tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins Sherry_Activations:$input, Sherry_RowNumbers:$tokens,
                       ConfinedAttr<I64Attr, [IntMinValue<2>]>:$ranks,
                       ConfinedAttr<I64Attr, [IntPositive]>:$rows);
  let results = (outs Sherry_Activations:$result);
  let assemblyFormat = [{
    $input `,` $tokens `of` $ranks `ranks` `rows` $rows attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sherry_ExchangeOp : Op<Sherry_Dialect, "exchange"> {
  let summary = "exchange bytes with all ranks";
  let description = [{
    Copies the first `bytes` bytes of each rank's `mine` to the beginning of
    `all`, one rank after the other. All ranks execute the same exchanges with
    the same number of bytes; one thread of each rank executes it, inside a
    `sherry.step`.

    ```mlir
    sherry.exchange %team, %mine to %all bytes %n
        : memref<1x1024xf32>, memref<1x2048xf32>
    ```
  }];
  let arguments = (ins Sherry_TeamType:$team,
                       Arg<AnyMemRef, "", [MemRead]>:$mine,
                       Arg<AnyMemRef, "", [MemWrite]>:$all, Index:$bytes);
  let assemblyFormat = [{
    $team `,` $mine `to` $all `bytes` $bytes attr-dict
    `:` type($mine) `,` type($all)
  }];
}

def Sherry_RankOp : Op<Sherry_Dialect, "rank", [Pure]> {
  let summary = "number of the executing rank";
  let description = [{
    ```mlir
    %r = sherry.rank %team
    ```
  }];
  let arguments = (ins Sherry_TeamType:$team);
  let results = (outs Index:$result);
  let assemblyFormat = "$team attr-dict";
}

#endif // SHERRY_DIALECT_SHERRY_RANKOPS
