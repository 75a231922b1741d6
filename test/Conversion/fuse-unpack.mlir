// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{fuse-decode},func.func(sherry-fuse-unpack,canonicalize))' | FileCheck %s
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{fuse-decode multiply-panels},func.func(sherry-fuse-unpack,canonicalize))' | FileCheck %s --check-prefix=WHOLE
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(func.func(sherry-fuse-unpack))' | FileCheck %s --check-prefix=NOT
// NOT-NOT: affine.if

// Up to two tokens, in two chains of four sums, and up to four: no panel.
// CHECK: affine.if #{{.*}}()[%[[COUNT:.*]]] {
// CHECK: %[[TRITS:.*]] = sherry.unpack_codes %{{.*}} words bias 1
// CHECK: %[[LOW:.*]] = vector.extract %[[TRITS]][0, 0]
// CHECK: %[[HIGH:.*]] = vector.extract %[[TRITS]][0, 1]
// CHECK: %[[X:.*]] = affine.vector_load %{{.*}}[{{.*}}, 3, 0, 0]
// CHECK: %[[FIRST:.*]] = sherry.dot_accumulate %[[LOW]], %[[X]]
// CHECK: sherry.dot_accumulate %[[HIGH]], %[[X]]
// The second group starts another chain.
// CHECK: vector.extract %[[TRITS]][1, 0]
// CHECK: sherry.dot_accumulate %{{.*}}, %{{.*}}, %cst
// CHECK: vector.extract %[[TRITS]][2, 0]
// CHECK: sherry.dot_accumulate %{{.*}}, %{{.*}}, %[[FIRST]]
// CHECK-NOT: vector.transfer_write
// CHECK-COUNT-4: arith.addi
// CHECK-COUNT-4: affine.vector_store
// CHECK: } else {
// CHECK: affine.if
// CHECK-COUNT-40: sherry.dot_accumulate
// CHECK: } else {
// Of more tokens, the first eight; the panel is kept for the others.
// CHECK: %[[TRITS:.*]] = sherry.unpack_codes
// CHECK: vector.transfer_write %[[TRITS]], %[[PANEL:[a-z0-9_]*]][
// CHECK-COUNT-80: sherry.dot_accumulate
// CHECK: affine.for %{{.*}} = 8 to %[[COUNT]] {
// CHECK: affine.vector_load %[[PANEL]]

// A matrix unit takes all tokens where there are more than four.
// WHOLE: affine.if
// WHOLE-COUNT-20: sherry.dot_accumulate
// WHOLE: affine.if
// WHOLE-COUNT-40: sherry.dot_accumulate
// WHOLE: } else {
// WHOLE: vector.transfer_write
// WHOLE: affine.for %{{.*}} = 0 to
// WHOLE: affine.for {{.*}} iter_args
