// RUN: sherry-opt %s -sherry-place-buffers -allow-unregistered-dialect -split-input-file | FileCheck %s

// 100 bytes take 128, 64 and 192 follow; then those of the callee.
// CHECK: module attributes {sherry.thread_workspace_size = 0 : i64, sherry.workspace_size = 640 : i64}

// CHECK-LABEL: func @caller
// CHECK-SAME: (%[[WORKSPACE:.*]]: memref<640xi8>)
func.func @caller(%workspace: memref<?xi8>) {
  // CHECK: %[[P:.*]] = arith.constant 0 : index
  // CHECK: memref.view %[[WORKSPACE]][%[[P]]][] : memref<640xi8> to memref<25xf32>
  %a = memref.alloc() : memref<25xf32>
  // CHECK: %[[P:.*]] = arith.constant 128 : index
  // CHECK: memref.view %[[WORKSPACE]][%[[P]]][] : memref<640xi8> to memref<64xi8>
  %b = memref.alloc() : memref<64xi8>
  "test.use"(%a, %b) : (memref<25xf32>, memref<64xi8>) -> ()
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

// A step ends between the last use of the first buffer, by a view, and the first
// use of the third; not between those of the second and the third.
// CHECK-LABEL: func @reuse
func.func @reuse(%workspace: memref<?xi8>, %n: index, %team: !sherry.team, %choice: i1) {
  // CHECK: %[[P:.*]] = arith.constant 0 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][] : memref<640xi8> to memref<64xi8>
  %a = memref.alloc() : memref<64xi8>
  // CHECK: %[[P:.*]] = arith.constant 64 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][] : memref<640xi8> to memref<128xi8>
  %b = memref.alloc() : memref<128xi8>
  %part = memref.subview %a[0] [32] [1] : memref<64xi8> to memref<32xi8>
  scf.if %choice {
    "test.use"(%part, %b) : (memref<32xi8>, memref<128xi8>) -> ()
  }
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    "test.use"(%part) : (memref<32xi8>) -> ()
  }
  "test.use"(%b) : (memref<128xi8>) -> ()
  // CHECK: %[[P:.*]] = arith.constant 0 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][] : memref<640xi8> to memref<16xf32>
  %c = memref.alloc() : memref<16xf32>
  // Too large for that place.
  // CHECK: %[[P:.*]] = arith.constant 192 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][] : memref<640xi8> to memref<32xf32>
  %d = memref.alloc() : memref<32xf32>
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    "test.use"(%c, %d) : (memref<16xf32>, memref<32xf32>) -> ()
  }
  return
}

// After the last step other threads may be in the next call: no place of an
// earlier buffer. Nor is there an order in other blocks.
// CHECK-LABEL: func @last
func.func @last(%workspace: memref<?xi8>, %n: index, %team: !sherry.team) {
  // CHECK: %[[P:.*]] = arith.constant 0 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][]
  %a = memref.alloc() : memref<64xi8>
  // CHECK: %[[P:.*]] = arith.constant 64 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][]
  %b = memref.alloc() : memref<64xi8>
  // CHECK: %[[P:.*]] = arith.constant 128 : index
  // CHECK: memref.view %{{.*}}[%[[P]]][]
  %c = memref.alloc() : memref<8xindex>
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    "test.use"(%a) : (memref<64xi8>) -> ()
  }
  "test.use"(%b) : (memref<64xi8>) -> ()
  cf.br ^next
^next:
  "test.use"(%c) : (memref<8xindex>) -> ()
  return
}

// -----

