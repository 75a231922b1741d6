// Kernel ops on vectors; those on codes are in invalid-codes.mlir.
// RUN: sherry-opt %s -split-input-file -verify-diagnostics

func.func @f(%t: memref<8x16xi16>, %i: index, %c: vector<32xi16>) {
  // expected-error @+1 {{tables have 32 entries}}
  %y = sherry.lookup %t[%i], %c : memref<8x16xi16>, vector<32xi16>
  return
}

// -----

func.func @f(%t: memref<8x1x16xi8>, %i: index, %c: vector<32xi8>) {
  // expected-error @+1 {{tables have 2 x 16 bytes}}
  %a, %b = sherry.lookup_halves %t[%i], %c : memref<8x1x16xi8>, vector<32xi8> -> vector<16xi16>
  return
}

// -----

func.func @f(%w: vector<64xi8>, %a: vector<4xi8>, %c: vector<16xi32>) {
  // expected-error @+1 {{attribute 'max_weight' failed to satisfy constraint}}
  %y = sherry.dot_accumulate %w, %a, %c {max_weight = 256 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8, strided<[256, 128, 1]>>, %v: memref<32x64xi8>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{a panel has groups x 2 x 64 bytes}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8, strided<[256, 128, 1]>>, memref<32x64xi8>, memref<16x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<32x64xi8>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{groups must be a multiple of 16 that the panel has}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 8} : memref<64x2x64xi8>, memref<32x64xi8>, memref<16x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<32x64xi8>, %i: index, %s: memref<8x32xi32>) {
  // expected-error @+1 {{sums have a multiple of 16 rows of 32}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8>, memref<32x64xi8>, memref<8x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<8x64xi8>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{values must have a row for each of sums, and four bytes for each group}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8>, memref<8x64xi8>, memref<16x32xi32>
  return
}

// -----

func.func @f(%p: memref<64x2x64xi8>, %v: memref<32x64xi8, strided<[1, 64]>>, %i: index, %s: memref<16x32xi32>) {
  // expected-error @+1 {{rows must be contiguous}}
  sherry.multiply_panel %p, %v[%i, %i], %s {groups = 16} : memref<64x2x64xi8>, memref<32x64xi8, strided<[1, 64]>>, memref<16x32xi32>
  return
}
