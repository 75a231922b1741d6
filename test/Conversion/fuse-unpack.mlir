// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{fuse-unpack},func.func(sherry-fuse-unpack,canonicalize))' | FileCheck %s
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(sherry-attach-target{fuse-unpack multiply-panels},func.func(sherry-fuse-unpack,canonicalize))' | FileCheck %s --check-prefix=WHOLE
// RUN: sherry-opt %S/Inputs/panel-product.mlir -pass-pipeline='builtin.module(func.func(sherry-fuse-unpack))' | FileCheck %s --check-prefix=NOT
// NOT-NOT: affine.if
// RUN: sed 's/vector<128xi8>/vector<160xi8>/; s/words/words codebook <"dense">/' %S/Inputs/panel-product.mlir \
// RUN:   | sherry-opt -pass-pipeline='builtin.module(sherry-attach-target{fuse-unpack},func.func(sherry-fuse-unpack))' | FileCheck %s --check-prefix=DENSE
// DENSE: affine.if
// DENSE: sherry.unpack_codes %{{.*}} words codebook <"dense"> bias 1
// DENSE: vector.extract %{{.*}}[4, 1]

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

// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{fuse-unpack multiply-panels},func.func(sherry-fuse-unpack,sherry-multiply-panels))' | FileCheck %s --check-prefix=OTHER
// A panel that is read elsewhere must be there, and sums must go through all of
// its groups.
// OTHER-LABEL: func @read_elsewhere
// OTHER-NOT: affine.if
// OTHER-NOT: sherry.multiply_panel
func.func @read_elsewhere(%packed: memref<128xi8>, %count: index) -> vector<64xi8> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0> : vector<16xi32>
  %x = memref.alloc() : memref<64x32x4xi8>
  %sums = memref.alloc() : memref<64x16xi32>
  %panel = memref.alloca() : memref<64x2x64xi8>
  %bytes = affine.vector_load %packed[0] : memref<128xi8>, vector<128xi8>
  %trits = sherry.unpack_codes %bytes words bias 1 : vector<128xi8> -> vector<5x2x64xi8>
  vector.transfer_write %trits, %panel[%c0, %c0, %c0] {in_bounds = [true, true, true]} : vector<5x2x64xi8>, memref<64x2x64xi8>
  affine.for %row = 0 to %count {
    %sum = affine.for %group = 0 to 5 iter_args(%a = %zero) -> vector<16xi32> {
      %w = affine.vector_load %panel[%group, 0, 0] : memref<64x2x64xi8>, vector<64xi8>
      %v = affine.vector_load %x[%row, %group, 0] : memref<64x32x4xi8>, vector<4xi8>
      %b = sherry.dot_accumulate %w, %v, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
      affine.yield %b : vector<16xi32>
    }
    affine.vector_store %sum, %sums[%row, 0] : memref<64x16xi32>, vector<16xi32>
  }
  %first = affine.vector_load %panel[0, 0, 0] : memref<64x2x64xi8>, vector<64xi8>
  return %first : vector<64xi8>
}
// OTHER-LABEL: func @some_groups
// OTHER-NOT: affine.if
// OTHER-NOT: sherry.multiply_panel
func.func @some_groups(%packed: memref<128xi8>, %count: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0> : vector<16xi32>
  %x = memref.alloc() : memref<64x32x4xi8>
  %sums = memref.alloc() : memref<64x16xi32>
  %panel = memref.alloca() : memref<64x2x64xi8>
  %bytes = affine.vector_load %packed[0] : memref<128xi8>, vector<128xi8>
  %trits = sherry.unpack_codes %bytes words bias 1 : vector<128xi8> -> vector<5x2x64xi8>
  vector.transfer_write %trits, %panel[%c0, %c0, %c0] {in_bounds = [true, true, true]} : vector<5x2x64xi8>, memref<64x2x64xi8>
  affine.for %row = 0 to %count {
    %sum = affine.for %group = 0 to 4 iter_args(%a = %zero) -> vector<16xi32> {
      %w = affine.vector_load %panel[%group, 0, 0] : memref<64x2x64xi8>, vector<64xi8>
      %v = affine.vector_load %x[%row, %group, 0] : memref<64x32x4xi8>, vector<4xi8>
      %b = sherry.dot_accumulate %w, %v, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
      affine.yield %b : vector<16xi32>
    }
    affine.vector_store %sum, %sums[%row, 0] : memref<64x16xi32>, vector<16xi32>
  }
  return
}
