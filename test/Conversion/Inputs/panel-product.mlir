// A panel of five groups and its product with %count tokens, as
// sherry-convert-to-loops writes it.
func.func @product(%packed: memref<1024xi8>, %count: index) {
  %values = memref.alloc() : memref<32x128xi8>
  %starts = memref.alloc() : memref<64xi32>
  %totals = memref.alloc() : memref<64x32xi32>
  %c0 = arith.constant 0 : index
  affine.parallel (%tile) = (0) to (1) {
    %panel = memref.alloca() : memref<64x2x64xi8>
    %bytes = affine.vector_load %packed[0] : memref<1024xi8>, vector<128xi8>
    %trits = sherry.unpack_codes %bytes words bias 1 : vector<128xi8> -> vector<5x2x64xi8>
    vector.transfer_write %trits, %panel[%c0, %c0, %c0] {in_bounds = [true, true, true]} : vector<5x2x64xi8>, memref<64x2x64xi8>
    %rows = memref.reinterpret_cast %values to offset: [0], sizes: [32, 32, 1, 4], strides: [128, 4, 4, 1] : memref<32x128xi8> to memref<32x32x1x4xi8>
    affine.for %row = 0 to %count {
      %number = affine.load %starts[%row] : memref<64xi32>
      %start = vector.broadcast %number : i32 to vector<16xi32>
      %sums:2 = affine.for %group = 0 to 5 iter_args(%a = %start, %b = %start) -> (vector<16xi32>, vector<16xi32>) {
        %low = affine.vector_load %panel[%group, 0, 0] : memref<64x2x64xi8>, vector<64xi8>
        %high = affine.vector_load %panel[%group, 1, 0] : memref<64x2x64xi8>, vector<64xi8>
        %x = affine.vector_load %rows[%row, %group + 3, 0, 0] : memref<32x32x1x4xi8>, vector<4xi8>
        %c = sherry.dot_accumulate %low, %x, %a {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
        %d = sherry.dot_accumulate %high, %x, %b {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
        affine.yield %c, %d : vector<16xi32>, vector<16xi32>
      }
      affine.vector_store %sums#0, %totals[%row, 0] : memref<64x32xi32>, vector<16xi32>
      affine.vector_store %sums#1, %totals[%row, 16] : memref<64x32xi32>, vector<16xi32>
    }
  }
  return
}
