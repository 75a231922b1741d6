//===- LayoutMaps.cpp - Layouts of weights as affine maps -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Dialect/Sherry/SherryDialect.h"

#include "mlir/IR/AffineMap.h"

using namespace mlir;
using namespace sherry;

/// The offset of the super-tile of `tile`; all earlier super-tiles are whole.
static AffineExpr superTileAt(const format::TernaryLayout &layout,
                              AffineExpr tile, int64_t inputs) {
  return tile.floorDiv(layout.interleave) *
         (layout.interleave * layout.tileBytes(inputs));
}

AffineMap TernaryAttr::getCodesMap(int64_t inputs, int64_t tiles,
                                   int64_t groups) const {
  format::TernaryLayout layout = getFormat();
  AffineExpr tile, scaleGroup, chunk, step;
  bindDims(getContext(), tile, scaleGroup, chunk, step);
  // The tiles of the super-tile alternate step by step; all scale groups,
  // chunks and steps except the last are whole.
  int64_t groupBytes = layout.scaleGroupBytes(layout.scaleGroupInputs(inputs));
  return AffineMap::get(
      4, 0,
      superTileAt(layout, tile, inputs) + scaleGroup * (tiles * groupBytes) +
          chunk * (tiles * layout.chunkBytes(format::kMaxChunkInputs)) +
          step * (tiles * layout.stepBytes(format::kStepGroups)) +
          tile % layout.interleave * layout.stepBytes(groups));
}

AffineMap TernaryAttr::getScalesMap(int64_t inputs, int64_t tiles,
                                    int64_t groupInputs) const {
  format::TernaryLayout layout = getFormat();
  AffineExpr tile, scaleGroup;
  bindDims(getContext(), tile, scaleGroup);
  // After the codes of the scale group.
  int64_t groupBytes = layout.scaleGroupBytes(layout.scaleGroupInputs(inputs));
  int64_t codeBytes = layout.scaleGroupBytes(groupInputs) - layout.scaleBytes();
  return AffineMap::get(
      2, 0,
      superTileAt(layout, tile, inputs) + scaleGroup * (tiles * groupBytes) +
          tiles * codeBytes + tile % layout.interleave * layout.scaleBytes());
}
