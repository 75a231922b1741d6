// RUN: sherry-opt %s -sherry-interleave-tiles -canonicalize | FileCheck %s

// Super-tiles of four tiles, each of two chunks of two steps.
// CHECK-DAG: #[[FIRST:.*]] = affine_map<()[s0] -> (s0 floordiv 4, 0)>
// CHECK-DAG: #[[LAST:.*]] = affine_map<()[s0] -> (s0 ceildiv 4, 2)>
// CHECK-DAG: #[[FROM:.*]] = affine_map<(d0)[s0] -> (0, d0 * -4 + s0)>
// CHECK-DAG: #[[TO:.*]] = affine_map<(d0)[s0] -> (4, d0 * -4 + s0)>
// CHECK-DAG: #[[STEP0:.*]] = affine_map<(d0, d1, d2) -> (d0 * 2048 + d1 * 4096 + d2 * 128)>
// CHECK-DAG: #[[STEP1:.*]] = affine_map<(d0, d1, d2) -> (d0 * 2048 + d1 * 4096 + d2 * 128 + 512)>

// CHECK-LABEL: func @whole
// CHECK-SAME: %[[TABLES:[^:]*]]: memref<64x32xi16>, {{.*}}, %[[RESULT:[^:]*]]: memref<1x256xf32>, %[[TEAM:.*]]: !sherry.team
// CHECK-DAG: %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<4x32xi16>
// CHECK-DAG: %[[TOTALS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<4x32xf32>
// CHECK: sherry.step %[[TEAM]] to %c8 attributes {grain = 4 : i64, step = {op = "linear"}} {
// CHECK-NEXT: ^bb0(%[[BEGIN:.*]]: index, %[[END:.*]]: index):
// CHECK: affine.for %[[SUPER:.*]] = max #[[FIRST]]()[%[[BEGIN]]] to min #[[LAST]]()[%[[END]]] {
// CHECK:   affine.for %[[N:.*]] = max #[[FROM]](%[[SUPER]])[%[[BEGIN]]] to min #[[TO]](%[[SUPER]])[%[[END]]] {
// CHECK-NEXT: affine.vector_store %{{.*}}, %[[TOTALS]][%[[N]], 0]
// CHECK-NEXT: }
// CHECK:   affine.for %[[CHUNK:.*]] = 0 to 2 {
// What all tiles read is read once.
// CHECK:     affine.load
// CHECK:     affine.for %[[N:.*]] = max #[[FROM]]
// CHECK-NEXT:  affine.apply #[[STEP0]](%[[CHUNK]], %[[SUPER]], %[[N]])
// CHECK-NEXT:  memref.view
// CHECK-NEXT:  affine.vector_load
// The first step begins with zeros.
// CHECK-NEXT:  %[[SUM:.*]] = sherry.lookup_codes
// CHECK-NEXT:  affine.vector_store %[[SUM]], %[[SUMS]][%[[N]], 0]
// CHECK-NEXT: }
// CHECK:     affine.for %[[N:.*]] = max #[[FROM]]
// CHECK-NEXT:  affine.apply #[[STEP1]](%[[CHUNK]], %[[SUPER]], %[[N]])
// CHECK-NEXT:  memref.view
// CHECK-NEXT:  affine.vector_load
// The last one goes on with its sums.
// CHECK-NEXT:  affine.vector_load %[[SUMS]][%[[N]], 0]
// CHECK-NEXT:  sherry.lookup_codes
// CHECK-NEXT:  arith.sitofp
// CHECK-NEXT:  affine.vector_load %[[TOTALS]][%[[N]], 0]
// CHECK-NEXT:  math.fma
// CHECK-NEXT:  affine.vector_store %{{.*}}, %[[TOTALS]][%[[N]], 0]
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK:   affine.for %[[N:.*]] = max #[[FROM]]
// CHECK-NEXT: %[[TOTAL:.*]] = affine.vector_load %[[TOTALS]][%[[N]], 0]
// CHECK-NEXT: affine.vector_store %[[TOTAL]], %[[RESULT]][0, %[[SUPER]] * 128 + %[[N]] * 32]
// CHECK-NOT: affine.parallel
func.func @whole(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %scales: memref<2xf32>, %result: memref<1x256xf32>, %team: !sherry.team) {
  %zero = arith.constant dense<0> : vector<32xi16>
  %zeros = arith.constant dense<0.0> : vector<32xf32>
  affine.parallel (%tile) = (0) to (8) {
    %total = affine.for %chunk = 0 to 2 iter_args(%carried = %zeros) -> (vector<32xf32>) {
      %number = affine.load %scales[%chunk] : memref<2xf32>
      %scale = vector.broadcast %number : f32 to vector<32xf32>
      %sums = affine.for %step = 0 to 2 iter_args(%sum = %zero) -> (vector<32xi16>) {
        %at = affine.apply affine_map<(d0, d1, d2) -> ((d0 floordiv 4) * 4096 + (d0 mod 4) * 128 + d1 * 2048 + d2 * 512)>(%tile, %chunk, %step)
        %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
        %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
        %group = affine.apply affine_map<(d0, d1) -> (d0 * 12 + d1 * 6)>(%chunk, %step)
        %next = sherry.lookup_codes %tables[%group], %bytes, %sum {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
        affine.yield %next : vector<32xi16>
      }
      %wide = arith.sitofp %sums : vector<32xi16> to vector<32xf32>
      %next = math.fma %wide, %scale, %carried : vector<32xf32>
      affine.yield %next : vector<32xf32>
    }
    affine.vector_store %total, %result[0, %tile * 32] : memref<1x256xf32>, vector<32xf32>
  } {sherry.step = {op = "linear"}}
  return
}

// Six tiles: the last super-tile has two.
// CHECK-LABEL: func @rest
// CHECK: affine.for %{{.*}} = max #[[FIRST]]()[%[[BEGIN:.*]]] to min #{{.*}}()[%[[END:.*]]] {
// CHECK:   affine.for %{{.*}} = max #{{.*}} to min #[[TO]](
// CHECK: affine.for %{{.*}} = max #{{.*}}()[%[[BEGIN]]] to min #[[LAST]]()[%[[END]]] {
// CHECK:   affine.for %{{.*}} = max #{{.*}} to min #{{.*}} {
func.func @rest(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %result: memref<1x256xi16>, %team: !sherry.team) {
  %zero = arith.constant dense<0> : vector<32xi16>
  affine.parallel (%tile) = (0) to (6) {
    affine.if affine_set<(d0) : (-d0 + 3 >= 0)>(%tile) {
      %at = affine.apply affine_map<(d0) -> ((d0 mod 4) * 128)>(%tile)
      %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
      %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
      %c0 = arith.constant 0 : index
      %sum = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
      affine.vector_store %sum, %result[0, %tile * 32] : memref<1x256xi16>, vector<32xi16>
    } else {
      %at = affine.apply affine_map<(d0) -> ((d0 mod 4) * 128 + 512)>(%tile)
      %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
      %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
      %c0 = arith.constant 0 : index
      %sum = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
      affine.vector_store %sum, %result[0, %tile * 32] : memref<1x256xi16>, vector<32xi16>
    }
  }
  return
}

// Without super-tiles, or with another use of the number: as it was.
// CHECK-LABEL: func @others
// CHECK-COUNT-2: affine.parallel
// CHECK-NOT: sherry.step
func.func @others(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %result: memref<8x32xi16>, %numbers: memref<8xindex>, %team: !sherry.team) {
  %zero = arith.constant dense<0> : vector<32xi16>
  %c0 = arith.constant 0 : index
  affine.parallel (%tile) = (0) to (8) {
    %at = affine.apply affine_map<(d0) -> (d0 * 128)>(%tile)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
    %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %sum = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    affine.vector_store %sum, %result[%tile, 0] : memref<8x32xi16>, vector<32xi16>
  }
  affine.parallel (%tile) = (0) to (8) {
    %at = affine.apply affine_map<(d0) -> ((d0 floordiv 4) * 512 + (d0 mod 4) * 128)>(%tile)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
    %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %sum = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    affine.vector_store %sum, %result[%tile, 0] : memref<8x32xi16>, vector<32xi16>
    affine.store %tile, %numbers[%tile] : memref<8xindex>
  }
  return
}

// Super-tiles of four and of eight tiles have buffers of their own.
// CHECK-LABEL: func @sizes
// CHECK-DAG: %[[FOUR:.*]] = memref.alloca() {{.*}} : memref<4x32xi16>
// CHECK-DAG: %[[EIGHT:.*]] = memref.alloca() {{.*}} : memref<8x32xi16>
// CHECK: affine.vector_store %{{.*}}, %[[FOUR]][
// CHECK: affine.vector_store %{{.*}}, %[[EIGHT]][
func.func @sizes(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %result: memref<16x32xi16>, %team: !sherry.team) {
  %zero = arith.constant dense<0> : vector<32xi16>
  %c0 = arith.constant 0 : index
  affine.parallel (%tile) = (0) to (8) {
    %at = affine.apply affine_map<(d0) -> ((d0 floordiv 4) * 512 + (d0 mod 4) * 128)>(%tile)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
    %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %a = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    %b = sherry.lookup_codes %tables[%c0], %bytes, %a {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    affine.vector_store %b, %result[%tile, 0] : memref<16x32xi16>, vector<32xi16>
  }
  affine.parallel (%tile) = (0) to (16) {
    %at = affine.apply affine_map<(d0) -> ((d0 floordiv 8) * 1024 + (d0 mod 8) * 128)>(%tile)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
    %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %a = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    %b = sherry.lookup_codes %tables[%c0], %bytes, %a {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    affine.vector_store %b, %result[%tile, 0] : memref<16x32xi16>, vector<32xi16>
  }
  return
}

// A value that a loop carries is kept where it is used again: memory may have
// changed.
// CHECK-LABEL: func @kept
// CHECK: affine.for
// CHECK: affine.for
// CHECK-NEXT: %[[INIT:.*]] = affine.vector_load %[[SUMS:.*]][
// CHECK-COUNT-2: affine.vector_store %[[INIT]],
// CHECK-NOT: affine.vector_load %[[SUMS]][
func.func @kept(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %sums: memref<8x32xi16>, %result: memref<8x32xi16>, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  affine.parallel (%tile) = (0) to (8) {
    %init = affine.vector_load %sums[%tile, 0] : memref<8x32xi16>, vector<32xi16>
    %sum = affine.for %step = 0 to 6 iter_args(%carried = %init) -> (vector<32xi16>) {
      %at = affine.apply affine_map<(d0, d1) -> ((d0 floordiv 4) * 1024 + (d0 mod 4) * 128 + d1 * 512)>(%tile, %step)
      %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
      %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
      %next = sherry.lookup_codes %tables[%c0], %bytes, %carried {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
      affine.yield %next : vector<32xi16>
    }
    affine.vector_store %sum, %sums[%tile, 0] : memref<8x32xi16>, vector<32xi16>
    %again = arith.addi %sum, %init : vector<32xi16>
    affine.vector_store %again, %result[%tile, 0] : memref<8x32xi16>, vector<32xi16>
  }
  return
}

// Conditions on the tile that are not those of its super-tile.
// CHECK-LABEL: func @condition
// CHECK: affine.parallel
// CHECK-NOT: sherry.step
func.func @condition(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %result: memref<8x32xi16>, %team: !sherry.team) {
  %zero = arith.constant dense<0> : vector<32xi16>
  %c0 = arith.constant 0 : index
  affine.parallel (%tile) = (0) to (8) {
    %at = affine.apply affine_map<(d0) -> ((d0 floordiv 4) * 512 + (d0 mod 4) * 128)>(%tile)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
    %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %sum = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    affine.if affine_set<(d0) : (-d0 + 5 >= 0)>(%tile) {
      affine.vector_store %sum, %result[%tile, 0] : memref<8x32xi16>, vector<32xi16>
    }
  }
  return
}

// Four lookups, one after the other: the third writes where the first did, whose
// sums the second has read.
// CHECK-LABEL: func @slots
// CHECK-COUNT-2: memref.alloca() {{.*}} : memref<4x32xi16>
// CHECK-NOT: memref.alloca
func.func @slots(%tables: memref<64x32xi16>, %weights: memref<8192xi8>, %result: memref<1x256xi16>, %team: !sherry.team) {
  %zero = arith.constant dense<0> : vector<32xi16>
  affine.parallel (%tile) = (0) to (8) {
    %at = affine.apply affine_map<(d0) -> ((d0 floordiv 4) * 512 + (d0 mod 4) * 128)>(%tile)
    %view = memref.view %weights[%at][] : memref<8192xi8> to memref<128xi8>
    %bytes = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %c0 = arith.constant 0 : index
    %a = sherry.lookup_codes %tables[%c0], %bytes, %zero {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    %more = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %b = sherry.lookup_codes %tables[%c0], %more, %a {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    %third = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %c = sherry.lookup_codes %tables[%c0], %third, %b {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    %last = affine.vector_load %view[0] : memref<128xi8>, vector<128xi8>
    %d = sherry.lookup_codes %tables[%c0], %last, %c {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>
    affine.vector_store %d, %result[0, %tile * 32] : memref<1x256xi16>, vector<32xi16>
  } {sherry.step = {op = "linear"}}
  return
}
