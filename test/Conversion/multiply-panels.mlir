// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{multiply-panels},func.func(sherry-multiply-panels))' | FileCheck %s --check-prefixes=CHECK,SPLIT
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{multiply-panels fuse-mul-add},func.func(sherry-multiply-panels))' | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(func.func(sherry-multiply-panels))' | FileCheck %s --check-prefix=NOT
// NOT-NOT: sherry.multiply_panel
// RUN: sed 's/vector<128xi8>/vector<160xi8>/; s/words/words codebook <"dense">/' %S/Inputs/panel-product.mlir \
// RUN:   | sherry-opt -pass-pipeline='builtin.module(sherry-attach-target{multiply-panels},func.func(sherry-multiply-panels))' | FileCheck %s --check-prefix=DENSE
// A panel has fours of inputs, whatever the codebook is.
// DENSE: sherry.unpack_codes %{{.*}} words codebook <"dense"> : vector<160xi8> -> vector<5x2x64xi8>
// DENSE: sherry.multiply_panel

// The panel has the trits themselves, and zeros up to 16 groups.
// CHECK: %[[SUMS:.*]] = memref.alloca() : memref<32x32xi32>
// CHECK: %[[PANEL:.*]] = memref.alloca() : memref<64x2x64xi8>
// CHECK: sherry.unpack_codes %{{.*}} words : vector<128xi8>
// CHECK-COUNT-22: affine.vector_store %cst, %[[PANEL]]
// 32 tokens at a time, 16 if no more are left, from the column of the first group.
// CHECK: affine.for %[[FIRST:.*]] = 0 to %{{.*}} step 32 {
// CHECK: scf.if
// CHECK: sherry.multiply_panel %[[PANEL]], %{{.*}}[%[[FIRST]], %c12{{.*}}], %{{.*}} {groups = 16 : i64} : memref<64x2x64xi8>, memref<32x128xi8>, memref<16x32xi32>
// CHECK: else
// CHECK: sherry.multiply_panel %[[PANEL]], %{{.*}}[%[[FIRST]], %c12{{.*}}], %[[SUMS]] {groups = 16 : i64}
// CHECK: affine.for %[[ROW:.*]] = #{{.*}}(%[[FIRST]]) to min
// CHECK: affine.vector_load %[[SUMS]][%[[ROW]] - %[[FIRST]], 0]
// What the ops behind the sum expect: with fma, sums that read as floats.
// FUSED: arith.addi
// SPLIT-NOT: arith.addi
// CHECK-COUNT-2: affine.vector_store
// CHECK-NOT: sherry.dot_accumulate