// A thread has 320 bytes after the 128 that all threads share: those of its own
// row are in use until the second step, so the memory of the first step and that
// of the callee follow; the third step takes the place of the first.
// CHECK: module attributes {sherry.thread_workspace_size = 320 : i64, sherry.workspace_size = 128 : i64}
// CHECK-LABEL: func @threads
// CHECK-SAME: (%[[WORKSPACE:.*]]: memref<327808xi8>, %{{.*}}: index, %[[TEAM:.*]]: !sherry.team)
func.func @threads(%workspace: memref<?xi8>, %n: index, %team: !sherry.team) {
  // CHECK: %[[THREAD:.*]] = sherry.thread %[[TEAM]]
  // CHECK: %[[SIZE:.*]] = arith.constant 320 : index
  // CHECK: %[[MINE:.*]] = arith.muli %[[THREAD]], %[[SIZE]]
  // CHECK: %[[AT:.*]] = arith.constant 128 : index
  // CHECK: %[[OF:.*]] = arith.addi %[[MINE]], %[[AT]]
  // CHECK: %[[LAST:.*]] = memref.view %[[WORKSPACE]][%[[OF]]][] : memref<327808xi8> to memref<128xi8>
  // CHECK: %[[AT:.*]] = arith.constant 256 : index
  // CHECK: %[[OF:.*]] = arith.addi %{{.*}}, %[[AT]]
  // CHECK: %[[SUMS:.*]] = memref.view %[[WORKSPACE]][%[[OF]]][] : memref<327808xi8> to memref<16xf32>
  // CHECK: %[[AT:.*]] = arith.constant 128 : index
  // CHECK: %[[OF:.*]] = arith.addi %{{.*}}, %[[AT]]
  // CHECK: %[[ROW:.*]] = memref.view %[[WORKSPACE]][%[[OF]]][] : memref<327808xi8> to memref<128xi8>
  // CHECK: memref.view %[[WORKSPACE]][%{{.*}}][] : memref<327808xi8> to memref<128xi8>
  %shared = memref.alloc() : memref<128xi8>
  %row = memref.alloc() {sherry.per_thread} : memref<128xi8>
  "test.use"(%row) : (memref<128xi8>) -> ()
  // CHECK: sherry.step
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    // CHECK-NEXT: ^bb0
    // CHECK-NEXT: "test.use"(%[[SUMS]], 
    %sums = memref.alloc() : memref<16xf32>
    "test.use"(%sums, %shared) : (memref<16xf32>, memref<128xi8>) -> ()
  }
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    // CHECK: "test.use"(%[[ROW]])
    "test.use"(%row) : (memref<128xi8>) -> ()
  }
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    // CHECK: "test.use"(%[[LAST]])
    %last = memref.alloc() : memref<128xi8>
    "test.use"(%last) : (memref<128xi8>) -> ()
  }
  call @of_threads(%workspace, %n, %team) : (memref<?xi8>, index, !sherry.team) -> ()
  return
}

// CHECK-LABEL: func private @of_threads
// CHECK: arith.constant 320 : index
// CHECK: arith.constant 320 : index
func.func private @of_threads(%workspace: memref<?xi8>, %n: index, %team: !sherry.team) {
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    %a = memref.alloc() : memref<128xi8>
    "test.use"(%a) : (memref<128xi8>) -> ()
  }
  return
}

// -----

// A thread may fill its row from the source when the second step has ended, and
// then come to the third: the source keeps its contents until that ends, and so
// does what the table is made of. The other buffer of the third step has no place
// of theirs; that of the fourth has.
// CHECK: module attributes {sherry.thread_workspace_size = 192 : i64, sherry.workspace_size = 128 : i64}
// CHECK-LABEL: func @late
func.func @late(%workspace: memref<?xi8>, %n: index, %team: !sherry.team) {
  // CHECK: %[[SOURCE_AT:.*]] = arith.constant 0 : index
  // CHECK: %[[SOURCE:.*]] = memref.view %{{.*}}[%[[SOURCE_AT]]][] : memref<196736xi8> to memref<64xi8>
  %source = memref.alloc() : memref<64xi8>
  %row = memref.alloc() {sherry.per_thread} : memref<64xi8>
  %table = memref.alloc() {sherry.per_thread} : memref<128xi8>
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    "test.use"(%source) : (memref<64xi8>) -> ()
  }
  "test.fill"(%source, %row) : (memref<64xi8>, memref<64xi8>) -> ()
  "test.fill"(%row, %table) : (memref<64xi8>, memref<128xi8>) -> ()
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    "test.use"(%table) : (memref<128xi8>) -> ()
  }
  // CHECK: %[[THIRD_AT:.*]] = arith.constant 64 : index
  // CHECK: %[[THIRD:.*]] = memref.view %{{.*}}[%[[THIRD_AT]]][] : memref<196736xi8> to memref<64xi8>
  %third = memref.alloc() : memref<64xi8>
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    // CHECK: "test.use"(%{{.*}}, %[[THIRD]])
    "test.use"(%table, %third) : (memref<128xi8>, memref<64xi8>) -> ()
  }
  // CHECK: %[[FOURTH_AT:.*]] = arith.constant 0 : index
  // CHECK: %[[FOURTH:.*]] = memref.view %{{.*}}[%[[FOURTH_AT]]][] : memref<196736xi8> to memref<64xi8>
  %fourth = memref.alloc() : memref<64xi8>
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
    // CHECK: "test.use"(%[[FOURTH]])
    "test.use"(%fourth) : (memref<64xi8>) -> ()
  }
  return
}
