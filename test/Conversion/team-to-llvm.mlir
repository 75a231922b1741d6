// RUN: sherry-opt %s -convert-to-llvm | FileCheck %s

// CHECK-LABEL: func @f
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr)
func.func @f(%team: !sherry.team) -> (index, index) {
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][24]
  // CHECK: llvm.load %[[FIELD]] : !llvm.ptr -> i64
  %thread = sherry.thread %team
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][32]
  // CHECK: llvm.load %[[FIELD]] : !llvm.ptr -> i64
  %threads = sherry.num_threads %team
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][8]
  // CHECK: %[[WAIT:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[STEP:.*]] = llvm.mlir.constant(1 : i32) : i32
  // CHECK: llvm.call %[[WAIT]](%[[TEAM]], %[[STEP]]) : !llvm.ptr, (!llvm.ptr, i32) -> ()
  sherry.barrier %team {number = 1 : i32}
  // One that ends no step.
  // CHECK: %[[STEP:.*]] = llvm.mlir.constant(-1 : i32) : i32
  // CHECK: llvm.call %{{.*}}(%[[TEAM]], %[[STEP]])
  sherry.barrier %team
  return %thread, %threads : index, index
}

// The team is passed on.
// CHECK-LABEL: func @g
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr)
func.func @g(%team: !sherry.team) -> (index, index) {
  // CHECK: llvm.call @f(%[[TEAM]])
  %0:2 = call @f(%team) : (!sherry.team) -> (index, index)
  return %0#0, %0#1 : index, index
}
