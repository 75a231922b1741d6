// RUN: sherry-opt %s -split-input-file -verify-diagnostics

func.func @unpack_groups(%b: vector<256xi8>) {
  // expected-error @+1 {{takes 1 to 16 groups, not 17}}
  %t = sherry.unpack_codes %b nibbles : vector<256xi8> -> vector<17x2x64xi8>
  return
}

// -----

func.func @unpack_result(%b: vector<320xi8>) {
  // expected-error @+1 {{gives fours of inputs x 2 x 64 bytes, not 'vector<16x1x64xi8>'}}
  %t = sherry.unpack_codes %b words : vector<320xi8> -> vector<16x1x64xi8>
  return
}

// -----

func.func @lookup_tables(%t: memref<8x16xi16>, %i: index, %b: vector<320xi8>, %s: vector<32xi16>) {
  // expected-error @+1 {{tables have 32 words or 2 x 16 bytes}}
  %r = sherry.lookup_codes %t[%i], %b, %s {groups = 16 : i64} : memref<8x16xi16>, vector<320xi8>, vector<32xi16>
  return
}

// -----

func.func @lookup_size(%t: memref<8x2x16xi8>, %i: index, %b: vector<320xi8>, %s: vector<32xi16>) {
  // expected-error @+1 {{codes of 8 groups in the order nibbles are 192 bytes, not 320}}
  %r = sherry.lookup_codes %t[%i], %b, %s {groups = 8 : i64} : memref<8x2x16xi8>, vector<320xi8>, vector<32xi16>
  return
}

// -----

// expected-error @+2 {{there is no codebook '4:4'; there are '3:4' '2:6' 'dense'}}
// expected-error @+1 {{failed to parse Sherry_TernaryAttr parameter 'codebook'}}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<codebook = <"4:4">, contiguous, per_channel, scale = f16>>

// -----

// expected-error @+1 {{strided groups have four inputs, those of 'dense' 3}}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<codebook = <"dense">, strided, per_channel, scale = f16>>

// -----

func.func @tables_of_another_codebook(%x: tensor<1x64xi8, #sherry.quantized<contiguous, [64], tables = words>>) -> tensor<1x8xf32> {
  // expected-error @+1 {{looks nothing up in tables for '3:4' codes in the order words}}
  %0 = sherry.linear %x, @w : tensor<1x64xi8, #sherry.quantized<contiguous, [64], tables = words>> -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<codebook = <"dense">, contiguous, per_channel, scale = f16, layout = <words, interleave = 1>>>

// -----

func.func @bytes_of_dense_codes(%bytes: vector<256xi8>) -> vector<8x2x64xi8> {
  // expected-error @+1 {{codes of 11 groups in the order words are 224 bytes, not 256}}
  %0 = sherry.unpack_codes %bytes words codebook <"dense"> : vector<256xi8> -> vector<8x2x64xi8>
  return %0 : vector<8x2x64xi8>
}

// -----

// expected-error @+1 {{strided groups have four inputs, those of '2:6' 6}}
sherry.weight @w count 1 from ["w"] rows [8] : tensor<8x64x!sherry.trit, #sherry.ternary<codebook = <"2:6">, strided, per_channel, scale = f16>>

// -----

func.func @bytes_of_six(%bytes: vector<320xi8>) -> vector<24x2x64xi8> {
  // expected-error @+1 {{codes of 16 groups in the order nibbles are 384 bytes, not 320}}
  %0 = sherry.unpack_codes %bytes nibbles codebook <"2:6"> : vector<320xi8> -> vector<24x2x64xi8>
  return %0 : vector<24x2x64xi8>
}

// -----

func.func @lookup_bytes_of_six(%t: memref<8x32xi16>, %i: index, %b: vector<64xi8>, %s: vector<32xi16>) {
  // expected-error @+1 {{codes of 3 groups in the order words are 128 bytes, not 64}}
  %r = sherry.lookup_codes %t[%i], %b, %s codebook <"2:6"> {groups = 3 : i64} : memref<8x32xi16>, vector<64xi8>, vector<32xi16>
  return
}

// -----

func.func @decode_behind_the_group(%codes: vector<16xi32>) {
  // expected-error @+1 {{groups of '3:4' have no input 4}}
  %0 = sherry.decode_block %codes first 4 : vector<16xi32> -> vector<64xi8>
  return
}

// -----

func.func @nibbles_of_six(%codes: vector<32xi8>) {
  // expected-error @+1 {{codes of '2:6' have more than 5 bits}}
  %0, %1 = sherry.decode_nibbles %codes, %codes codebook <"2:6"> : vector<32xi8>, vector<32xi8> -> vector<64xi8>
  return
}

// -----

func.func @lookup_for_nobody(%t: memref<8x32xi16>, %b: vector<320xi8>) {
  // expected-error @+1 {{is for one token at least}}
  "sherry.lookup_codes"(%t, %b) <{codebook = #sherry.codebook<"3:4">, groups = 16 : i64}> : (memref<8x32xi16>, vector<320xi8>) -> ()
  return
}

// -----

func.func @table_of_four_of_six(%a: vector<4xi8>) {
  // expected-error @+1 {{groups of '2:6' have 6 inputs, not 4}}
  %0 = sherry.build_table %a codebook <"2:6"> : vector<4xi8> -> vector<32xi16>
  return
}

// -----

func.func @unpack_size(%b: vector<256xi8>) {
  // expected-error @+1 {{codes of 16 groups in the order words are 320 bytes, not 256}}
  %t = sherry.unpack_codes %b words : vector<256xi8> -> vector<16x2x64xi8>
  return
}
