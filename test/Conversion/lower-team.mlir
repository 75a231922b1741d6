// RUN: sherry-opt %s -sherry-lower-team | FileCheck %s

// The steps of all barriers that end one.
// CHECK: sherry.steps = [{entry = "f", op = "linear", weight = @w}, {entry = "f", op = "rms_norm"}]

// CHECK-LABEL: func @f
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr)
func.func @f(%team: !sherry.team) -> (index, index) {
  // CHECK: llvm.getelementptr %[[TEAM]][16]
  // CHECK: llvm.load
  %thread = sherry.thread %team
  // CHECK: llvm.getelementptr %[[TEAM]][24]
  // CHECK: llvm.load
  %threads = sherry.num_threads %team
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][0]
  // CHECK: %[[WAIT:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[STEP:.*]] = arith.constant 0 : i32
  // CHECK: llvm.call %[[WAIT]](%[[TEAM]], %[[STEP]]) : !llvm.ptr, (!llvm.ptr, i32) -> ()
  sherry.barrier %team {step = {op = "linear", weight = @w}}
  // CHECK: %[[STEP:.*]] = arith.constant 1 : i32
  // CHECK: llvm.call %{{.*}}(%[[TEAM]], %[[STEP]])
  sherry.barrier %team {step = {op = "rms_norm"}}
  // One that ends no step.
  // CHECK: %[[STEP:.*]] = arith.constant -1 : i32
  // CHECK: llvm.call %{{.*}}(%[[TEAM]], %[[STEP]])
  sherry.barrier %team
  return %thread, %threads : index, index
}

// The team is passed on.
// CHECK-LABEL: func @g
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr)
func.func @g(%team: !sherry.team) -> (index, index) {
  // CHECK: call @f(%[[TEAM]]) : (!llvm.ptr) -> (index, index)
  %0:2 = call @f(%team) : (!sherry.team) -> (index, index)
  return %0#0, %0#1 : index, index
}
