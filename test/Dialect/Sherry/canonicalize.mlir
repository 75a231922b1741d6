// RUN: sherry-opt %s -canonicalize | FileCheck %s

// The codes 0..15: the zero lane is code / 4, the first sign is plus.
// CHECK-LABEL: func @decode_constant
func.func @decode_constant() -> vector<64xi8> {
  %codes = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : vector<16xi32>
  // CHECK: arith.constant dense<[1, 2, 2, 2, 1, 2, 0, 2, 1, 2, 2, 0, 1, 2, 0, 0,
  // CHECK-SAME: 2, 1, 2, 2, 2, 1, 0, 2, 2, 1, 2, 0, 2, 1, 0, 0,
  // CHECK-SAME: 2, 2, 1, 2, 2, 0, 1, 2, 2, 2, 1, 0, 2, 0, 1, 0,
  // CHECK-SAME: 2, 2, 2, 1, 2, 0, 2, 1, 2, 2, 0, 1, 2, 0, 0, 1]> : vector<64xi8>
  %trits = sherry.decode_block %codes bias 1 : vector<16xi32> -> vector<64xi8>
  return %trits : vector<64xi8>
}

// Bit 4 negates; higher bits are ignored.
// CHECK-LABEL: func @decode_negated
func.func @decode_negated() -> vector<64xi8> {
  %codes = arith.constant dense<48> : vector<16xi32>
  // CHECK: arith.constant dense<[1, 0, 0, 0, 1, 0, 0, 0,
  %trits = sherry.decode_block %codes bias 1 : vector<16xi32> -> vector<64xi8>
  return %trits : vector<64xi8>
}

// Three inputs: the number of the entry in balanced base 3; no trit in byte 3.
// CHECK-LABEL: func @decode_dense
func.func @decode_dense() -> vector<64xi8> {
  %codes = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 31]> : vector<16xi32>
  // CHECK: arith.constant dense<[1, 1, 1, 0, 2, 1, 1, 0, 0, 2, 1, 0, 1, 2, 1, 0,
  // CHECK-SAME: 2, 2, 1, 0, 0, 0, 2, 0, 1, 0, 2, 0, 2, 0, 2, 0,
  // CHECK-SAME: 0, 1, 2, 0, 1, 1, 2, 0, 2, 1, 2, 0, 0, 2, 2, 0,
  // CHECK-SAME: 1, 2, 2, 0, 2, 2, 2, 0, 1, 1, 1, 0, 1, 1, 1, 0]> : vector<64xi8>
  %trits = sherry.decode_block %codes codebook <"dense"> bias 1 : vector<16xi32> -> vector<64xi8>
  return %trits : vector<64xi8>
}

// CHECK-LABEL: func @dense_table_constant
func.func @dense_table_constant() -> vector<16xi16> {
  %a = arith.constant dense<[1, 10, 100, -127]> : vector<4xi8>
  // CHECK: arith.constant dense<[0, 1, 9, 10, 11, 89, 90, 91, 99, 100, 101, 109, 110, 111, 0, 0]> : vector<16xi16>
  %t = sherry.build_table %a codebook <"dense"> : vector<4xi8> -> vector<16xi16>
  return %t : vector<16xi16>
}

// Six inputs, four or two in a lane. Bit 5 negates; entries 30 and 31 are none.
// CHECK-LABEL: func @decode_six
func.func @decode_six() -> (vector<64xi8>, vector<64xi8>) {
  %codes = arith.constant dense<[0, 1, 2, 8, 9, 10, 22, 29, 30, 31, 32, 33, 55, 61, 63, 92]> : vector<16xi32>
  // CHECK: arith.constant dense<[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1,
  // CHECK-SAME: 2, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 2, 2, 0, 1, 1,
  // CHECK-SAME: 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  // CHECK-SAME: 0, 1, 1, 2, 0, 2, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1]> : vector<64xi8>
  // CHECK: arith.constant dense<[2, 2, 0, 0, 2, 0, 0, 0, 1, 2, 0, 0, 1, 2, 0, 0,
  // CHECK-SAME: 1, 0, 0, 0, 2, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0,
  // CHECK-SAME: 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0,
  // CHECK-SAME: 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]> : vector<64xi8>
  %first = sherry.decode_block %codes codebook <"2:6"> bias 1 : vector<16xi32> -> vector<64xi8>
  %last = sherry.decode_block %codes codebook <"2:6"> first 4 bias 1 : vector<16xi32> -> vector<64xi8>
  return %first, %last : vector<64xi8>, vector<64xi8>
}

