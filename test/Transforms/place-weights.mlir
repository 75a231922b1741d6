// RUN: sherry-opt %s -sherry-place-weights | FileCheck %s

// The second weight starts at the next multiple of 64.
// CHECK: sherry.weights_size = 15424 : i64
// CHECK: @norm count 3 {{.*}} at 0 stride 64 : tensor<10xf32>
sherry.weight @norm count 3 from ["n.{}"] rows [10] : tensor<10xf32>
// 32 rows (padded) of 16 bf16.
// CHECK: @dense count 1 {{.*}} at 192 stride 1024
sherry.weight @dense count 1 from ["d"] rows [10] : tensor<10x16xbf16>
// A tile of two blocks: 32 * (32 + 8) bytes and 2 * 64 of scales.
// CHECK: @q8 count 1 {{.*}} at 1216 stride 1408
sherry.weight @q8 count 1 from ["q"] rows [10] : tensor<10x40x!sherry.q8_0>
// Three tiles of 32 rows; 256 inputs are 4 steps of 320 bytes and 2 * 64 of scales.
// CHECK: @ternary count 2 {{.*}} at 2624 stride 4224
sherry.weight @ternary count 2 from ["t.{}"] rows [80] : tensor<80x256x!sherry.trit, #sherry.ternary<contiguous, per_group(128), scale = f16, layout = <words, interleave = 4>>>
// Two tiles of 4 + 2 whole steps, one of 4 groups (128 bytes), 4 * 32 of scales.
// CHECK: @short count 1 {{.*}} at 11072 stride 4352
sherry.weight @short count 1 from ["s"] rows [64] : tensor<64x400x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f32, layout = <nibbles, interleave = 2>>>
