// Exchanges between ranks.
// RUN: sherry-opt %s -sherry-convert-to-loops | FileCheck %s
// RUN: sherry-opt %s -sherry-loops-pipeline -sherry-kernel-pipeline | FileCheck %s --check-prefix=KERNEL

#part = #sherry.quantized<contiguous, [32]>
#whole = #sherry.quantized<contiguous, [32, 32], tables = words>
module attributes {sherry.ranks = 2 : i64, sherry.schedule = #sherry.schedule<max_block = 16>, sherry.weights_size = 0 : i64} {

// A row of one token is in one piece.
// CHECK-LABEL: func @one(
// CHECK-SAME: %[[MINE:[a-z0-9]*]]: memref<1x32xf32>, %[[ALL:[a-z0-9]*]]: memref<1x64xf32>
// CHECK: affine.parallel (%{{.*}}) = (0) to (1) {
// CHECK: %[[BYTES:.*]] = arith.constant 128 : index
// CHECK: sherry.exchange %{{.*}}, %[[MINE]] to %[[ALL]] bytes %[[BYTES]] : memref<1x32xf32>, memref<1x64xf32>
// CHECK: } {sherry.step = {op = "all_gather"}}
// CHECK-NOT: affine.parallel
// CHECK: return
// The exchange is a step of one iteration.
// KERNEL-LABEL: func @one(
// KERNEL: %[[ONCE:.*]] = arith.constant 1 : index
// KERNEL: sherry.step %{{.*}} to %[[ONCE]] attributes {{{.*}}step = {op = "all_gather"}} {
// KERNEL: sherry.exchange
func.func @one(%x: tensor<?x32xf32>) -> tensor<?x64xf32> attributes {sherry.max_tokens = 1 : i64} {
  %y = sherry.all_gather %x : tensor<?x32xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// Rows without padding are exchanged: written in parallel, sent once if there are
// any, read in parallel.
// CHECK-LABEL: func @many(
// CHECK-SAME: %[[ROWS:[a-z0-9]*]]: index, %{{.*}}: !sherry.team
// CHECK: %[[MINE:.*]] = memref.alloc() : memref<512xf32>
// CHECK: %[[ALL:.*]] = memref.alloc() : memref<1024xf32>
// CHECK: affine.parallel (%{{.*}}) = (0) to (symbol(%[[ROWS]])) {
// CHECK: affine.vector_store %{{.*}}, %[[MINE]]
// CHECK: affine.parallel (%{{.*}}) = (0) to ((symbol(%[[ROWS]]) + 15) floordiv 16) {
// CHECK: sherry.exchange %{{.*}}, %[[MINE]] to %[[ALL]]
// CHECK: affine.parallel (%{{.*}}) = (0) to (symbol(%[[ROWS]])) {
// CHECK: vector.load %[[ALL]]
// CHECK: return
func.func @many(%x: tensor<?x32xf32>) -> tensor<?x64xf32> attributes {sherry.max_tokens = 16 : i64} {
  %y = sherry.all_gather %x : tensor<?x32xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// 32 values and a scale of a rank; sums are made where they arrive, and each
// thread builds its own tables.
// CHECK-LABEL: func @quantized(
// CHECK: %[[MINE:.*]] = memref.alloc() : memref<36xi8>
// CHECK: %[[ALL:.*]] = memref.alloc() : memref<72xi8>
// CHECK: affine.parallel
// CHECK: sherry.exchange %{{.*}}, %[[MINE]] to %[[ALL]]
// CHECK: affine.parallel (%{{.*}}) = (0) to (2) {
// CHECK: affine.vector_load %[[ALL]]
// CHECK: sherry.reduce add
// CHECK: } {sherry.step = {op = "all_gather"}}
// CHECK: sherry.build_table
func.func @quantized(%x: tensor<?x32xf32>) attributes {sherry.max_tokens = 1 : i64} {
  %q = sherry.quantize_activations %x : tensor<?x32xf32> -> tensor<?x32xi8, #part>
  %r = sherry.all_gather %q : tensor<?x32xi8, #part> -> tensor<?x64xi8, #whole>
  return
}

// CHECK-LABEL: func @owned(
// CHECK: affine.parallel
// CHECK: arith.divui
// CHECK: sherry.rank
// CHECK: } {sherry.step = {op = "pick_owned"}}
func.func @owned(%x: tensor<?x128xf32>, %t: tensor<?xi32>) -> tensor<?x32xf32> attributes {sherry.max_tokens = 1 : i64} {
  %y = sherry.pick_owned %x, %t of 2 ranks rows 100 : tensor<?x128xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
}
