// RUN: sherry-opt %s -sherry-apply-abi | FileCheck %s
// RUN: sherry-opt %s -sherry-apply-abi -convert-to-llvm | FileCheck %s --check-prefix=LLVM

// The steps of all barriers that end one.
// CHECK: sherry.steps = [{entry = "f", op = "linear", weight = @w}, {entry = "g", op = "rms_norm"}]

// CHECK-LABEL: func @f
// CHECK-SAME: llvm.bareptr
// A buffer is one pointer.
// LLVM-LABEL: func @f
// LLVM-SAME: (%{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr) attributes
func.func @f(%buffer: memref<8xf32>, %team: !sherry.team) {
  // CHECK: sherry.barrier %{{.*}} {number = 0 : i32, step = {op = "linear", weight = @w}}
  sherry.barrier %team {step = {op = "linear", weight = @w}}
  // CHECK: sherry.barrier %{{.*}}{{$}}
  sherry.barrier %team
  return
}

// LLVM-LABEL: func @g
// LLVM: llvm.call @f(%{{[^,]*}}, %{{[^,]*}})
func.func @g(%buffer: memref<8xf32>, %team: !sherry.team) {
  call @f(%buffer, %team) : (memref<8xf32>, !sherry.team) -> ()
  // CHECK: sherry.barrier %{{.*}} {number = 1 : i32, step = {op = "rms_norm"}}
  sherry.barrier %team {step = {op = "rms_norm"}}
  return
}
