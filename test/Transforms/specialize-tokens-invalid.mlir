// RUN: not sherry-opt %s -sherry-specialize-tokens 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not sherry-opt %s -sherry-specialize-tokens=max-block=12 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not sherry-opt %s -sherry-specialize-tokens=max-block=8200 2>&1 | FileCheck %s --check-prefix=LARGE

// NAME: error: there is no public function @forward to specialize
// BLOCK: error: max-block must be a multiple of 8 in 8..8192, not 12
// LARGE: error: max-block must be a multiple of 8 in 8..8192, not 8200
module {
  func.func private @forward()
}