// CHECK-LABEL: func @table_of_six_constant
func.func @table_of_six_constant() -> vector<32xi16> {
  %a = arith.constant dense<[1, 10, 100, -127, 20, 3, 77, 78]> : vector<8xi8>
  // CHECK: arith.constant dense<[23, 17, -124, -130, 103, 97, 13, 7, 4, -2, -107, -147, 120, 80, 30, -10, 21, -19, -27, 227, -117, 137, -126, 128, 110, -90, 101, -99, 11, -9, 0, 0]> : vector<32xi16>
  %t = sherry.build_table %a codebook <"2:6"> : vector<8xi8> -> vector<32xi16>
  return %t : vector<32xi16>
}

// CHECK-LABEL: func @table_constant
func.func @table_constant() -> vector<16xi16> {
  %a = arith.constant dense<[1, 10, 100, -127]> : vector<4xi8>
  // CHECK: arith.constant dense<[-17, -217, 237, 37, -26, -226, 228, 28, -116, -136, 138, 118, 111, 91, -89, -109]> : vector<16xi16>
  %t = sherry.build_table %a : vector<4xi8> -> vector<16xi16>
  return %t : vector<16xi16>
}

// CHECK-LABEL: func @table_of_32_is_antisymmetric
func.func @table_of_32_is_antisymmetric() -> vector<32xi16> {
  %a = arith.constant dense<[0, 0, 0, 5]> : vector<4xi8>
  // CHECK: dense<[5, 5, -5, -5, 5, 5, -5, -5, 5, 5, -5, -5, 0, 0, 0, 0, -5, -5, 5, 5, -5, -5, 5, 5, -5, -5, 5, 5, 0, 0, 0, 0]>
  %t = sherry.build_table %a : vector<4xi8> -> vector<32xi16>
  return %t : vector<32xi16>
}

// CHECK-LABEL: func @sign
// CHECK-SAME: (%[[VALUE:.*]]: vector<16xi16>)
func.func @sign(%value: vector<16xi16>) -> (vector<16xi16>, vector<16xi16>, vector<16xi16>) {
  %plus = arith.constant dense<7> : vector<16xi16>
  %zero = arith.constant dense<0> : vector<16xi16>
  %minus = arith.constant dense<-1> : vector<16xi16>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0>
  // CHECK-DAG: %[[MINUS:.*]] = arith.constant dense<-1>
  // CHECK: %[[KEPT:.*]] = sherry.apply_sign %[[VALUE]], %[[MINUS]]
  %a = sherry.apply_sign %value, %plus : vector<16xi16>
  %b = sherry.apply_sign %value, %zero : vector<16xi16>
  %c = sherry.apply_sign %value, %minus : vector<16xi16>
  // CHECK: return %[[VALUE]], %[[ZERO]], %[[KEPT]]
  return %a, %b, %c : vector<16xi16>, vector<16xi16>, vector<16xi16>
}

