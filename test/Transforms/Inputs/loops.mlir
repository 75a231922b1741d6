func.func @f() {
  %m = memref.alloc() : memref<8xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 0.0 : f32
  affine.parallel (%i) = (0) to (8) {
    memref.store %f, %m[%i] : memref<8xf32>
  }
  return
}
