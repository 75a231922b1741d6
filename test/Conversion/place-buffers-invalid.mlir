// RUN: sherry-opt %s -sherry-place-buffers -split-input-file -verify-diagnostics

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
