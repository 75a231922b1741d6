// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{prefetch=4096 prefetch-l2=0},func.func(sherry-prefetch-weights))' | FileCheck %s --check-prefixes=CHECK,ONCE
// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{prefetch=4096 prefetch-l2=16384},func.func(sherry-prefetch-weights))' | FileCheck %s --check-prefixes=CHECK,TWICE
// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{prefetch=0 prefetch-l2=0},func.func(sherry-prefetch-weights))' | FileCheck %s --check-prefix=NONE
// NONE-NOT: memref.prefetch
// RUN: sherry-opt %s -pass-pipeline='builtin.module(sherry-attach-target{prefetch-plain=false},func.func(sherry-prefetch-weights))' | FileCheck %s --check-prefix=CODES

module {
// CHECK-LABEL: func @lines
// CODES-LABEL: func @lines
// CODES-NOT: memref.prefetch
// CHECK-SAME: %[[WEIGHTS:[^:]*]]: memref<65536xi8>, %[[OTHER:[^:]*]]: memref<64xi8>
func.func @lines(%weights: memref<65536xi8>, %other: memref<64xi8>) attributes {sherry.max_tokens = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %c320 = arith.constant 320 : index
  // CHECK: affine.parallel (%[[I:.*]]) =
  affine.parallel (%i) = (0) to (4) {
    // CHECK: %[[OFFSET:.*]] = arith.muli %[[I]], %c320
    %offset = arith.muli %i, %c320 : index
    %view = memref.view %weights[%offset][] : memref<65536xi8> to memref<5x32xi16>
    // The line of row 2, behind its load.
    // CHECK: vector.load
    // ONCE: %[[AT:.*]] = arith.addi %[[OFFSET]], %c4224
    // ONCE: memref.prefetch %[[WEIGHTS]][%[[AT]]], read, locality<3>, data
    // TWICE: %[[AT:.*]] = arith.addi %[[OFFSET]], %c16512
    // TWICE: memref.prefetch %[[WEIGHTS]][%[[AT]]], read, locality<2>, data
    // TWICE: memref.prefetch %[[WEIGHTS]]{{.*}}, read, locality<3>, data
    // CHECK-NOT: memref.prefetch
    %a = vector.load %view[%c2, %c0] : memref<5x32xi16>, vector<16xi16>
    // The rest of the line is there already.
    // CHECK: vector.load
    %b = vector.load %view[%c2, %c16] : memref<5x32xi16>, vector<16xi16>
    // Less than half a line is a single row.
    // CHECK: vector.load
    %c = vector.load %view[%c1, %c0] : memref<5x32xi16>, vector<8xi16>
    // Other memory.
    // CHECK: vector.load
    %d = vector.load %other[%c0] : memref<64xi8>, vector<64xi8>
    vector.store %a, %view[%c0, %c0] : memref<5x32xi16>, vector<16xi16>
    vector.store %b, %view[%c0, %c0] : memref<5x32xi16>, vector<16xi16>
    vector.store %c, %view[%c0, %c0] : memref<5x32xi16>, vector<8xi16>
    vector.store %d, %other[%c0] : memref<64xi8>, vector<64xi8>
    // What a loop reads again and again comes once, before it.
    // ONCE: memref.prefetch
    // TWICE-COUNT-2: memref.prefetch
    // CHECK: scf.for
    // CHECK: vector.load
    // CHECK-NOT: memref.prefetch
    scf.for %j = %c0 to %c4 step %c1 {
      %e = vector.load %view[%c4, %c0] : memref<5x32xi16>, vector<32xi16>
      vector.store %e, %view[%c0, %c0] : memref<5x32xi16>, vector<32xi16>
    }
    // CHECK: return
  }
  return
}

// Codes of one token, and plain weights of several, are always prefetched.
// CODES-LABEL: func @lookups
// CODES-COUNT-2: memref.prefetch
func.func @lookups(%weights: memref<65536xi8>, %tables: memref<4x32xi16>, %sums: memref<32xi16>) attributes {sherry.max_tokens = 1 : i64} {
  %c0 = arith.constant 0 : index
  affine.parallel (%i) = (0) to (4) {
    %view = memref.view %weights[%c0][] : memref<65536xi8> to memref<4x32xi16>
    %codes = vector.load %view[%i, %c0] : memref<4x32xi16>, vector<32xi16>
    %found = sherry.lookup %tables[%c0], %codes : memref<4x32xi16>, vector<32xi16>
    vector.store %found, %sums[%c0] : memref<32xi16>, vector<32xi16>
  }
  return
}
// CODES-LABEL: func @several
// CODES-COUNT-2: memref.prefetch
func.func @several(%weights: memref<65536xi8>, %other: memref<64xi8>) attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  affine.parallel (%i) = (0) to (4) {
    %view = memref.view %weights[%c0][] : memref<65536xi8> to memref<4x64xi8>
    %a = vector.load %view[%i, %c0] : memref<4x64xi8>, vector<64xi8>
    vector.store %a, %other[%c0] : memref<64xi8>, vector<64xi8>
  }
  return
}

// For several tokens, codes are read tile by tile: not by this pass.
// CHECK-LABEL: func @panel
// CODES-LABEL: func @panel
// CODES-NOT: memref.prefetch
// CHECK-NOT: memref.prefetch
func.func @panel(%weights: memref<65536xi8>, %panel: memref<64xi8>) attributes {sherry.max_tokens = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  affine.parallel (%i) = (0) to (4) {
    %view = memref.view %weights[%c0][] : memref<65536xi8> to memref<4x16xi32>
    %codes = vector.load %view[%i, %c0] : memref<4x16xi32>, vector<16xi32>
    %trits = sherry.decode_block %codes : vector<16xi32> -> vector<64xi8>
    vector.store %trits, %panel[%c0] : memref<64xi8>, vector<64xi8>
  }
  return
}

// CHECK-LABEL: func @unpacked
// CODES-LABEL: func @unpacked
// CODES-COUNT-2: memref.prefetch
func.func @unpacked(%weights: memref<65536xi8>, %panel: memref<64xi8>) attributes {sherry.max_tokens = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  affine.parallel (%i) = (0) to (4) {
    %view = memref.view %weights[%c0][] : memref<65536xi8> to memref<4x16xi32>
    %codes = vector.load %view[%i, %c0] : memref<4x16xi32>, vector<16xi32>
    %trits = sherry.decode_block %codes : vector<16xi32> -> vector<64xi8>
    vector.store %trits, %panel[%c0] : memref<64xi8>, vector<64xi8>
  }
  return
}
}
