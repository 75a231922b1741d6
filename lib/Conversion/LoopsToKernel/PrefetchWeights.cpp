//===- PrefetchWeights.cpp - Prefetch weights before their use ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sherry/Conversion/Passes.h"
#include "sherry/Dialect/Sherry/SherrySteps.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace sherry {
#define GEN_PASS_DEF_PREFETCHWEIGHTS
#include "sherry/Conversion/Passes.h.inc"
} // namespace sherry

using namespace mlir;
using namespace sherry;

/// Shorter loads are single rows, not streams.
static constexpr int64_t kLeastBytes = kLineBytes / 2;

namespace {
/// The bytes that a load reads of a view of the weights.
struct LoadedBytes {
  memref::ViewOp view;
  SmallVector<std::pair<Value, int64_t>> terms; ///< indices, times bytes
  int64_t begin = 0, size;

  static std::optional<LoadedBytes> get(vector::LoadOp load, Value weights);
  bool isDefinedOutside(scf::ForOp loop) {
    return loop.isDefinedOutsideOfLoop(view.getByteShift()) &&
           llvm::all_of(terms, [&](const auto &term) {
             return loop.isDefinedOutsideOfLoop(term.first);
           });
  }
};

struct PrefetchWeightsPass
    : sherry::impl::PrefetchWeightsBase<PrefetchWeightsPass> {
  void runOnOperation() override;

private:
  void prefetch(vector::LoadOp load, LoadedBytes loaded);

  using Terms = SmallVector<std::pair<Value, int64_t>>;
  using Line = std::tuple<Block *, Value, Terms, int64_t>;
  SmallVector<Line> done;
  SmallVector<std::pair<int64_t, unsigned>> distances; ///< bytes, locality
};
} // namespace

std::optional<LoadedBytes> LoadedBytes::get(vector::LoadOp load,
                                            Value weights) {
  LoadedBytes loaded;
  loaded.view = load.getBase().getDefiningOp<memref::ViewOp>();
  if (!loaded.view || loaded.view.getSource() != weights)
    return std::nullopt;
  MemRefType type = loaded.view.getType();
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  loaded.size = load.getVectorType().getNumElements() * bytes;
  if (loaded.size < kLeastBytes || !type.hasStaticShape())
    return std::nullopt;
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    Value index = load.getIndices()[i];
    if (std::optional<int64_t> constant = getConstantIntValue(index))
      loaded.begin += *constant * bytes;
    else
      loaded.terms.push_back({index, bytes});
    bytes *= type.getDimSize(i);
  }
  return loaded;
}

void PrefetchWeightsPass::prefetch(vector::LoadOp load, LoadedBytes loaded) {
  // Once for each new address.
  ImplicitLocOpBuilder b(load.getLoc(), &getContext());
  b.setInsertionPointAfter(load);
  auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
  while (loop && loaded.isDefinedOutside(loop)) {
    b.setInsertionPoint(loop);
    loop = dyn_cast<scf::ForOp>(loop->getParentOp());
  }
  Value base;
  for (int64_t line = loaded.begin / kLineBytes * kLineBytes;
       line < loaded.begin + loaded.size; line += kLineBytes) {
    Line key(b.getInsertionBlock(), loaded.view.getResult(), loaded.terms,
             line);
    if (llvm::is_contained(done, key))
      continue;
    done.push_back(key);
    ++numPrefetched;
    if (!base) {
      base = loaded.view.getByteShift();
      for (auto [index, bytes] : loaded.terms)
        base = b.createOrFold<arith::AddIOp>(
            base, b.createOrFold<arith::MulIOp>(
                      index, arith::ConstantIndexOp::create(b, bytes)));
    }
    for (auto [distance, locality] : distances) {
      Value at = b.createOrFold<arith::AddIOp>(
          base, arith::ConstantIndexOp::create(b, distance + line));
      memref::PrefetchOp::create(b, loaded.view.getSource(), at,
                                 /*isWrite=*/false, locality,
                                 /*isDataCache=*/true);
    }
  }
}

void PrefetchWeightsPass::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isDeclaration() || function.getNumArguments() == 0)
    return;
  ScheduleAttr schedule = getSchedule(function->getParentOfType<ModuleOp>());
  distances.clear();
  done.clear();
  if (schedule.getPrefetchL2() != 0)
    distances.push_back({schedule.getPrefetchL2(), 2});
  if (schedule.getPrefetch() != 0)
    distances.push_back({schedule.getPrefetch(), 3});
  auto tokens =
      SherryDialect::MaxTokensAttrHelper(&getContext()).getAttr(function);
  bool isForOne = tokens && tokens.getInt() == 1;
  SmallVector<vector::LoadOp> loads;
  for (Operation &op : function.getOps()) {
    if (!isa<LoopLikeOpInterface, StepOp>(op))
      continue;
    bool isUnpacked = false, looksUp = false;
    op.walk([&](Operation *inner) {
      isUnpacked |= isa<DecodeBlockOp, DecodeNibblesOp>(inner);
      looksUp |= isa<LookupOp, LookupHalvesOp>(inner);
    });
    // Codes that are unpacked for several tokens are read in small parts, tile
    // by tile: see sherry-prefetch-tiles.
    bool hasCodes = isUnpacked || looksUp;
    if (isForOne ? schedule.getPrefetchPlain() || hasCodes : !isUnpacked)
      op.walk([&](vector::LoadOp load) { loads.push_back(load); });
  }
  for (vector::LoadOp load : loads)
    if (std::optional<LoadedBytes> loaded =
            LoadedBytes::get(load, function.getArgument(0)))
      prefetch(load, *loaded);
}
