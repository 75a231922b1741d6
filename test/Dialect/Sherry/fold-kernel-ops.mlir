// Ops of constants are constants. The expected numbers were computed apart, by the
// formulas of the ops' descriptions.
// RUN: sherry-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @apply_sign
// CHECK: arith.constant dense<[3, 4, 0, -6, -32767, -32768, -7, 0, 9, 10, -11, 12, 0, 14, -15, 16]>
func.func @apply_sign() -> vector<16xi16> {
  %value = arith.constant dense<[3, -4, 5, -6, 32767, -32768, 7, 8, -9, 10, 11, -12, 13, 14, 15, 16]> : vector<16xi16>
  %sign = arith.constant dense<[1, -1, 0, 5, -7, 1, -32768, 0, -1, 2, -2, -3, 0, 1, -1, 9]> : vector<16xi16>
  %0 = sherry.apply_sign %value, %sign : vector<16xi16>
  return %0 : vector<16xi16>
}

// Weights are unsigned, activations signed.
// CHECK-LABEL: func @dot_accumulate
// CHECK: arith.constant dense<[-19583, -6312, -33501, -30120, -35555, 11187, -11342, -8337, 3333, -17529, -21734, -6952, -24687, 10275, 13275, 28999]> : vector<16xi32>
func.func @dot_accumulate() -> vector<16xi32> {
  %w = arith.constant dense<[-91, 77, -54, 24, 37, 48, -69, 29, 109, 19, 44, -34, -42, 35, 123, 46, -39, 30, 63, 114, 31, -53, 25, 113, 23, 68, -108, -42, 73, 60, -99, 92, 52, 96, -66, 49, 32, 30, 105, -2, -38, -96, -18, -24, -71, -103, 127, 92, 124, 41, -103, -3, -81, -27, -109, 37, 60, -42, 84, -81, 77, -6, -41, 20]> : vector<64xi8>
  %a = arith.constant dense<[-128, 127, 3, -77]> : vector<4xi8>
  %acc = arith.constant dense<[-7000, -6000, -5000, -4000, -3000, -2000, -1000, 0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]> : vector<16xi32>
  %0 = sherry.dot_accumulate %w, %a, %acc {max_weight = 255 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return %0 : vector<16xi32>
}

// CHECK-LABEL: func @dot_pairs
// CHECK: arith.constant dense<[-356, -238, -81, -141, -189, -121, -40, -104, -22, -10, -2, -141, 18, -44, -89, -21, 187, 73, -176, 93, 227, -44, 247, 56, 140, 76, 31, 93, 51, 119, 326, 213]> : vector<32xi16>
func.func @dot_pairs() -> vector<32xi16> {
  %w = arith.constant dense<[2, 0, 2, 2, 1, 1, 2, 1, 2, 1, 2, 1, 0, 0, 1, 1, 2, 2, 0, 0, 2, 2, 1, 2, 2, 2, 1, 1, 2, 1, 2, 1, 0, 1, 1, 0, 2, 0, 1, 0, 0, 1, 0, 2, 0, 1, 1, 1, 0, 0, 1, 1, 2, 1, 0, 1, 2, 1, 2, 1, 1, 2, 1, 0]> : vector<64xi8>
  %a = arith.constant dense<[-128, 127, 3, -77]> : vector<4xi8>
  %acc = arith.constant dense<[-100, -90, -80, -70, -60, -50, -40, -30, -20, -10, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200, 210]> : vector<32xi16>
  %0 = sherry.dot_pairs %w, %a, %acc : vector<64xi8>, vector<4xi8>, vector<32xi16>
  return %0 : vector<32xi16>
}

// CHECK-LABEL: func @add_pairs
// CHECK: arith.constant dense<[-32769, 65530, -65530, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]> : vector<16xi32>
func.func @add_pairs() -> vector<16xi32> {
  %pairs = arith.constant dense<[-32768, -1, 32767, 32767, -32768, -32768, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]> : vector<32xi16>
  %acc = arith.constant dense<[0, -4, 6, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : vector<16xi32>
  %0 = sherry.add_pairs %pairs, %acc : vector<32xi16>, vector<16xi32>
  return %0 : vector<16xi32>
}

// An operand that is not constant keeps the op.
// CHECK-LABEL: func @not_constant
// CHECK: sherry.dot_pairs
func.func @not_constant(%acc: vector<32xi16>) -> vector<32xi16> {
  %w = arith.constant dense<1> : vector<64xi8>
  %a = arith.constant dense<1> : vector<4xi8>
  %0 = sherry.dot_pairs %w, %a, %acc : vector<64xi8>, vector<4xi8>, vector<32xi16>
  return %0 : vector<32xi16>
}

// ((2^24 + 2) + (1 + 3)) + (-2^24 + 4), then 0.5. From left to right, 2^24 would
// lose the 1.
// CHECK-LABEL: func @reduce_floats
// CHECK-DAG: %[[SUM:.*]] = arith.constant 1.050000e+01 : f32
// CHECK-DAG: %[[MAX:.*]] = arith.constant 0x4B800000 : f32
// CHECK: return %[[SUM]], %[[MAX]]
func.func @reduce_floats() -> (f32, f32) {
  %v = arith.constant dense<[16777216.0, 1.0, -16777216.0, 2.0, 3.0, 4.0, 0.5]> : vector<7xf32>
  %sum = sherry.reduce add %v : vector<7xf32>
  %max = sherry.reduce max %v : vector<7xf32>
  return %sum, %max : f32, f32
}

// NaN is ignored by max.
// CHECK-LABEL: func @reduce_nan
// CHECK: arith.constant 2.000000e+00 : f32
func.func @reduce_nan() -> f32 {
  %v = arith.constant dense<[0x7FC00000, 2.0]> : vector<2xf32>
  %max = sherry.reduce max %v : vector<2xf32>
  return %max : f32
}

// Sums wrap, the maximum is signed.
// CHECK-LABEL: func @reduce_integers
// CHECK-DAG: %[[SUM:.*]] = arith.constant -120 : i8
// CHECK-DAG: %[[MAX:.*]] = arith.constant 127 : i8
// CHECK: return %[[SUM]], %[[MAX]]
func.func @reduce_integers() -> (i8, i8) {
  %v = arith.constant dense<[127, -1, 4, 6]> : vector<4xi8>
  %sum = sherry.reduce add %v : vector<4xi8>
  %max = sherry.reduce max %v : vector<4xi8>
  return %sum, %max : i8, i8
}

// Which zero is the larger one, and the bits of a NaN, are the CPU's choice.
// CHECK-LABEL: func @reduce_left
// CHECK-COUNT-2: sherry.reduce
func.func @reduce_left() -> (f32, f32) {
  %zeros = arith.constant dense<[-0.0, 0.0]> : vector<2xf32>
  %max = sherry.reduce max %zeros : vector<2xf32>
  %ends = arith.constant dense<[0x7F800000, 0xFF800000]> : vector<2xf32>
  %sum = sherry.reduce add %ends : vector<2xf32>
  return %max, %sum : f32, f32
}

// Byte i has the code of output i, with the middle two quarters exchanged; the high
// bits of its nibble do not count.
// CHECK-LABEL: func @decode_nibbles
// CHECK-DAG: %[[LOW:.*]] = arith.constant dense<[1, 0, 0, 2, 0, 1, 2, 2, 2, 2, 0, 1, 2, 2, 0, 1, 2, 0, 0, 1, 2, 2, 1, 0, 1, 0, 0, 0, 0, 2, 1, 0, 1, 0, 0, 0, 2, 0, 0, 1, 0, 2, 0, 1, 2, 1, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 1, 2, 2, 1, 0, 2, 2]> : vector<64xi8>
// CHECK-DAG: %[[HIGH:.*]] = arith.constant dense<[2, 2, 0, 1, 1, 0, 0, 0, 0, 0, 2, 1, 1, 2, 2, 0, 2, 1, 2, 2, 0, 2, 2, 1, 2, 1, 2, 0, 0, 0, 2, 1, 1, 0, 0, 0, 1, 2, 0, 0, 1, 0, 0, 0, 1, 0, 0, 2, 2, 0, 1, 0, 2, 2, 0, 1, 0, 1, 0, 0, 2, 1, 0, 2]> : vector<64xi8>
// CHECK: return %[[LOW]], %[[HIGH]]
func.func @decode_nibbles() -> (vector<64xi8>, vector<64xi8>) {
  %codes = arith.constant dense<[-126, -73, 14, -18, 127, 26, 80, 57, -66, -16, 126, -62, 52, 127, 6, 110, -48, -113, 93, -57, 81, 36, 71, -29, 64, 67, 0, 2, 107, 110, 84, 85]> : vector<32xi8>
  %signs = arith.constant dense<[-1, -1, 0, 0, 0, 0, -1, -1, 0, -1, -1, 0, 0, -1, 0, -1, -1, 0, -1, 0, -1, -1, -1, -1, -1, 0, -1, -1, 0, 0, -1, 0]> : vector<32xi8>
  %low, %high = sherry.decode_nibbles %codes, %signs bias 1 : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  return %low, %high : vector<64xi8>, vector<64xi8>
}

// The fourth byte of a group of three inputs has no bias.
// CHECK-LABEL: func @decode_dense_nibbles
// CHECK-DAG: %[[LOW:.*]] = arith.constant dense<[2, 0, 1, 0, 0, 2, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 2, 1, 2, 0, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 1, 0]> : vector<64xi8>
// CHECK-DAG: %[[HIGH:.*]] = arith.constant dense<[1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 2, 1, 0, 2, 2, 1, 0, 1, 1, 1, 0, 1, 0, 2, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 2, 0, 1, 0, 0, 2, 2, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0]> : vector<64xi8>
// CHECK: return %[[LOW]], %[[HIGH]]
func.func @decode_dense_nibbles() -> (vector<64xi8>, vector<64xi8>) {
  %codes = arith.constant dense<[-126, -73, 14, -18, 127, 26, 80, 57, -66, -16, 126, -62, 52, 127, 6, 110, -48, -113, 93, -57, 81, 36, 71, -29, 64, 67, 0, 2, 107, 110, 84, 85]> : vector<32xi8>
  %signs = arith.constant dense<[-1, -1, 0, 0, 0, 0, -1, -1, 0, -1, -1, 0, 0, -1, 0, -1, -1, 0, -1, 0, -1, -1, -1, -1, -1, 0, -1, -1, 0, 0, -1, 0]> : vector<32xi8>
  %low, %high = sherry.decode_nibbles %codes, %signs codebook <"dense"> bias 1 : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  return %low, %high : vector<64xi8>, vector<64xi8>
}

// CHECK-LABEL: func @signs_not_constant
// CHECK: sherry.decode_nibbles
func.func @signs_not_constant(%signs: vector<32xi8>) -> (vector<64xi8>, vector<64xi8>) {
  %codes = arith.constant dense<3> : vector<32xi8>
  %low, %high = sherry.decode_nibbles %codes, %signs bias 1 : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  return %low, %high : vector<64xi8>, vector<64xi8>
}
