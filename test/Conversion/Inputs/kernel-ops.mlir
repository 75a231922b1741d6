// Each op that the lowerings of kernel ops know, alone in its function.
func.func @decode_block(%codes: vector<16xi32>) -> vector<64xi8> {
  %0 = sherry.decode_block %codes bias 1 : vector<16xi32> -> vector<64xi8>
  return %0 : vector<64xi8>
}
func.func @decode_signed(%codes: vector<16xi32>) -> vector<64xi8> {
  %0 = sherry.decode_block %codes : vector<16xi32> -> vector<64xi8>
  return %0 : vector<64xi8>
}
func.func @decode_dense(%codes: vector<16xi32>) -> vector<64xi8> {
  %0 = sherry.decode_block %codes codebook <"dense"> bias 1 : vector<16xi32> -> vector<64xi8>
  return %0 : vector<64xi8>
}
func.func @decode_six(%codes: vector<16xi32>) -> vector<64xi8> {
  %0 = sherry.decode_block %codes codebook <"2:6"> bias 1 : vector<16xi32> -> vector<64xi8>
  return %0 : vector<64xi8>
}
func.func @decode_last_of_six(%codes: vector<16xi32>) -> vector<64xi8> {
  %0 = sherry.decode_block %codes codebook <"2:6"> first 4 bias 1 : vector<16xi32> -> vector<64xi8>
  return %0 : vector<64xi8>
}
func.func @decode_nibbles(%codes: vector<32xi8>, %signs: vector<32xi8>) -> (vector<64xi8>, vector<64xi8>) {
  %0, %1 = sherry.decode_nibbles %codes, %signs bias 1 : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  return %0, %1 : vector<64xi8>, vector<64xi8>
}
func.func @decode_dense_nibbles(%codes: vector<32xi8>, %signs: vector<32xi8>) -> (vector<64xi8>, vector<64xi8>) {
  %0, %1 = sherry.decode_nibbles %codes, %signs codebook <"dense"> : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  return %0, %1 : vector<64xi8>, vector<64xi8>
}
func.func @build_dense_table(%x: vector<4xi8>) -> vector<16xi16> {
  %0 = sherry.build_table %x codebook <"dense"> : vector<4xi8> -> vector<16xi16>
  return %0 : vector<16xi16>
}
func.func @build_table_of_six(%x: vector<8xi8>) -> vector<32xi16> {
  %0 = sherry.build_table %x codebook <"2:6"> : vector<8xi8> -> vector<32xi16>
  return %0 : vector<32xi16>
}
func.func @build_table_32(%x: vector<4xi8>) -> vector<32xi16> {
  %0 = sherry.build_table %x : vector<4xi8> -> vector<32xi16>
  return %0 : vector<32xi16>
}
func.func @lookup(%tables: memref<8x32xi16>, %i: index, %codes: vector<32xi16>) -> vector<32xi16> {
  %0 = sherry.lookup %tables[%i], %codes : memref<8x32xi16>, vector<32xi16>
  return %0 : vector<32xi16>
}
func.func @lookup_halves(%tables: memref<8x2x16xi8>, %i: index, %codes: vector<32xi8>) -> (vector<16xi16>, vector<16xi16>) {
  %0, %1 = sherry.lookup_halves %tables[%i], %codes : memref<8x2x16xi8>, vector<32xi8> -> vector<16xi16>
  return %0, %1 : vector<16xi16>, vector<16xi16>
}
func.func @apply_sign(%value: vector<16xi16>, %sign: vector<16xi16>) -> vector<16xi16> {
  %0 = sherry.apply_sign %value, %sign : vector<16xi16>
  return %0 : vector<16xi16>
}
func.func @dot_small(%w: vector<64xi8>, %x: vector<4xi8>, %sum: vector<16xi32>) -> vector<16xi32> {
  %0 = sherry.dot_accumulate %w, %x, %sum {max_weight = 2 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return %0 : vector<16xi32>
}
func.func @dot_large(%w: vector<64xi8>, %x: vector<4xi8>, %sum: vector<16xi32>) -> vector<16xi32> {
  %0 = sherry.dot_accumulate %w, %x, %sum {max_weight = 255 : i32} : vector<64xi8>, vector<4xi8>, vector<16xi32>
  return %0 : vector<16xi32>
}
func.func @dot_pairs(%w: vector<64xi8>, %x: vector<4xi8>, %sum: vector<32xi16>) -> vector<32xi16> {
  %0 = sherry.dot_pairs %w, %x, %sum : vector<64xi8>, vector<4xi8>, vector<32xi16>
  return %0 : vector<32xi16>
}
func.func @add_pairs(%pairs: vector<32xi16>, %sum: vector<16xi32>) -> vector<16xi32> {
  %0 = sherry.add_pairs %pairs, %sum : vector<32xi16>, vector<16xi32>
  return %0 : vector<16xi32>
}
func.func @f16(%x: vector<16xf16>) -> vector<16xf32> {
  %0 = arith.extf %x : vector<16xf16> to vector<16xf32>
  return %0 : vector<16xf32>
}
func.func @to_f16(%x: vector<16xf32>, %y: f32) -> (vector<16xf16>, f16) {
  %0 = arith.truncf %x : vector<16xf32> to vector<16xf16>
  %1 = arith.truncf %y : f32 to f16
  return %0, %1 : vector<16xf16>, f16
}
func.func @fma(%x: vector<16xf32>, %y: vector<16xf32>, %z: vector<16xf32>) -> vector<16xf32> {
  %r = math.fma %x, %y, %z : vector<16xf32>
  return %r : vector<16xf32>
}
func.func @multiply_panel(%panel: memref<64x2x64xi8>, %values: memref<64x2112xi8>, %row: index, %column: index, %sums: memref<32x32xi32>) {
  sherry.multiply_panel %panel, %values[%row, %column], %sums {groups = 32} : memref<64x2x64xi8>, memref<64x2112xi8>, memref<32x32xi32>
  return
}
func.func @multiply_half_panel(%panel: memref<64x2x64xi8>, %values: memref<64x2112xi8>, %row: index, %column: index, %sums: memref<16x32xi32>) {
  sherry.multiply_panel %panel, %values[%row, %column], %sums {groups = 16} : memref<64x2x64xi8>, memref<64x2112xi8>, memref<16x32xi32>
  return
}
func.func @reduce(%x: vector<5xf32>, %y: vector<4xi32>) -> (f32, i32) {
  %0 = sherry.reduce add %x : vector<5xf32>
  %1 = sherry.reduce max %y : vector<4xi32>
  return %0, %1 : f32, i32
}
