// RUN: sherry-opt %s -convert-to-llvm | FileCheck %s

// CHECK-LABEL: func @f
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr)
func.func @f(%team: !sherry.team) -> index {
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][24]
  // CHECK: llvm.load %[[FIELD]] : !llvm.ptr -> i64
  %thread = sherry.thread %team
  return %thread : index
}

// Both ends of a range come back in registers.
// CHECK-LABEL: func @take
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr, %[[N:.*]]: i64)
func.func @take(%team: !sherry.team, %n: index) -> (index, index) {
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][8]
  // CHECK: %[[TAKE:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[STEP:.*]] = llvm.mlir.constant(1 : i32) : i32
  // CHECK: %[[GRAIN:.*]] = llvm.mlir.constant(8 : i64) : i64
  // CHECK: %[[RANGE:.*]] = llvm.call %[[TAKE]](%[[TEAM]], %[[STEP]], %[[N]], %[[GRAIN]]) : !llvm.ptr, (!llvm.ptr, i32, i64, i64) -> !llvm.struct<(i64, i64)>
  // CHECK: llvm.extractvalue %[[RANGE]][0]
  // CHECK: llvm.extractvalue %[[RANGE]][1]
  %begin, %end = sherry.take %team to %n grain 8 number 1
  return %begin, %end : index, index
}

// The team is passed on.
// CHECK-LABEL: func @g
// CHECK-SAME: (%[[TEAM:.*]]: !llvm.ptr)
func.func @g(%team: !sherry.team) -> index {
  // CHECK: llvm.call @f(%[[TEAM]])
  %0 = call @f(%team) : (!sherry.team) -> index
  return %0 : index
}

// Other ranks are reached through a function of the environment.
// CHECK-LABEL: func @exchange
func.func @exchange(%team: !sherry.team, %mine: memref<4xf32>, %all: memref<8xf32>, %n: index) -> index {
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM:.*]][40]
  // CHECK: %[[EXCHANGE:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
  // CHECK: llvm.call %[[EXCHANGE]](%[[TEAM]], %{{.*}}, %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
  sherry.exchange %team, %mine to %all bytes %n : memref<4xf32>, memref<8xf32>
  // CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[TEAM]][48]
  // CHECK: llvm.load %[[FIELD]] : !llvm.ptr -> i64
  %rank = sherry.rank %team
  return %rank : index
}
