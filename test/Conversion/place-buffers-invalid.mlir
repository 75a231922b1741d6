// RUN: sherry-opt %s -sherry-place-buffers -allow-unregistered-dialect -split-input-file -verify-diagnostics

// expected-error@+1 {{recursion has no bounded workspace}}
func.func @f(%workspace: memref<?xi8>) {
  call @f(%workspace) : (memref<?xi8>) -> ()
  return
}

// -----

func.func @no_workspace() {
  // expected-error@+1 {{the function has no workspace}}
  %a = memref.alloc() : memref<8xf32>
  return
}

// -----

func.func @dynamic(%workspace: memref<?xi8>, %n: index) {
  // expected-error@+1 {{only buffers of fixed size can be placed}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}

// -----

func.func @no_team(%workspace: memref<?xi8>) {
  // expected-error@+1 {{the function has no !sherry.team whose threads need it}}
  %a = memref.alloc() {sherry.per_thread} : memref<2xf32>
  "test.use"(%a) : (memref<2xf32>) -> ()
  return
}

// -----

// Nobody can provide so much.
// expected-error@+1 {{the buffers of a call need more than 281474976710656 bytes}}
module {
  func.func @large(%workspace: memref<?xi8>) {
    %a = memref.alloc() : memref<281474976710657xi8>
    return
  }
}

// -----

func.func @shared(%workspace: memref<?xi8>, %team: !sherry.team) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<2xf32>
  // expected-error@+1 {{writes memory that threads share, outside of a step}}
  memref.store %zero, %a[%c0] : memref<2xf32>
  return
}
