// RUN: sherry-opt %s -sherry-approximate-math | FileCheck %s

// Sums and products instead of calls.
// CHECK-LABEL: func @exp
// CHECK-NOT: math.exp
// CHECK-NOT: math.fma
// CHECK: arith.mulf
func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// A square root is an instruction.
// CHECK-LABEL: func @sqrt
// CHECK: math.sqrt
func.func @sqrt(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  return %0 : f32
}

// An addition that was fused before stays so: its kernel promises one rounding.
// CHECK-LABEL: func @fma
// CHECK: vector.fma
func.func @fma(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = vector.fma %x, %x, %x : vector<16xf32>
  return %0 : vector<16xf32>
}
