// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{prefetch=4096},func.func(sherry-prefetch-tiles))' | FileCheck %s
// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{prefetch=0},func.func(sherry-prefetch-tiles))' | FileCheck %s --check-prefix=NONE
// NONE-NOT: affine.prefetch

module {
// Two tiles of each iteration, each of two parts: the next one is that of the
// next part, else of the next tile, else of the next iteration.
// CHECK-LABEL: func @nest
// CHECK-SAME: %[[WEIGHTS:[^:]*]]: memref<8192xi8>
func.func @nest(%weights: memref<8192xi8>, %result: memref<64x64xf32>, %residual: memref<64x64xf32>, %count: index) {
  %zeros = arith.constant dense<0.0> : vector<32xf32>
  %c0 = arith.constant 0 : index
  // CHECK: affine.parallel (%[[I:.*]]) =
  affine.parallel (%i) = (0) to (4) {
    %panel = memref.alloca() : memref<64x2x64xi8>
    %totals = memref.alloc() : memref<64x32xf32>
    // CHECK: affine.for %[[J:.*]] = 0 to 2
    affine.for %j = 0 to 2 {
      // CHECK-NEXT: affine.for %[[PART:.*]] = 0 to 2
      affine.for %part = 0 to 2 {
        // The rows of all tokens, at first.
        // CHECK-NEXT: affine.for %[[ROW:.*]] = 0 to
        // CHECK-NEXT: affine.prefetch %{{.*}}[%[[ROW]], 0], write, locality<3>, data : memref<64x64xf32>
        // CHECK-NEXT: affine.prefetch %{{.*}}[%[[ROW]], 16], write
        // CHECK-NEXT: affine.prefetch %{{.*}}[%[[ROW]], 0], read, locality<3>, data : memref<64x64xf32>
        // CHECK-NEXT: affine.prefetch %{{.*}}[%[[ROW]], 16], read
        // CHECK-NEXT: }
        affine.for %row = 0 to %count {
          affine.vector_store %zeros, %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
        }
        // All steps of a tile, before they are unpacked.
        // CHECK: affine.for %[[STEP:.*]] = 0 to 2 {
        // CHECK-NEXT: affine.prefetch %[[WEIGHTS]][{{.*}}((%[[I]] * 2 + %[[J]]) * 2 + %[[PART]] + 1) floordiv 2) floordiv 2) * 2000 + {{.*}}((%[[I]] * 2 + %[[J]]) * 2 + %[[PART]] + 1) floordiv 2) mod 2) * 500 + {{.*}}(((%[[I]] * 2 + %[[J]]) * 2 + %[[PART]] + 1) mod 2) * 250 + %[[STEP]] * 128], read, locality<2>
        // CHECK-NEXT: affine.prefetch %[[WEIGHTS]][{{.*}} + %[[STEP]] * 128 + 64], read, locality<2>
        // CHECK-NEXT: }
        // CHECK: affine.for
        affine.for %step = 0 to 2 {
          %at = affine.apply affine_map<(d0, d1, d2, d3) -> (d0 * 2000 + d1 * 500 + d2 * 250 + d3 * 128)>(%i, %j, %part, %step)
          %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
          %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
          %trits = sherry.unpack_codes %bytes words bias 1 : vector<128xi8> -> vector<5x2x64xi8>
          %group = affine.apply affine_map<(d0) -> (d0 * 5)>(%step)
          vector.transfer_write %trits, %panel[%group, %c0, %c0] {in_bounds = [true, true, true]} : vector<5x2x64xi8>, memref<64x2x64xi8>
        }
        affine.for %row = 0 to %count {
          %total = affine.vector_load %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
          %sum = arith.addf %total, %zeros : vector<32xf32>
          affine.vector_store %sum, %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
        }
        affine.for %row = 0 to %count {
          %total = affine.vector_load %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
          %before = affine.vector_load %residual[%row, 0] : memref<64x64xf32>, vector<32xf32>
          %sum = arith.addf %before, %total : vector<32xf32>
          affine.vector_store %sum, %result[%row, 0] : memref<64x64xf32>, vector<32xf32>
        }
      }
    }
  }
  return
}

// Nothing is unpacked here.
// CHECK-LABEL: func @dense
// CHECK-NOT: affine.prefetch
func.func @dense(%weights: memref<8192xi8>, %result: memref<64x64xf32>, %count: index) {
  %zeros = arith.constant dense<0.0> : vector<32xf32>
  affine.parallel (%i) = (0) to (4) {
    %totals = memref.alloc() : memref<64x32xf32>
    affine.for %row = 0 to %count {
      affine.vector_store %zeros, %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
    }
    %at = affine.apply affine_map<(d0) -> (d0 * 128)>(%i)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<32xf32>
    %weight = affine.vector_load %view[0] : memref<32xf32>, vector<32xf32>
    affine.for %row = 0 to %count {
      %total = affine.vector_load %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
      %sum = arith.addf %total, %weight : vector<32xf32>
      affine.vector_store %sum, %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
    }
  }
  return
}
// Places that depend on a step by another op are composed; rows whose place the
// loop over tokens computes are left.
// CHECK-LABEL: func @composed
// CHECK: affine.for %[[STEP:.*]] = 0 to 2 {
// CHECK-NEXT: affine.prefetch %{{.*}}[{{.*}}%[[STEP]] * 64
// CHECK-NEXT: }
// CHECK-NOT: affine.prefetch
func.func @composed(%weights: memref<8192xi8>, %result: memref<64x64xf32>, %count: index) {
  %zeros = arith.constant dense<0.0> : vector<32xf32>
  %c0 = arith.constant 0 : index
  affine.parallel (%i) = (0) to (4) {
    %panel = memref.alloca() : memref<64x2x64xi8>
    %totals = memref.alloc() : memref<64x32xf32>
    affine.for %row = 0 to %count {
      affine.vector_store %zeros, %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
    }
    affine.for %step = 0 to 2 {
      %bytesBefore = affine.apply affine_map<(d0) -> (d0 * 64)>(%step)
      %at = affine.apply affine_map<(d0, d1) -> (d0 * 2000 + d1)>(%i, %bytesBefore)
      %view = memref.view %weights[%at][] : memref<8192xi8> to memref<64xi8>
      %bytes = affine.vector_load %view[0] : memref<64xi8>, vector<64xi8>
      %trits = sherry.unpack_codes %bytes words bias 1 : vector<64xi8> -> vector<3x2x64xi8>
      vector.transfer_write %trits, %panel[%c0, %c0, %c0] {in_bounds = [true, true, true]} : vector<3x2x64xi8>, memref<64x2x64xi8>
    }
    affine.for %row = 0 to %count {
      %total = affine.vector_load %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
      %sum = arith.addf %total, %zeros : vector<32xf32>
      affine.vector_store %sum, %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
    }
    affine.for %row = 0 to %count {
      %total = affine.vector_load %totals[%row, 0] : memref<64x32xf32>, vector<32xf32>
      %other = affine.apply affine_map<(d0) -> (d0 + 1)>(%row)
      affine.vector_store %total, %result[%other, 0] : memref<64x64xf32>, vector<32xf32>
    }
  }
  return
}
}
