// RUN: sherry-opt %s -pass-pipeline='builtin.module(func.func(sherry-expand-codes))' | FileCheck %s --check-prefix=OPS

// Bytes in memory are loaded in registers, and trits computed where they are used.
// OPS-LABEL: func @loads
func.func @loads(%bytes: memref<640xi8>, %at: index, %panel: memref<4x64xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // OPS-NOT: vector<320xi8>
  // OPS: %[[LOW:.*]] = vector.load %{{.*}}[%arg1] : memref<640xi8>, vector<32xi8>
  // OPS: %[[UP:.*]] = arith.addi %arg1, %c32
  // OPS: vector.load %{{.*}}[%[[UP]]] : memref<640xi8>, vector<32xi8>
  // OPS: %[[A:.*]] = sherry.decode_block
  // OPS: vector.store %[[A]], %arg2[%c0
  // OPS: arith.shrui {{.*}} : vector<16xi32>
  // OPS: sherry.decode_block
  // OPS: vector.store {{.*}}, %arg2[%c1
  %step = vector.load %bytes[%at] : memref<640xi8>, vector<320xi8>
  %trits = sherry.unpack_codes %step words : vector<320xi8> -> vector<16x2x64xi8>
  %a = vector.extract %trits[0, 0] : vector<64xi8> from vector<16x2x64xi8>
  vector.store %a, %panel[%c0, %c0] : memref<4x64xi8>, vector<64xi8>
  %b = vector.extract %trits[1, 0] : vector<64xi8> from vector<16x2x64xi8>
  vector.store %b, %panel[%c1, %c0] : memref<4x64xi8>, vector<64xi8>
  return
}

// One lookup for each group; the sixteenth codes are collected from the top bits.
// OPS-LABEL: func @lookups
func.func @lookups(%tables: memref<32x32xi16>, %group: index, %bytes: vector<320xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS: %[[CODES:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<32xi16>
  // OPS: %[[FIRST:.*]] = sherry.lookup %arg0[%arg1], %[[CODES]]
  // OPS: arith.addi %arg3, %[[FIRST]]
  // OPS-COUNT-15: sherry.lookup %arg0
  // OPS-NOT: sherry.lookup
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums {groups = 16 : i64} : memref<32x32xi16>, vector<320xi8>, vector<32xi16>
  return %next : vector<32xi16>
}

// OPS-LABEL: func @lookups_of_nibbles
func.func @lookups_of_nibbles(%tables: memref<32x2x16xi8>, %group: index, %bytes: vector<128xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS-COUNT-3: sherry.lookup_halves %arg0
  // OPS-NOT: sherry.lookup_halves
  // OPS: vector.shuffle {{.*}} : vector<16xi16>, vector<16xi16>
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums {groups = 3 : i64} : memref<32x2x16xi8>, vector<128xi8>, vector<32xi16>
  return %next : vector<32xi16>
}
