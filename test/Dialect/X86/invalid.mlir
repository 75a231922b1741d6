// RUN: sherry-opt %s -split-input-file -verify-diagnostics

func.func @lanes(%a: vector<16xi8>) {
  // expected-error @+1 {{operand #0 must be vector<32xi8>, but got 'vector<16xi8>'}}
  %0 = "sherry_x86.avx2.pshufb"(%a, %a) : (vector<16xi8>, vector<16xi8>) -> vector<32xi8>
  return
}

// -----

func.func @rank(%a: vector<2x16xi8>) {
  // expected-error @+1 {{operand #0 must be vector<32xi8>, but got 'vector<2x16xi8>'}}
  %0 = "sherry_x86.avx2.pshufb"(%a, %a) : (vector<2x16xi8>, vector<2x16xi8>) -> vector<32xi8>
  return
}

// -----

func.func @bytes(%s: vector<8xi32>, %a: vector<64xi8>) {
  // expected-error @+1 {{there are four bytes for each lane}}
  %0 = "sherry_x86.vnni.pdpbusd"(%s, %a, %a) : (vector<8xi32>, vector<64xi8>, vector<64xi8>) -> vector<8xi32>
  return
}
