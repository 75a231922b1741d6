// RUN: not sherry-opt %s -sherry-specialize-tokens 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not sherry-opt %s -sherry-specialize-tokens=max-block=12 2>&1 | FileCheck %s --check-prefix=BLOCK

// NAME: error: there is no public function @forward to specialize
// BLOCK: error: max-block must be a positive multiple of 8, not 12
module {
  func.func private @forward()
}
