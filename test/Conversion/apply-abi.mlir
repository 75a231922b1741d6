// RUN: sherry-opt %s -sherry-apply-abi | FileCheck %s
// RUN: sherry-opt %s -sherry-apply-abi -convert-scf-to-cf -convert-to-llvm | FileCheck %s --check-prefix=LLVM

// All steps that are described.
// CHECK: sherry.steps = [{entry = "f", op = "linear", weight = @w}, {entry = "g", op = "rms_norm"}]

// CHECK-LABEL: func @f
// CHECK-SAME: (%{{.*}}, %[[N:.*]]: index, %[[TEAM:.*]]: !sherry.team)
// CHECK-SAME: llvm.bareptr
// A buffer is one pointer.
// LLVM-LABEL: func @f
// LLVM-SAME: (%{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: i64, %{{[^:]*}}: !llvm.ptr) attributes
func.func @f(%buffer: memref<8xindex>, %n: index, %team: !sherry.team) {
  // CHECK: scf.while : () -> (index, index) {
  // CHECK-NEXT: %[[FROM:.*]], %[[TO:.*]] = sherry.take %[[TEAM]] to %[[N]] grain 8 number 0
  // CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[FROM]], %[[TO]]
  // CHECK-NEXT: scf.condition(%[[MORE]]) %[[FROM]], %[[TO]]
  // CHECK-NEXT: } do {
  // CHECK-NEXT: ^bb0(%[[BEGIN:.*]]: index, %[[END:.*]]: index):
  // CHECK-NEXT: memref.store %[[END]], %{{.*}}[%[[BEGIN]]]
  // CHECK-NEXT: scf.yield
  sherry.step %team to %n attributes {grain = 8 : i64, step = {op = "linear", weight = @w}} {
  ^bb0(%begin: index, %end: index):
    memref.store %end, %buffer[%begin] : memref<8xindex>
  }
  // CHECK: sherry.take %[[TEAM]] to %[[N]] grain 0 number -1
  sherry.step %team to %n {
  ^bb0(%begin: index, %end: index):
  }
  return
}

// LLVM-LABEL: func @g
// LLVM: llvm.call @f(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})
func.func @g(%buffer: memref<8xindex>, %n: index, %team: !sherry.team) {
  call @f(%buffer, %n, %team) : (memref<8xindex>, index, !sherry.team) -> ()
  // CHECK: sherry.take %{{.*}} to %{{.*}} grain 0 number 1
  sherry.step %team to %n attributes {step = {op = "rms_norm"}} {
  ^bb0(%begin: index, %end: index):
  }
  return
}
