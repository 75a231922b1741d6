// RUN: sherry-opt %s | sherry-opt | FileCheck %s
// RUN: sherry-opt %s -convert-vector-to-llvm=enable-x86vector | FileCheck %s --check-prefix=LLVM

// CHECK-LABEL: func @avx2
// LLVM-LABEL: func @avx2
func.func @avx2(%a: vector<32xi8>, %b: vector<32xi8>, %c: vector<16xi16>) -> vector<8xi32> {
  // CHECK: sherry_x86.avx2.pshufb %{{.*}}, %{{.*}}
  // LLVM: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%{{.*}}, %{{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<32xi8>
  %0 = sherry_x86.avx2.pshufb %a, %b
  // CHECK: sherry_x86.avx2.pmaddubsw %{{.*}}, %{{.*}}
  // LLVM: "llvm.x86.avx2.pmadd.ub.sw"(%{{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
  %1 = sherry_x86.avx2.pmaddubsw %0, %b
  // CHECK: sherry_x86.avx2.psignw %{{.*}}, %{{.*}}
  // LLVM: "llvm.x86.avx2.psign.w"(%{{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<16xi16>
  %2 = sherry_x86.avx2.psignw %1, %c
  // CHECK: sherry_x86.avx2.pmaddwd %{{.*}}, %{{.*}}
  // LLVM: "llvm.x86.avx2.pmadd.wd"(%{{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
  %3 = sherry_x86.avx2.pmaddwd %2, %c
  return %3 : vector<8xi32>
}

// CHECK-LABEL: func @avx512
// LLVM-LABEL: func @avx512
func.func @avx512(%a: vector<32xi16>, %b: vector<16xi32>) -> (vector<32xi16>, vector<16xi32>) {
  // CHECK: sherry_x86.avx512.permw %{{.*}}, %{{.*}}
  // LLVM: "llvm.x86.avx512.permvar.hi.512"(%{{.*}}) : (vector<32xi16>, vector<32xi16>) -> vector<32xi16>
  %0 = sherry_x86.avx512.permw %a, %a
  // CHECK: sherry_x86.avx512.permi2d %{{.*}}, %{{.*}}, %{{.*}}
  // LLVM: "llvm.x86.avx512.vpermi2var.d.512"(%{{.*}}) : (vector<16xi32>, vector<16xi32>, vector<16xi32>) -> vector<16xi32>
  %1 = sherry_x86.avx512.permi2d %b, %b, %b
  return %0, %1 : vector<32xi16>, vector<16xi32>
}

// CHECK-LABEL: func @vnni
// LLVM-LABEL: func @vnni
func.func @vnni(%s: vector<8xi32>, %a: vector<32xi8>, %t: vector<16xi32>, %b: vector<64xi8>) -> (vector<8xi32>, vector<16xi32>) {
  // CHECK: sherry_x86.vnni.pdpbusd %{{.*}}, %{{.*}}, %{{.*}} : vector<32xi8> -> vector<8xi32>
  // LLVM: "llvm.x86.avx512.vpdpbusd.256"(%{{.*}}) : (vector<8xi32>, vector<32xi8>, vector<32xi8>) -> vector<8xi32>
  %0 = sherry_x86.vnni.pdpbusd %s, %a, %a : vector<32xi8> -> vector<8xi32>
  // CHECK: sherry_x86.vnni.pdpbusd %{{.*}}, %{{.*}}, %{{.*}} : vector<64xi8> -> vector<16xi32>
  // LLVM: "llvm.x86.avx512.vpdpbusd.512"(%{{.*}}) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
  %1 = sherry_x86.vnni.pdpbusd %t, %b, %b : vector<64xi8> -> vector<16xi32>
  return %0, %1 : vector<8xi32>, vector<16xi32>
}