// CHECK-LABEL: func @dot_with_zeros
// CHECK-SAME: (%{{.*}}: vector<64xi8>, %[[ACC:.*]]: vector<16xi32>)
func.func @dot_with_zeros(%w: vector<64xi8>, %acc: vector<16xi32>) -> vector<16xi32> {
  %zero = arith.constant dense<0> : vector<4xi8>
  %d = sherry.dot_accumulate %w, %zero, %acc {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  // CHECK: return %[[ACC]]
  return %d : vector<16xi32>
}

// Bytes that are no trits would change, too.
// CHECK-LABEL: func @bias_of_short_groups
func.func @bias_of_short_groups(%codes: vector<16xi32>) -> vector<64xi8> {
  %one = arith.constant dense<1> : vector<64xi8>
  // CHECK: sherry.decode_block %{{.*}} codebook <"dense"> :
  // CHECK: arith.addi
  %0 = sherry.decode_block %codes codebook <"dense"> : vector<16xi32> -> vector<64xi8>
  %more = arith.addi %0, %one : vector<64xi8>
  return %more : vector<64xi8>
}

// All bytes of the first four inputs of six are trits; those of the others not.
// CHECK-LABEL: func @bias_of_six
func.func @bias_of_six(%codes: vector<16xi32>) -> (vector<64xi8>, vector<64xi8>) {
  %one = arith.constant dense<1> : vector<64xi8>
  // CHECK: sherry.decode_block %{{.*}} codebook <"2:6"> bias 1 :
  // CHECK: sherry.decode_block %{{.*}} codebook <"2:6"> first 4 :
  // CHECK: arith.addi
  %0 = sherry.decode_block %codes codebook <"2:6"> : vector<16xi32> -> vector<64xi8>
  %1 = arith.addi %0, %one : vector<64xi8>
  %2 = sherry.decode_block %codes codebook <"2:6"> first 4 : vector<16xi32> -> vector<64xi8>
  %3 = arith.addi %2, %one : vector<64xi8>
  return %1, %3 : vector<64xi8>, vector<64xi8>
}

// What is added to trits, or subtracted, becomes their bias.
// CHECK-LABEL: func @decode_bias
// CHECK-SAME: (%[[CODES:.*]]: vector<16xi32>)
func.func @decode_bias(%codes: vector<16xi32>) -> (vector<64xi8>, vector<64xi8>, vector<64xi8>) {
  %one = arith.constant dense<1> : vector<64xi8>
  // CHECK: %[[LESS:.*]] = sherry.decode_block %[[CODES]] : vector<16xi32>
  %0 = sherry.decode_block %codes bias 1 : vector<16xi32> -> vector<64xi8>
  %less = arith.subi %0, %one : vector<64xi8>
  // CHECK: %[[MORE:.*]] = sherry.decode_block %[[CODES]] bias 1
  %1 = sherry.decode_block %codes : vector<16xi32> -> vector<64xi8>
  %more = arith.addi %1, %one : vector<64xi8>
  // There is no bias of 2.
  // CHECK: %[[TRITS:.*]] = sherry.decode_block %[[CODES]] bias 1
  // CHECK: %[[TWO:.*]] = arith.addi %[[TRITS]]
  %2 = sherry.decode_block %codes bias 1 : vector<16xi32> -> vector<64xi8>
  %two = arith.addi %2, %one : vector<64xi8>
  // CHECK: return %[[LESS]], %[[MORE]], %[[TWO]]
  return %less, %more, %two : vector<64xi8>, vector<64xi8>, vector<64xi8>
}

// CHECK-LABEL: func @unpack_bias
// CHECK-SAME: (%[[BYTES:.*]]: vector<320xi8>)
func.func @unpack_bias(%bytes: vector<320xi8>) -> (vector<16x2x64xi8>, vector<16x2x64xi8>, vector<16x2x64xi8>) {
  %one = arith.constant dense<1> : vector<16x2x64xi8>
  // CHECK: %[[LESS:.*]] = sherry.unpack_codes %[[BYTES]] words : vector<320xi8>
  %0 = sherry.unpack_codes %bytes words bias 1 : vector<320xi8> -> vector<16x2x64xi8>
  %less = arith.subi %0, %one : vector<16x2x64xi8>
  // CHECK: %[[MORE:.*]] = sherry.unpack_codes %[[BYTES]] words bias 1
  %1 = sherry.unpack_codes %bytes words : vector<320xi8> -> vector<16x2x64xi8>
  %more = arith.addi %1, %one : vector<16x2x64xi8>
  // There is no bias of -1.
  // CHECK: %[[TRITS:.*]] = sherry.unpack_codes %[[BYTES]] words :
  // CHECK: %[[NEGATIVE:.*]] = arith.subi %[[TRITS]]
  %2 = sherry.unpack_codes %bytes words : vector<320xi8> -> vector<16x2x64xi8>
  %negative = arith.subi %2, %one : vector<16x2x64xi8>
  // CHECK: return %[[LESS]], %[[MORE]], %[[NEGATIVE]]
  return %less, %more, %negative : vector<16x2x64xi8>, vector<16x2x64xi8>, vector<16x2x64xi8>
}

// All bytes are trits, also where groups are short.
// CHECK-LABEL: func @unpack_bias_of_short_groups
// CHECK: sherry.unpack_codes %{{.*}} words codebook <"dense"> bias 1
// CHECK-NOT: arith.addi
func.func @unpack_bias_of_short_groups(%bytes: vector<224xi8>) -> vector<8x2x64xi8> {
  %one = arith.constant dense<1> : vector<8x2x64xi8>
  %0 = sherry.unpack_codes %bytes words codebook <"dense"> : vector<224xi8> -> vector<8x2x64xi8>
  %more = arith.addi %0, %one : vector<8x2x64xi8>
  return %more : vector<8x2x64xi8>
}

// Trits that something else uses keep their bias.
// CHECK-LABEL: func @unpack_bias_of_two_uses
// CHECK: sherry.unpack_codes %{{.*}} words bias 1
// CHECK: arith.subi
func.func @unpack_bias_of_two_uses(%bytes: vector<320xi8>) -> (vector<16x2x64xi8>, vector<16x2x64xi8>) {
  %one = arith.constant dense<1> : vector<16x2x64xi8>
  %0 = sherry.unpack_codes %bytes words bias 1 : vector<320xi8> -> vector<16x2x64xi8>
  %less = arith.subi %0, %one : vector<16x2x64xi8>
  return %0, %less : vector<16x2x64xi8>, vector<16x2x64xi8>
}
