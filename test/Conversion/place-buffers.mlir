// RUN: sherry-opt %s -sherry-place-buffers | FileCheck %s

// 100 bytes take 128, 64 and 192 follow; then those of the callee.
// CHECK: module attributes {sherry.workspace_size = 640 : i64}

// CHECK-LABEL: func @caller
// CHECK-SAME: (%[[WORKSPACE:.*]]: memref<640xi8>)
func.func @caller(%workspace: memref<?xi8>) {
  // CHECK: %[[P:.*]] = arith.constant 0 : index
  // CHECK: memref.view %[[WORKSPACE]][%[[P]]][] : memref<640xi8> to memref<25xf32>
  %a = memref.alloc() : memref<25xf32>
  // CHECK: %[[P:.*]] = arith.constant 128 : index
  // CHECK: memref.view %[[WORKSPACE]][%[[P]]][] : memref<640xi8> to memref<64xi8>
  %b = memref.alloc() : memref<64xi8>
  // CHECK: call @callee(%[[WORKSPACE]]) : (memref<640xi8>)
  call @callee(%workspace) : (memref<?xi8>) -> ()
  return
}

// CHECK-LABEL: func private @callee
// CHECK-SAME: (%[[WORKSPACE:.*]]: memref<640xi8>)
func.func private @callee(%workspace: memref<?xi8>) {
  // CHECK: %[[P:.*]] = arith.constant 192 : index
  // CHECK: memref.view %[[WORKSPACE]][%[[P]]][] : memref<640xi8> to memref<7x16xf32>
  %c = memref.alloc() : memref<7x16xf32>
  return
}

// Nobody calls both: this one begins anew.
// CHECK-LABEL: func @other
// CHECK-SAME: (%[[WORKSPACE:.*]]: memref<640xi8>)
func.func @other(%workspace: memref<?xi8>) {
  // CHECK: %[[P:.*]] = arith.constant 0 : index
  // CHECK: memref.view %[[WORKSPACE]][%[[P]]][] : memref<640xi8> to memref<8xf32>
  %d = memref.alloc() : memref<8xf32>
  return
}
