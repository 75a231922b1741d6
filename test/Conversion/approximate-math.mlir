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

// Sine and cosine share the reduction to a quarter turn; products and sums are
// rounded apart.
// CHECK-LABEL: func @sincos
// CHECK-NOT: math.
// CHECK: arith.mulf %{{.*}} : vector<4xf64>
// CHECK-COUNT-2: arith.select
// CHECK: return
func.func @sincos(%x: vector<4xf64>) -> (vector<4xf64>, vector<4xf64>) {
  %s, %c = math.sincos %x : vector<4xf64>
  return %s, %c : vector<4xf64>, vector<4xf64>
}
