// RUN: sherry-opt %s -sherry-approximate-math | FileCheck %s

// Sums and products instead of calls.
// CHECK-LABEL: func @exp
// CHECK-NOT: math.exp
// CHECK: math.fma
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
