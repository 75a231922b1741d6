// RUN: sherry-opt %s -sherry-select-layout -split-input-file | FileCheck %s

// CHECK: @chosen {{.*}} layout = <nibbles, interleave = 4>
module attributes {sherry.schedule = #sherry.schedule<interleave = 4, order = nibbles>} {
  sherry.weight @chosen count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
  // A layout that is there stays, and other weights have none.
  // CHECK: @kept {{.*}} layout = <words, interleave = 1>
  sherry.weight @kept count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>
  // CHECK: @dense {{.*}} : tensor<4x8xbf16>
  sherry.weight @dense count 1 from ["w"] rows [4] : tensor<4x8xbf16>
}

// -----

// CHECK: @any_cpu {{.*}} layout = <words, interleave = 1>
sherry.weight @any_cpu count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>
