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

// Codes are taken out once, for all tokens.
// OPS-LABEL: func @lookups_of_two_tokens
func.func @lookups_of_two_tokens(%tables: memref<64x32xi16>, %a: index, %b: index, %bytes: vector<128xi8>,
                                 %x: vector<32xi16>, %y: vector<32xi16>) -> (vector<32xi16>, vector<32xi16>) {
  // OPS: %[[CODES:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<32xi16>
  // OPS: %[[OF_A:.*]] = sherry.lookup %arg0[%arg1], %[[CODES]]
  // OPS: arith.addi %arg4, %[[OF_A]]
  // OPS: %[[OF_B:.*]] = sherry.lookup %arg0[%arg2], %[[CODES]]
  // OPS: arith.addi %arg5, %[[OF_B]]
  // OPS: %[[NEXT:.*]] = arith.shrui %[[CODES]]
  // OPS-COUNT-2: sherry.lookup %arg0[{{.*}}], %[[NEXT]]
  // OPS-COUNT-8: sherry.lookup %arg0
  // OPS-NOT: sherry.lookup
  %next:2 = sherry.lookup_codes %tables[%a, %b], %bytes, %x, %y {groups = 6 : i64} : memref<64x32xi16>, vector<128xi8>, vector<32xi16>, vector<32xi16>
  return %next#0, %next#1 : vector<32xi16>, vector<32xi16>
}

// OPS-LABEL: func @lookups_of_nibbles
func.func @lookups_of_nibbles(%tables: memref<32x2x16xi8>, %group: index, %bytes: vector<128xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS-COUNT-4: sherry.lookup_halves %arg0
  // OPS-NOT: sherry.lookup_halves
  // OPS: vector.shuffle {{.*}} : vector<16xi16>, vector<16xi16>
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums {groups = 4 : i64} : memref<32x2x16xi8>, vector<128xi8>, vector<32xi16>
  return %next : vector<32xi16>
}

// Nibbles stay bytes, and signs become bytes, in the order of the nibbles.
// OPS-LABEL: func @nibbles
func.func @nibbles(%bytes: vector<96xi8>) -> vector<2x2x64xi8> {
  // OPS: %[[WORDS:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<32xi16>
  // OPS: %[[NIBBLES:.*]] = vector.extract_strided_slice %arg0 {offsets = [0], sizes = [32]
  // OPS: %[[SIGN:.*]] = arith.shrsi %[[WORDS]], %{{.*}} : vector<32xi16>
  // OPS: %[[LANES:.*]] = vector.bitcast %[[SIGN]]
  // OPS: %[[SIGNS:.*]] = vector.shuffle %[[LANES]], %[[LANES]] [0, 2, 4, 6, 8, 10, 12, 14, 32, 34,
  // OPS: sherry.decode_nibbles %[[NIBBLES]], %[[SIGNS]] bias 1
  // OPS: %[[UPPER:.*]] = arith.shrui %[[NIBBLES]]
  // OPS: sherry.decode_nibbles %[[UPPER]], %{{.*}} bias 1
  // OPS-NOT: sherry.decode_block
  %trits = sherry.unpack_codes %bytes nibbles bias 1 : vector<96xi8> -> vector<2x2x64xi8>
  return %trits : vector<2x2x64xi8>
}

