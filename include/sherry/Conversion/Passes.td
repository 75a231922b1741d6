//===- Passes.td - Conversions of the sherry dialect -------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_CONVERSION_PASSES
#define SHERRY_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertSherryToLoops
    : Pass<"sherry-convert-to-loops", "::mlir::ModuleOp"> {
  let summary = "convert graph ops to loops over buffers";
  let description = [{
    Converts every function on tensors to a function on buffers. A tensor of
    activations `[? x cols]` becomes `memref<max_tokens x padded cols>` and a
    number of rows. `max_tokens` is the attribute `sherry.max_tokens` of the
    function (`sherry-specialize-tokens` sets it). Columns are padded to whole
    tiles of 32, so that the distance of rows is not a multiple of 2 KiB.

    Quantized activations do not cross function calls, because their memory has
    another order. Of each 8 tokens, the first four inputs of all tokens come
    first, then the next four (with `multiply_panels`: token by token). Of the
    scales, those of the first block come first, for all tokens, then those of
    the next block.

    All tensor arguments of a function have the same number of rows. The
    arguments of the new function are, in this order:

    1. the weights section, `memref<? x i8>`
    2. for each cache its pages, `memref<? x i8>`, and the page tables of its
       sequences, `memref<? x i32>`
    3. the workspace, `memref<? x i8>`
    4. the buffers of tensor arguments, then of tensor results
    5. the number of rows of the tensor arguments
    6. the index arguments
    7. the number of entries that a sequence has in the page tables of the
       caches
    8. the team of threads

    `affine.parallel` divides the work. Results are `memref.alloc`; memory that
    an iteration needs is `memref.alloc` or `memref.alloca`. Weights need a
    layout and an offset (`sherry-select-layout`, `sherry-place-weights`). The
    pass follows `sherry.schedule` and `sherry.numerics` of the module.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::sherry::SherryDialect"];
}

def NormalizeSubscripts
    : Pass<"sherry-normalize-subscripts", "::mlir::func::FuncOp"> {
  let summary = "bring equal affine maps and sets to one form";
  let description = [{
    The form is the one that the parser makes of their text: sums are added
    from left to right. Text has no parentheses for sums, so without this pass,
    loops that are printed and read back would be lowered to different code.
  }];
  let statistics = [Statistic<"numNormalized", "num-normalized",
                              "maps and sets changed">];
}

def LowerLoops : Pass<"sherry-lower-loops", "::mlir::func::FuncOp"> {
  let summary = "convert affine loops and subscripts to scf, vector and memref";
  let description = [{
    Works as `-lower-affine`, except that parallel loops stay:
    `sherry-distribute-parallel` divides them.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def PrefetchTiles : Pass<"sherry-prefetch-tiles", "::mlir::func::FuncOp"> {
  let summary = "prefetch the next tile of a weight";
  let description = [{
    Where codes are unpacked for several tokens, a tile is read in small parts
    that are no stream for a hardware prefetcher. Before each part of a tile,
    this pass prefetches the lines of the same part of the next tile into the
    second-level cache. Their address is that of the part, with the loop
    variables of the next iteration. At the start of a tile, the rows that the
    tile writes for all tokens, and the rows that it adds, are prefetched too.
    Does nothing if `prefetch` of `sherry.schedule` is 0.
  }];
  let statistics = [Statistic<"numPrefetched", "num-prefetched", "lines">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::sherry::SherryDialect"];
}

def InterleaveTiles
    : Pass<"sherry-interleave-tiles", "::mlir::func::FuncOp"> {
  let summary = "alternate between the tiles of a super-tile";
  let description = [{
    For products with few tokens, by table lookups. By rule [T5] the tiles of a
    super-tile alternate in memory; this pass makes loops read them in ascending
    order. A parallel loop over tiles, whose subscripts contain `%tile floordiv
    n` or `%tile mod n`, becomes a `sherry.step`. Its loops go over the
    super-tiles of a range, over the inputs, and innermost over the n tiles,
    once for each `sherry.lookup_codes` of a chunk; a tile's sums stay in memory
    between these loops. Iterations of a parallel loop are independent, and each
    tile keeps its order of additions. Loops that use the number of a tile in
    other ways stay.
  }];
  let statistics = [Statistic<"numInterleaved", "num-interleaved",
                              "parallel loops changed">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::sherry::SherryDialect"];
}

def JamParallel : Pass<"sherry-jam-parallel", "::mlir::func::FuncOp"> {
  let summary = "run several iterations of inner parallel loops at a time";
  let description = [{
    An `affine.parallel` inside another one has independent iterations that one
    thread runs: heads of queries that share keys and values. It becomes a
    serial loop that runs up to four iterations at a time, a divisor of their
    number. Inner loops are jammed, and work that does not depend on the
    iteration, such as loads of keys, is done once. Each iteration keeps its
    order of additions. If the length of an inner loop depends on the iteration,
    iterations run one at a time.
  }];
  let statistics = [Statistic<"numJammed", "num-jammed", "loops made serial">];
  let dependentDialects = ["::mlir::affine::AffineDialect"];
}

def FuseUnpack : Pass<"sherry-fuse-unpack", "::mlir::func::FuncOp"> {
  let summary = "multiply the first tokens while codes are unpacked";
  let description = [{
    Works with `fuse_unpack` of `sherry.schedule`. A panel is otherwise filled
    first, and then multiplied with all tokens. This pass multiplies the first
    two, four or eight tokens step by step, with trits that are still in
    registers. A call of up to four tokens then needs no panel. With more
    tokens, the panel is also filled, for the tokens after the eighth. With
    `multiply_panels`, only calls of up to four tokens change.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "products changed">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::SherryDialect"];
}

def MultiplyPanels
    : Pass<"sherry-multiply-panels", "::mlir::func::FuncOp"> {
  let summary = "multiply whole panels with many tokens at once";
  let description = [{
    Works with `multiply_panels` of `sherry.schedule`. The loop over tokens that
    multiplies a panel becomes `sherry.multiply_panel` for 32 tokens, or for 16
    if no more are left, and a loop that scales the sums. The panel gets the
    trits themselves, without a bias, and zeros up to a multiple of 16 groups.
    Sums must start as `sherry-convert-to-loops` starts them, with the numbers
    that make up for the bias of the trits.
  }];
  let statistics = [
    Statistic<"numMultiplied", "num-multiplied", "loops replaced">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::sherry::SherryDialect"];
}

def BlockTokens : Pass<"sherry-block-tokens", "::mlir::func::FuncOp"> {
  let summary = "share one read of the weights among several tokens";
  let description = [{
    Unrolls and jams a loop over tokens whose body has a sum over weights. Eight
    tokens share the reads of a round of the sum. The remaining tokens are one
    block of eight or of four, or of one where results are written. If
    `sum_tokens` of `sherry.schedule` is less, so many share reads. The sum of
    each token keeps its order of additions, so no result changes. Upstream's
    `-affine-loop-unroll-jam` would take remaining tokens one by one, and copies
    reads that do not depend on the token.
  }];
  let statistics = [Statistic<"numBlocked", "num-blocked", "loops changed">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::sherry::SherryDialect"];
}

def UnrollDots : Pass<"sherry-unroll-dots", "::mlir::func::FuncOp"> {
  let summary = "unroll short sums of bytes";
  let description = [{
    Unrolls a loop that sums at most 8 products by `sherry.dot_accumulate`, if
    its bytes are not trits. These bytes are weights in q8_0 and other blocks,
    which are then read once for all tokens of a block, and keys of an i8 cache
    if heads have at most 32 features. Each sum stays in a register. Trits are
    unpacked into panels, whose loops stay. The order of additions stays.
  }];
  let statistics = [Statistic<"numUnrolled", "num-unrolled", "loops written out">];
  let dependentDialects = ["::mlir::affine::AffineDialect"];
}

def PairSums : Pass<"sherry-pair-sums", "::mlir::func::FuncOp"> {
  let summary = "sum pairs of products in 16 bits";
  let description = [{
    Works with `pair_sums` of `sherry.schedule`. Sums of products by
    `sherry.dot_accumulate`, in a loop or one after the other, become sums by
    `sherry.dot_pairs`, as far as 16 bits hold them, and a `sherry.add_pairs` at
    their end. The result is exact.
  }];
  let statistics = [Statistic<"numNarrowed", "num-narrowed", "sums changed">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::SherryDialect"];
}

def ExpandCodes : Pass<"sherry-expand-codes", "::mlir::func::FuncOp"> {
  let summary = "expand ops on packed codes to ops on codes";
  let description = [{
    `sherry.unpack_codes` becomes `sherry.decode_block`, one for the codes of 16
    outputs. `sherry.lookup_codes` becomes, for each group, a `sherry.lookup`,
    or a `sherry.lookup_halves` with `sherry.apply_sign`; two
    `sherry.lookup_halves` if the codebook has more than 16 entries. Shifts
    extract the codes from the bytes; a load of all the bytes becomes loads of
    single registers. Extracted trits are computed before their first use.
  }];
  let statistics = [Statistic<"numExpanded", "num-expanded", "ops replaced">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::SherryDialect"];
}

def PrefetchWeights
    : Pass<"sherry-prefetch-weights", "::mlir::func::FuncOp"> {
  let summary = "prefetch weights before they are read";
  let description = [{
    After every vector that a parallel loop loads from the weights (the first
    argument), prefetches its cache lines `prefetch_l2` and `prefetch` bytes
    ahead (`sherry.schedule`; 0 prefetches nothing), each line once. Where a
    loop reads the same address again, the prefetches come before the loop.
    Without `prefetch_plain`, functions of one token prefetch only in loops and
    steps that read codes.
    Loads of less than half a line are single rows, and get no prefetches.
  }];
  let statistics = [Statistic<"numPrefetched", "num-prefetched", "lines">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::sherry::SherryDialect"];
}

def HoistBuffers : Pass<"sherry-hoist-buffers", "::mlir::func::FuncOp"> {
  let summary = "hoist buffers on the stack out of parallel iterations";
  let description = [{
    A `memref.alloca` in an `affine.parallel` moves to the entry block, because
    inside a loop it would take more of the stack in each iteration. Parallel
    loops run one after the other, so they share the buffers.
  }];
  let statistics = [Statistic<"numHoisted", "num-hoisted", "buffers moved">];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def DistributeParallel
    : Pass<"sherry-distribute-parallel", "::mlir::func::FuncOp"> {
  let summary = "divide affine.parallel among the threads of the team";
  let description = [{
    Each loop becomes a `sherry.step` with a loop over the iterations of a
    range. With the attribute `sherry.on_demand`, a loop's ranges have any
    number of iterations; without it, each range is the equal share of a thread.
    Iterations are independent, as `affine.parallel` promises, so results do not
    depend on the thread that runs an iteration. The attribute `sherry.step` of
    the loop moves to the step.
  }];
  let statistics = [Statistic<"numDivided", "num-divided", "loops changed">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::sherry::SherryDialect"];
}

def PlaceBuffers : Pass<"sherry-place-buffers", "::mlir::ModuleOp"> {
  let summary = "give every memref.alloc an offset in the workspace";
  let description = [{
    Offsets are multiples of 64 bytes. Two buffers share memory if a
    `sherry.step` of the function's outermost block ends between the last use of
    one and the first use of the other. The buffers of a function follow the
    buffers of its callers. A buffer that is allocated in a step, or with the
    attribute `sherry.per_thread`, has a place for each thread: the parts of the
    threads follow the memory that all threads share. What a thread reads
    between steps to fill its own buffers stays as long as they do, because a
    thread may be late. The bytes of the shared memory and of the part of a
    thread become the module attributes `sherry.workspace_size` and
    `sherry.thread_workspace_size`. The type of every workspace argument has the
    size for the most threads.
  }];
  let statistics = [Statistic<"numPlaced", "num-placed", "buffers placed">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::sherry::SherryDialect"];
}

def LowerKernelGeneric : Pass<"sherry-lower-kernel-generic"> {
  let summary = "kernel ops to target-independent vector code";
  let description = [{
    The lowering for CPUs without better instructions, and the oracle of the
    other lowerings. `multiply_panel` becomes loops over `dot_accumulate`. If
    `llvm.target` has no F16C, integer operations widen and round f16 numbers.
    If it has no FMA, `math.fma` of f32 is computed in f64, also with one
    rounding. So no library call remains.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def ApproximateMath : Pass<"sherry-approximate-math"> {
  let summary = "replace exp and sincos by polynomials";
  let description = [{
    Compiled models call no library. `math.exp` becomes the polynomial of MLIR's
    math transforms, as sums of `math.fma`. `math.sincos` of f64 vectors, for
    angles between -2^30 and 2^30, becomes a reduction to a quarter turn and
    Taylor series; products and sums are rounded separately.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def ApplyAbi : Pass<"sherry-apply-abi", "::mlir::ModuleOp"> {
  let summary = "give functions the form of include/sherry-abi/abi.h";
  let description = [{
    Functions get the attribute `llvm.bareptr`: all memrefs have fixed shapes,
    so they cross calls as bare pointers. The descriptions of steps become a
    list, the module attribute `sherry.steps`. Each `sherry.step` becomes a loop
    over the ranges that `sherry.take` returns; the `sherry.take` has the index
    of the step in the list. `-convert-to-llvm` does the rest.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect", "::sherry::SherryDialect"];
}

#endif // SHERRY_CONVERSION_PASSES
