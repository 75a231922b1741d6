// RUN: sherry-opt %s -sherry-place-weights -split-input-file -verify-diagnostics

// expected-error @+1 {{has no layout: run sherry-select-layout first}}
sherry.weight @w count 1 from ["w"] rows [4] : tensor<4x8x!sherry.trit, #sherry.ternary<contiguous, per_channel, scale = f16>>

// -----

// expected-error @+1 {{the weights exceed 2^63 bytes}}
sherry.weight @w count 1000000000000 from ["w.{}"] rows [1000000] : tensor<1000000x1000000xbf16>
