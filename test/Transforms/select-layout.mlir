// RUN: sherry-opt %s -sherry-select-layout -split-input-file | FileCheck %s
// RUN: sherry-opt %s -sherry-select-layout="order=nibbles interleave=2" -split-input-file | FileCheck %s --check-prefix=FORCED

// CHECK: @avx512 {{.*}} layout = <words, interleave = 4>
// FORCED: @avx512 {{.*}} layout = <nibbles, interleave = 2>
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw"]>>} {
  sherry.weight @avx512 count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
}

// -----

// CHECK: @avx2 {{.*}} layout = <nibbles, interleave = 4>
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  sherry.weight @avx2 count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
  // A layout that is there stays, and other weights have none.
  // CHECK: @kept {{.*}} layout = <words, interleave = 1>
  sherry.weight @kept count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>
  // CHECK: @dense {{.*}} : tensor<4x8xbf16>
  sherry.weight @dense count 1 from ["w"] rows [4] : tensor<4x8xbf16>
}

// -----

// CHECK: @generic {{.*}} layout = <words, interleave = 1>
sherry.weight @generic count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
