// RUN: sherry-opt %s -sherry-attach-target=cpu=alderlake | FileCheck %s --check-prefix=ALDERLAKE
// RUN: sherry-opt %s '-sherry-attach-target=cpu=znver5 interleave=2 max-block=16 lookup-tokens=8 sum-tokens=2 pair-sums prefetch-plain=false' | FileCheck %s --check-prefix=CHANGED
// RUN: sherry-opt %s -sherry-attach-target=cpu=alderlake '-sherry-attach-target=order=words fuse-mul-add=false' | FileCheck %s --check-prefix=TWICE
// RUN: sherry-opt %s -sherry-attach-target | FileCheck %s --check-prefix=ANY
// RUN: not sherry-opt %s -sherry-attach-target=cpu=pentium9 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not sherry-opt %s -sherry-attach-target=max-block=12 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not sherry-opt %s -sherry-attach-target=interleave=17 2>&1 | FileCheck %s --check-prefix=TILES
// RUN: not sherry-opt %s -sherry-attach-target=sum-tokens=3 2>&1 | FileCheck %s --check-prefix=SUMS

// ALDERLAKE: llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "alderlake", features = <[{{.*}}"+avx2"{{.*}}"+avxvnni"]>>
// ALDERLAKE-SAME: sherry.numerics = #sherry.numerics<activations = f32, fuse_mul_add = true>
// ALDERLAKE-SAME: sherry.schedule = #sherry.schedule<interleave = 4, order = nibbles, lookup_tokens = 4, sum_tokens = 4>

// What options name differs, and the rest is the CPU's.
// CHANGED: #sherry.schedule<max_block = 16, prefetch = 8192, prefetch_l2 = 0, prefetch_plain = false, interleave = 2, lookup_tokens = 8, sum_tokens = 2, pair_sums = true, fuse_unpack = true>

// Without a CPU, the one that is there stays.
// TWICE: chip = "alderlake"
// TWICE-SAME: #sherry.numerics<activations = f32>
// TWICE-SAME: #sherry.schedule<interleave = 4, lookup_tokens = 4, sum_tokens = 4>

// ANY-NOT: llvm.target
// ANY: #sherry.schedule<>

// CPU: error: 'pentium9' is not a CPU of x86-64 known to LLVM
// BLOCK: error: max_block must be a multiple of 8 in 8..8192, not 12
// SUMS: error: sum_tokens must be a power of two of at most 8, not 3
// TILES: error: interleave must be in 1..16, not 17
module attributes {sherry.numerics = #sherry.numerics<activations = f32>} {}
