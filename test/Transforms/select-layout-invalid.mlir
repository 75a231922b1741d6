// RUN: not sherry-opt %s -sherry-select-layout=order=bits 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not sherry-opt %s -sherry-select-layout=interleave=17 2>&1 | FileCheck %s --check-prefix=TILES

// ORDER: error: order must be auto, words or nibbles, not 'bits'
// TILES: error: interleave must be 1 to 16, not 17
module {}
