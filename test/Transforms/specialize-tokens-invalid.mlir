// RUN: not sherry-opt %s -sherry-specialize-tokens 2>&1 | FileCheck %s --check-prefix=NAME

// NAME: error: there is no public function @forward to specialize
module {
  func.func private @forward()
}
