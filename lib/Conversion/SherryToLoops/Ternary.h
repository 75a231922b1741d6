//===- Ternary.h - Products with ternary weights ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two ways through the packed bytes of docs/BlockFormat.md:
//
//  * with tables of partial sums for each group and token: one lookup per code
//    and token [T4], for few tokens in registers, for more of them block by
//    block;
//  * else: unpack a chunk of a tile into a panel of bytes, and multiply it with
//    every token. With `fuse_unpack`, sherry-fuse-unpack multiplies the first
//    tokens while codes are unpacked.
//
//===----------------------------------------------------------------------===//
#ifndef LIB_CONVERSION_SHERRYTOLOOPS_TERNARY_H
#define LIB_CONVERSION_SHERRYTOLOOPS_TERNARY_H

#include "Linear.h"

namespace sherry {

/// Some inputs of a tile: a scale group, a chunk of a scale group, or a step of
/// a chunk.
struct Piece {
  mlir::Value tile; ///< index of the tile in the matrix
  int64_t tiles;    ///< number of tiles of its super-tile

  // Indices of the inputs' scale group, of its chunk and of its step, from 0;
  // 0 for levels inside.
  mlir::Value scaleGroup, chunk, step;

  mlir::Value group; ///< its first group of inputs, which has a code
  mlir::Value four;  ///< its first four inputs
  mlir::Value block; ///< its first block of quantized activations
  int64_t inputs;
  int64_t scaleGroupInputs; ///< inputs of the scale group
};

/// Loops over the packed bytes of a weight [T5], tile by tile. For few tokens,
/// sherry-interleave-tiles lets the tiles of a super-tile alternate.
class TernaryLoops {
protected:
  TernaryLoops(LoopBuilder &b, int64_t inputs, WeightRef weight)
      : b(b), inputs(inputs), weight(weight), encoding(weight.op.getTernary()),
        layout(encoding.getFormat()) {}

  using Values = llvm::SmallVector<mlir::Value>;
  /// Takes a piece and the carried values; returns their next values.
  using PieceBody =
      llvm::function_ref<Values(const Piece &, mlir::ValueRange carried)>;

  /// All inputs of a tile of the matrix, in a super-tile of `tiles` tiles.
  Piece wholeTile(mlir::Value tile, int64_t tiles) {
    Piece whole{tile, tiles, {}, {}, {}, {}, {}, {}, inputs, 0};
    whole.scaleGroup = whole.chunk = whole.step = b.index(0);
    whole.group = whole.four = whole.block = b.index(0);
    return whole;
  }
  /// Divides the tiles among the team. `column` is a tile's first output.
  void
  forTiles(llvm::function_ref<void(const Piece &, mlir::Value column)> body);
  /// Runs `body` for a tile of the matrix, for any size of its super-tile.
  void forTile(mlir::Value tile, llvm::function_ref<void(const Piece &)> body);
  Values forScaleGroups(const Piece &tile, mlir::ValueRange init,
                        PieceBody body);
  Values forChunks(const Piece &scaleGroup, mlir::ValueRange init,
                   PieceBody body);
  Values forSteps(const Piece &chunk, mlir::ValueRange init, PieceBody body);

  /// The packed bytes of a step.
  mlir::Value loadCodes(const Piece &step);
  /// Allocates memory for the trits of a chunk.
  mlir::Value allocPanel();
  /// Writes the trits of a chunk plus `bias` to `panel`.
  void fillPanel(const Piece &chunk, int64_t bias, mlir::Value panel);
  /// The tile's scales of a scale group: vector<32xf32>.
  mlir::Value loadScales(const Piece &scaleGroup);

  /// The scales of a chunk of `tokens` rows of `input` from row `first` on,
  /// each in all lanes of vector<32xf32>.
  Values loadTokenScales(const Piece &chunk, const QuantizedRows &input,
                         mlir::Value first, int64_t tokens);
  /// Looks a chunk of a tile up for the rows of `scales`: the exact sums times
  /// the scales, vector<32xf32> each.
  Values lookUpChunk(const Piece &chunk, const QuantizedRows &input,
                     mlir::Value first, mlir::ValueRange scales);

  /// Stores the gated outputs of a tile to row `row` of `gated`, from `column`
  /// on. `gate` and `up` are the parts of `totals`, memref<parts x rows x 32 x
  /// f32>, that have the gates and the outputs in the same row.
  void storeGated(Activation activation, mlir::Value totals, mlir::Value gate,
                  mlir::Value up, mlir::Value row, const Rows &gated,
                  mlir::Value column);

  LoopBuilder &b;
  int64_t inputs;
  WeightRef weight;
  TernaryAttr encoding;
  format::TernaryLayout layout;

private:
  /// Cuts `whole` into pieces of `inputs` inputs and a shorter last piece, and
  /// runs `body` for each; the field `number` counts them. A piece has `blocks`
  /// blocks.
  Values forPieces(const Piece &whole, mlir::Value Piece::*number,
                   int64_t inputs, int64_t blocks, mlir::ValueRange init,
                   PieceBody body);
  mlir::Value loadBytes(mlir::AffineMap place,
                        llvm::ArrayRef<mlir::Value> numbers,
                        mlir::VectorType type);
};

/// For functions whose tokens are all looked up together.
void emitTernaryLookups(LoopBuilder &b, const QuantizedRows &input,
                        WeightRef weight, const Outputs &outputs);
/// For blocks of tokens.
void emitTernaryBlocks(LoopBuilder &b, const QuantizedRows &input,
                       WeightRef weight, const Outputs &outputs);
QuantizedRows emitGatedBlocks(LoopBuilder &b, const QuantizedRows &input,
                              WeightRef weight, Activation activation,
                              mlir::RankedTensorType result);
void emitTernaryPanels(LoopBuilder &b, const AnyInput &input, WeightRef weight,
                       const Outputs &outputs);
QuantizedRows emitGatedPanels(LoopBuilder &b, const QuantizedRows &input,
                              WeightRef weight, Activation activation,
                              mlir::RankedTensorType result);
/// Writes row `number` of the weight, as numbers, to row `row` of the result.
void emitTernaryRow(LoopBuilder &b, WeightRef weight, mlir::Value number,
                    mlir::Value row, const Rows &result);

} // namespace sherry

#endif // LIB_CONVERSION_SHERRYTOLOOPS_TERNARY_H
