// RUN: sherry-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<?x32xf32>) {
  // expected-error @+1 {{the columns of 2 to 64 ranks with 'tensor<?x32xf32>' are not 'tensor<?x32xf32>'}}
  %y = sherry.all_gather %x : tensor<?x32xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x32xf32>) {
  // expected-error @+1 {{the columns of 2 to 64 ranks with 'tensor<?x32xf32>' are not 'tensor<?x80xf32>'}}
  %y = sherry.all_gather %x : tensor<?x32xf32> -> tensor<?x80xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64]>>) {
  // expected-error @+1 {{are not those of the ranks}}
  %y = sherry.all_gather %x : tensor<?x64xi8, #sherry.quantized<contiguous, [64]>> -> tensor<?x128xi8, #sherry.quantized<contiguous, [128]>>
  return
}

// -----

func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64] bias = 8>>) {
  // expected-error @+1 {{are not those of the ranks}}
  %y = sherry.all_gather %x : tensor<?x64xi8, #sherry.quantized<contiguous, [64] bias = 8>> -> tensor<?x128xi8, #sherry.quantized<contiguous, [64, 64]>>
  return
}

// -----

func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, per_token [64]>>) {
  // expected-error @+1 {{cannot gather scales of whole tokens}}
  %y = sherry.all_gather %x : tensor<?x64xi8, #sherry.quantized<contiguous, per_token [64]>> -> tensor<?x128xi8, #sherry.quantized<contiguous, per_token [64, 64]>>
  return
}

// -----

func.func @f(%x: tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>>) {
  // expected-error @+1 {{cannot gather tables}}
  %y = sherry.all_gather %x : tensor<?x64xi8, #sherry.quantized<contiguous, [64], tables = words>> -> tensor<?x128xi8, #sherry.quantized<contiguous, [64, 64]>>
  return
}

// -----

func.func @f(%x: tensor<?x128xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{cannot take 'tensor<?x64xf32>' as a rank's part of 'tensor<?x128xf32>' from 2 ranks}}
  %y = sherry.pick_owned %x, %t of 2 ranks rows 8 : tensor<?x128xf32> -> tensor<?x64xf32>
  return
}

// -----

// expected-error @+1 {{there are at most 64 ranks, not 65}}
sherry.weight @w count 1 from ["w"] rows [32] of 65 ranks : tensor<32x32xbf16>

// -----

// expected-error @+1 {{'sherry.ranks' must be an i64 from 2 to 64}}
module attributes {sherry.ranks = 1 : i64} {}
