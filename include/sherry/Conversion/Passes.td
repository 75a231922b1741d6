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
  let summary = "write the graph ops out as loops over buffers";
  let description = [{
    Every function on tensors becomes one on buffers. A tensor of activations
    `[? x cols]` becomes `memref<max_tokens x padded cols>` and a count of rows;
    `max_tokens` is the attribute `sherry.max_tokens` of the function
    (`sherry-specialize-tokens` sets it), and columns are padded to whole tiles
    of 32, such that rows are no multiple of 2 KiB apart. Quantized activations
    stay within a function, because they are in another order in memory: of 8
    tokens the first four inputs each, then the next four, and so on (token by
    token with `multiply_panels`); and of all tokens the scale of the first
    block, then of the next. The tensor
    arguments of a function have the same number of rows. The arguments of the
    new function are, in this order:

    1. the weights section, `memref<? x i8>`
    2. of each cache its pages, `memref<? x i8>`, and the page tables of its
       sequences, `memref<? x i32>`
    3. the workspace, `memref<? x i8>`
    4. the buffers of tensor arguments, then of tensor results
    5. the number of rows of the tensor arguments
    6. the index arguments
    7. how many entries the page tables of the caches have per sequence
    8. the team of threads

    Work is divided by `affine.parallel`; results are `memref.alloc`, as is the memory that an
    iteration needs, or `memref.alloca`. Weights need
    a layout and a place (`sherry-select-layout`, `sherry-place-weights`). What
    `sherry.schedule` and `sherry.numerics` of the module say is done.
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
  let summary = "one form for equal affine maps";
  let description = [{
    The form that the parser makes of a map's text: sums are added from left to
    right. Text has no parentheses for sums, so without this pass the loops that
    are read back would be lowered to other code than those that were written.
  }];
}

def LowerLoops : Pass<"sherry-lower-loops", "::mlir::func::FuncOp"> {
  let summary = "affine loops and subscripts to scf, vector and memref";
  let description = [{
    As `-lower-affine`, but parallel loops stay: `sherry-distribute-parallel`
    divides them.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def PrefetchTiles : Pass<"sherry-prefetch-tiles", "::mlir::func::FuncOp"> {
  let summary = "ask for the next tile of a weight while this one is multiplied";
  let description = [{
    Where codes are unpacked for several tokens, a tile is read in small pieces
    that no hardware prefetcher connects. Before each piece of this tile, the
    lines of the same piece of the next tile are prefetched into the second-level
    cache: the place is that of the piece, with the loop variables of the next
    iteration. At the start of a tile, the rows that the tile writes for all
    tokens, and those that it adds, are prefetched too. Nothing is done if
    `prefetch` of `sherry.schedule` is 0.
  }];
  let statistics = [Statistic<"numPrefetched", "num-prefetched", "lines">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::sherry::SherryDialect"];
}

def InterleaveTiles
    : Pass<"sherry-interleave-tiles", "::mlir::func::FuncOp"> {
  let summary = "let the tiles of a super-tile take turns";
  let description = [{
    For products with few tokens, by table lookups: rule [T5] lets the tiles of a
    super-tile alternate in memory, so that they are read in ascending order. A
    parallel loop over tiles, whose subscripts contain `%tile floordiv n` or
    `%tile mod n`, becomes a `sherry.step` with loops over the super-tiles of a
    range, over the inputs, and innermost over the n tiles, once for each `sherry.lookup_codes`
    of a chunk; a tile's sums are kept in memory between them. Iterations of a
    parallel loop are independent, and each tile adds in the order that it had.
    Loops that use a tile's number in other ways remain as they are.
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
    An `affine.parallel` inside another one has independent iterations of one
    thread: heads of queries that share keys and values. It becomes a serial loop
    that runs up to four of them at a time, a divisor of their number: the loops
    inside are jammed, and what does not depend on the iteration, such as loads
    of keys, is done once for them. Each iteration adds in the order that it had.
    Where iterations go through loops of their own length, one runs at a time.
  }];
  let statistics = [Statistic<"numJammed", "num-jammed", "loops made serial">];
  let dependentDialects = ["::mlir::affine::AffineDialect"];
}

def FuseUnpack : Pass<"sherry-fuse-unpack", "::mlir::func::FuncOp"> {
  let summary = "multiply the first tokens while codes are unpacked";
  let description = [{
    With `fuse_decode` of `sherry.schedule`. Where a panel is filled and then
    multiplied with all tokens, up to two, four, or the first eight of them are
    multiplied step by step with trits that are still in registers; then two or
    four tokens need no panel at all. The panel is kept for the tokens after the
    eighth, or, with `multiply_panels`, filled for all where there are more than
    four.
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
    With `multiply_panels` of `sherry.schedule`. The loop over tokens that
    multiplies a panel becomes `sherry.multiply_panel` for 32 tokens, or 16 if
    no more are left, and a loop that scales the sums. The panel gets the trits
    themselves, and zeros up to a whole unit of groups. Sums must start, as those
    of `sherry-convert-to-loops` do, with what makes up for trits plus 1.
  }];
  let statistics = [
    Statistic<"numMultiplied", "num-multiplied", "loops replaced">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::sherry::SherryDialect"];
}

def BlockTokens : Pass<"sherry-block-tokens", "::mlir::func::FuncOp"> {
  let summary = "several tokens for one read of the weights";
  let description = [{
    A loop over tokens with one sum over weights in its body is unrolled and
    jammed: eight tokens share the reads of a round of the sum; what is left is
    one block of eight or four tokens, or one where results are written. With
    `pair_sums` four tokens share reads.
    Each token's sum has its order of additions, so no result changes. Upstream's
    `-affine-loop-unroll-jam` would take the rest one by one, and copies reads
    that do not depend on the token.
  }];
  let statistics = [Statistic<"numBlocked", "num-blocked", "loops changed">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::sherry::SherryDialect"];
}

def UnrollDots : Pass<"sherry-unroll-dots", "::mlir::func::FuncOp"> {
  let summary = "write out short sums of bytes that are read in place";
  let description = [{
    A loop that sums at most 8 products by `sherry.dot_accumulate`, with bytes
    that are no trits, is written out. Such bytes are weights in q8_0 and other
    blocks, which are then read once for all tokens of a block, and keys of an
    i8 cache of heads of at most 32 features; each sum stays in a register.
    Trits are unpacked into panels, whose loops stay. The order of the additions
    stays.
  }];
  let statistics = [Statistic<"numUnrolled", "num-unrolled", "loops written out">];
  let dependentDialects = ["::mlir::affine::AffineDialect"];
}

def PairSums : Pass<"sherry-pair-sums", "::mlir::func::FuncOp"> {
  let summary = "sum pairs of products in 16 bits";
  let description = [{
    With `pair_sums` of `sherry.schedule`. A loop that sums at most 64 products
    with weights of at most 2 by `sherry.dot_accumulate` sums them by
    `sherry.dot_pairs`, and widens the sums at its end. Exact.
  }];
  let statistics = [Statistic<"numNarrowed", "num-narrowed", "loops changed">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::SherryDialect"];
}

def ExpandCodes : Pass<"sherry-expand-codes", "::mlir::func::FuncOp"> {
  let summary = "take packed codes apart";
  let description = [{
    `sherry.unpack_codes` becomes `sherry.decode_block` of the codes of 16
    outputs each, `sherry.lookup_codes` a `sherry.lookup`, or a
    `sherry.lookup_halves` with `sherry.apply_sign`, for each group; two
    `sherry.lookup_halves` where a codebook has more than 16 entries. The codes
    are taken from the bytes by shifts; bytes that are loaded whole are loaded
    in registers instead. Trits that are extracted are computed where they are
    used first.
  }];
  let statistics = [Statistic<"numExpanded", "num-expanded", "ops replaced">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::SherryDialect"];
}

def PrefetchWeights
    : Pass<"sherry-prefetch-weights", "::mlir::func::FuncOp"> {
  let summary = "ask for weights some time before they are read";
  let description = [{
    After every vector that a parallel loop loads from the weights, the first
    argument, come prefetches of its cache lines `prefetch_l2` and `prefetch`
    bytes ahead (`sherry.schedule`; 0: none), each line once; where a loop reads
    the same place again, they come before the loop. Loads of less than half a
    line are single rows, and get none.
  }];
  let statistics = [Statistic<"numPrefetched", "num-prefetched", "lines">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::sherry::SherryDialect"];
}

def HoistBuffers : Pass<"sherry-hoist-buffers", "::mlir::func::FuncOp"> {
  let summary = "give the buffers of parallel iterations places outside";
  let description = [{
    A `memref.alloca` in an `affine.parallel` goes to the entry block, because one
    inside a loop would take more of the stack each time round. A `memref.alloc`
    becomes a part of one buffer of the function: each thread of the team has a
    place in it, or each iteration if they are fewer than threads. Parallel loops
    run one after the other, so they share both.
  }];
  let statistics = [Statistic<"numHoisted", "num-hoisted", "buffers moved">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::sherry::SherryDialect"];
}

def DistributeParallel
    : Pass<"sherry-distribute-parallel", "::mlir::func::FuncOp"> {
  let summary = "divide affine.parallel among the threads of the team";
  let description = [{
    Each loop becomes a `sherry.step` with a loop over the iterations of a range.
    Ranges of a loop with the attribute `sherry.on_demand` have any number of
    iterations; others are the equal shares of the threads, whole. Results do not
    depend on who runs an iteration, as they are independent, which
    `affine.parallel` promises. The attribute `sherry.step` of the loop goes to
    the step.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::sherry::SherryDialect"];
}

def PlaceBuffers : Pass<"sherry-place-buffers", "::mlir::ModuleOp"> {
  let summary = "give every memref.alloc a place in the workspace";
  let description = [{
    Places are aligned to 64 bytes. Buffers share one if a `sherry.step` of
    the function's outermost block ends between the last use of one and the first
    use of the other. A function's places follow
    those of its callers. The size of the workspace becomes the module attribute
    `sherry.workspace_size`, and the type of every workspace argument.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerKernelToAVX512 : Pass<"sherry-lower-kernel-avx512"> {
  let summary = "kernel ops to AVX-512 instructions";
  let description = [{
    Where `llvm.target` has AVX512BW: `lookup` becomes vpermw, `decode_block`
    vpermi2d. With AVX512VNNI, `dot_accumulate` becomes vpdpbusd. Other ops are
    left to the passes after it.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::x86::X86Dialect"];
}

def LowerKernelToAMX : Pass<"sherry-lower-kernel-amx"> {
  let summary = "kernel ops to AMX instructions";
  let description = [{
    Where `llvm.target` has AMX-INT8, `multiply_panel` becomes tdpbssd on tiles
    of 16 x 64 bytes, all of one shape, so that they are configured once. Other
    ops are left to the passes after it.
  }];
  let dependentDialects = ["::mlir::amx::AMXDialect",
                           "::mlir::arith::ArithDialect"];
}

def LowerKernelToAVX2 : Pass<"sherry-lower-kernel-avx2"> {
  let summary = "kernel ops to AVX2 instructions";
  let description = [{
    Where `llvm.target` has AVX2: `decode_block` becomes vpshufb and bit tests,
    `lookup_halves` two vpshufb, `apply_sign` vpsignw, `dot_pairs` vpmaddubsw,
    `dot_accumulate` vpmaddubsw and vpmaddwd where its weights are at most 127
    (no sum can then saturate), else vpmaddwd on the even and the odd bytes.
    With AVX-VNNI it becomes vpdpbusd. Other ops are left to
    `sherry-lower-kernel-generic`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect",
                           "::sherry::x86::X86Dialect"];
}

def LowerKernelGeneric : Pass<"sherry-lower-kernel-generic"> {
  let summary = "kernel ops to target-independent vector code";
  let description = [{
    The lowering for CPUs without better instructions, and the oracle of the
    others. `multiply_panel` becomes loops over `dot_accumulate`. Where
    `llvm.target` has no F16C, f16 numbers are widened and rounded by integer
    operations; where it has no FMA, `math.fma` of f32 is computed in f64, with
    the same one rounding. So no library call remains.
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
    math transforms, sums of `math.fma`; `math.sincos` of f64 vectors, for angles
    between -2^30 and 2^30, Taylor series after a reduction to a quarter turn,
    in products and sums that are rounded apart.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def ApplyAbi : Pass<"sherry-apply-abi", "::mlir::ModuleOp"> {
  let summary = "what include/sherry-abi/abi.h wants of functions";
  let description = [{
    Memrefs will cross calls as bare pointers, all of them having fixed shapes:
    functions get the attribute `llvm.bareptr`. What steps do becomes a list, the
    module attribute `sherry.steps`, and each `sherry.step` a loop over the ranges
    that `sherry.take` gives, with its number there. `-convert-to-llvm` does the
    rest.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect", "::sherry::SherryDialect"];
}

#endif // SHERRY_CONVERSION_PASSES