// An odd nibble is in the lower bytes of the words of signs.
// OPS-LABEL: func @nibble_beside_signs
func.func @nibble_beside_signs(%tables: memref<32x2x16xi8>, %group: index, %bytes: vector<64xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS: %[[NIBBLES:.*]] = vector.shuffle %{{.*}} [0, 2, 4, 6, 8, 10, 12, 14, 32, 34, {{.*}}, 46, 16, 18,
  // OPS: sherry.lookup_halves %arg0[%arg1], %[[NIBBLES]]
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums {groups = 1 : i64} : memref<32x2x16xi8>, vector<64xi8>, vector<32xi16>
  return %next : vector<32xi16>
}

// The bits that a byte has left are the lower ones of a code whose upper ones
// are on top of words.
// OPS-LABEL: func @words_and_a_byte
func.func @words_and_a_byte(%tables: memref<32x32xi16>, %group: index, %bytes: vector<160xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS-COUNT-6: sherry.lookup %arg0
  // OPS: %[[BYTE:.*]] = arith.extui {{.*}} : vector<32xi8> to vector<32xi16>
  // OPS: sherry.lookup %arg0[{{.*}}], %[[BYTE]]
  // OPS: %[[LOW:.*]] = arith.shrui %[[BYTE]]
  // OPS: %[[CODES:.*]] = arith.ori {{.*}}, %[[LOW]]
  // OPS: sherry.lookup %arg0[{{.*}}], %[[CODES]]
  // OPS-NOT: sherry.lookup
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums {groups = 8 : i64} : memref<32x32xi16>, vector<160xi8>, vector<32xi16>
  return %next : vector<32xi16>
}

// Four groups of three inputs are three fours.
// OPS-LABEL: func @groups_of_three
func.func @groups_of_three(%bytes: vector<96xi8>) -> vector<64xi8> {
  // OPS: %[[A:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<16xi32>
  // OPS: arith.shli %{{.*}}, %{{.*}} : vector<16xi32>
  // OPS: arith.ori %[[A]]
  %trits = sherry.unpack_codes %bytes words codebook <"dense"> bias 1 : vector<96xi8> -> vector<3x2x64xi8>
  %first = vector.extract %trits[0, 0] : vector<64xi8> from vector<3x2x64xi8>
  return %first : vector<64xi8>
}

// A group of six inputs is a four and a half; its sign lies behind the codes.
// OPS-LABEL: func @groups_of_six
func.func @groups_of_six(%bytes: vector<128xi8>) -> (vector<64xi8>, vector<64xi8>) {
  // OPS: %[[SIGNS:.*]] = vector.extract_strided_slice %arg0 {offsets = [64], sizes = [32]
  // OPS: %[[WORDS:.*]] = vector.bitcast %[[SIGNS]] : vector<32xi8> to vector<16xi16>
  // OPS: arith.extui %[[WORDS]]
  // OPS: %[[CODE:.*]] = arith.ori
  // OPS: %[[FIRST:.*]] = sherry.decode_block %[[CODE]] codebook <"2:6"> :
  // OPS: %[[LAST:.*]] = sherry.decode_block %[[CODE]] codebook <"2:6"> first 4 :
  // OPS: %[[LANES:.*]] = vector.bitcast %[[LAST]]
  // OPS: %[[OTHER:.*]] = arith.shli %{{.*}}, %{{.*}} : vector<16xi32>
  // OPS: %[[FOUR:.*]] = arith.ori %[[LANES]], %[[OTHER]]
  %trits = sherry.unpack_codes %bytes words codebook <"2:6"> : vector<128xi8> -> vector<3x2x64xi8>
  %first = vector.extract %trits[0, 0] : vector<64xi8> from vector<3x2x64xi8>
  %second = vector.extract %trits[1, 0] : vector<64xi8> from vector<3x2x64xi8>
  return %first, %second : vector<64xi8>, vector<64xi8>
}

// Sums are negated where the sign is set.
// OPS-LABEL: func @lookups_of_six
func.func @lookups_of_six(%tables: memref<32x32xi16>, %group: index, %bytes: vector<128xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS: %[[SIGNS:.*]] = vector.extract_strided_slice %arg2 {offsets = [64], sizes = [64]
  // OPS: %[[WORDS:.*]] = vector.bitcast %[[SIGNS]]
  // OPS: %[[IS:.*]] = arith.cmpi slt, %[[WORDS]], %{{.*}}
  // OPS: %[[FOUND:.*]] = sherry.lookup %arg0[%arg1]
  // OPS: %[[NEGATIVE:.*]] = arith.subi %{{.*}}, %[[FOUND]]
  // OPS: %[[SUM:.*]] = arith.select %[[IS]], %[[NEGATIVE]], %[[FOUND]]
  // OPS: arith.addi %arg3, %[[SUM]]
  // OPS: arith.shli %[[WORDS]]
  // OPS: sherry.lookup
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums codebook <"2:6"> {groups = 2 : i64} : memref<32x32xi16>, vector<128xi8>, vector<32xi16>
  return %next : vector<32xi16>
}

// Two tables for each group: bit 4 of the entry chooses, then comes the sign.
// OPS-LABEL: func @lookups_of_six_nibbles
func.func @lookups_of_six_nibbles(%tables: memref<32x2x16xi8>, %group: index, %bytes: vector<160xi8>, %sums: vector<32xi16>) -> vector<32xi16> {
  // OPS: vector.extract_strided_slice %arg2 {offsets = [96], sizes = [32]
  // OPS: vector.extract_strided_slice %arg2 {offsets = [32], sizes = [32]
  // OPS: %[[LOW:.*]], %{{.*}} = sherry.lookup_halves %arg0[%arg1], %[[CODES:.*]] :
  // OPS: %[[NEXT:.*]] = arith.addi %arg1, %c1
  // OPS: %[[HIGH:.*]], %{{.*}} = sherry.lookup_halves %arg0[%[[NEXT]]], %[[CODES]] :
  // OPS: %[[FOUND:.*]] = arith.select %{{.*}}, %[[HIGH]], %[[LOW]] :
  // OPS: sherry.apply_sign %[[FOUND]]
  // OPS-COUNT-2: sherry.lookup_halves
  // OPS-NOT: sherry.lookup_halves
  %next = sherry.lookup_codes %tables[%group], %bytes, %sums codebook <"2:6"> {groups = 2 : i64} : memref<32x2x16xi8>, vector<160xi8>, vector<32xi16>
  return %next : vector<32xi16>
}
