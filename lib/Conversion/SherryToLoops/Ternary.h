//===- Ternary.h - Products with 3:4-sparse ternary weights -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two ways through the packed bytes of docs/BlockFormat.md:
//
//  * one token, quantized: a table of partial sums per group of activations,
//    and one lookup per code [T4];
//  * else: decode a chunk of a tile into a panel of bytes, and multiply it with
//    every token. With `fuse_decode`, the first block of tokens is multiplied
//    along the way.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_TERNARY_H
#define LIB_CONVERSION_SHERRYTOLOOPS_TERNARY_H

#include "Linear.h"

namespace sherry {

/// A place in the packed bytes and in the activations.
struct Cursor {
  mlir::Value bytes; ///< of the super-tile's stream, in the weights section
  mlir::Value group; ///< group of four inputs
  mlir::Value block; ///< block of quantized activations (chunk)

  Cursor advance(LoopBuilder &b, mlir::Value rounds, int64_t byteStep,
                 int64_t groupStep, int64_t blockStep) const {
    return {b.add(bytes, b.mul(rounds, byteStep)),
            b.add(group, b.mul(rounds, groupStep)),
            b.add(block, b.mul(rounds, blockStep))};
  }
};

/// The walk through the packed bytes of a weight [T5]. Super-tiles are read in
/// one piece for many tokens; for one token, sherry-interleave-tiles makes
/// their tiles take turns.
class TernaryWalk {
protected:
  TernaryWalk(LoopBuilder &b, int64_t inputs, WeightRef weight)
      : b(b), inputs(inputs), weight(weight), encoding(weight.op.getTernary()),
        layout(encoding.getFormat()) {}

  using Values = llvm::SmallVector<mlir::Value>;
  /// Takes a piece of the inputs and what is carried on; returns what is next.
  using PieceBody = llvm::function_ref<Values(Cursor, int64_t inputs,
                                              mlir::ValueRange carried)>;

  /// Tile `number` of the `of` tiles of a super-tile that starts at `at`, or
  /// such a tile in a piece of its inputs.
  struct Tile {
    Cursor at;
    int64_t of;
    mlir::Value number;
  };
  /// Tile `tile` of the matrix, in a super-tile of `of` tiles.
  Tile tileAt(mlir::Value tile, int64_t of);

  /// Divides the tiles among the team. `column` is a tile's first output.
  void
  forTiles(Division division,
           llvm::function_ref<void(const Tile &, mlir::Value column)> body);
  Values forScaleGroups(Cursor at, int64_t tiles, mlir::ValueRange init,
                        PieceBody body);
  Values forChunks(Cursor at, int64_t tiles, int64_t inputs,
                   mlir::ValueRange init, PieceBody body);
  Values forSteps(Cursor at, int64_t tiles, int64_t inputs,
                  mlir::ValueRange init, PieceBody body);

  /// The tile's 32 scales of a scale group, as two halves of f32.
  Values loadScales(const Tile &group, int64_t inputs);
  bool usesWords() const { return layout.order == format::CodeOrder::Words; }

  LoopBuilder &b;
  int64_t inputs;
  WeightRef weight;
  TernaryAttr encoding;
  format::TernaryLayout layout;

private:
  /// Cuts `inputs` into pieces of `piece` and a shorter last one, and runs
  /// `body` over them; `bytesOf` and `blocksOf` measure a piece.
  Values forPieces(Cursor at, int64_t inputs, int64_t piece,
                   llvm::function_ref<int64_t(int64_t)> bytesOf,
                   llvm::function_ref<int64_t(int64_t)> blocksOf,
                   mlir::ValueRange init, PieceBody body);
};

void emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                        WeightRef weight, const Outputs &outputs);
void emitTernaryPanels(LoopBuilder &b, const AnyInput &input, WeightRef weight,
                       const Outputs &outputs);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_TERNARY_H
