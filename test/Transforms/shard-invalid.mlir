// RUN: sherry-opt %s -split-input-file -verify-diagnostics -sherry-shard=ranks=4

// expected-error @+1 {{cannot be cut among 4 ranks: the model has 2 heads of keys and values, which ranks cannot share equally}}
module attributes {sherry.cache = !sherry.kv_cache<1 x 2 x 8 x f32, max_context = 64>} {
}

// -----

// expected-error @+1 {{cannot be cut among 4 ranks: w has 64 rows, and a rank needs a multiple of 32}}
sherry.weight @w count 1 from ["w"] rows [64] : tensor<64x32xbf16>
func.func @f(%x: tensor<?x32xf32>) -> tensor<?x64xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{is cut already}}
sherry.weight @w count 1 from ["w"] rows [64] of 2 ranks : tensor<64x32xbf16>

// -----

// expected-error @+1 {{already has an offset: cut it before}}
sherry.weight @w count 1 from ["w"] rows [128] at 0 stride 8192 : tensor<128x32xbf16>
func.func @f(%x: tensor<?x32xf32>) -> tensor<?x128xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// -----

sherry.weight @w count 1 from ["w"] rows [128] : tensor<128x32xbf16>
func.func @f(%x: tensor<?x32xf32>, %r: tensor<?x128xf32>) -> tensor<?x128xf32> {
  // expected-error @+1 {{cannot be cut: it adds to other columns than those of a rank}}
  %y = sherry.linear %x, @w plus %r : tensor<?x32xf32> plus tensor<?x128xf32> -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// -----

// Two calls that pass as many columns, of one matrix and of two.
sherry.weight @a count 1 from ["a"] rows [256] : tensor<256x32xbf16>
sherry.weight @b count 1 from ["b", "c"] rows [128, 128] : tensor<256x32xbf16>
func.func private @g(%x: tensor<?x256xf32>) {
  return
}
func.func @f(%x: tensor<?x32xf32>) {
  %y = sherry.linear %x, @a : tensor<?x32xf32> -> tensor<?x256xf32>
  %z = sherry.linear %x, @b : tensor<?x32xf32> -> tensor<?x256xf32>
  func.call @g(%y) : (tensor<?x256xf32>) -> ()
  // expected-error @+1 {{cannot be cut: other calls of the function pass whole rows, or other columns}}
  func.call @g(%z) : (tensor<?x256xf32>) -> ()
  return
}

// -----

func.func private @g(%x: tensor<?x256xf32>)
func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @+1 {{cannot be cut: the function is not defined here}}
  func.call @g(%x) : (tensor<?x256xf32>) -> ()
  return
}

// -----

// Whole in the first round, a part after it.
sherry.weight @w count 1 from ["w"] rows [128] : tensor<128x128xbf16>
func.func @f(%x: tensor<?x128xf32>, %a: index, %b: index, %c: index) -> tensor<?x128xf32> {
  %first = sherry.linear %x, @w : tensor<?x128xf32> -> tensor<?x128xf32>
  // expected-error @+1 {{cannot be cut: it carries the columns of a rank in some rounds only}}
  %y = scf.for %i = %a to %b step %c iter_args(%carried = %first) -> tensor<?x128xf32> {
    scf.yield %x : tensor<?x128xf32>
  }
  return %y : tensor<?x128xf32>
}

// -----

// Columns of a rank are those of a in turn with those of b.
sherry.weight @w count 1 from ["a", "b"] rows [128, 128] : tensor<256x32xbf16>
func.func @f(%x: tensor<?x32xf32>) -> tensor<?x256xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x256xf32>
  // expected-error @+1 {{needs columns of several matrices, which a gather gives out of order}}
  return %y : tensor<?x256xf32>
}

// -----

sherry.weight @w count 1 from ["a", "b"] rows [128, 128] : tensor<256x32xbf16>
func.func @f(%x: tensor<?x32xf32>, %n: index) -> tensor<?x128xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x256xf32>
  // expected-error @+1 {{cannot be cut: it takes columns other than those of whole matrices}}
  %z = tensor.extract_slice %y[0, 64] [%n, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  return %z : tensor<?x128xf32>
}

// -----

sherry.weight @w count 1 from ["a"] rows [128] : tensor<128x32xbf16>
func.func @f(%x: tensor<?x32xf32>, %table: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x128xf32>
  // expected-error @+1 {{cannot be cut: a rank has parts of heads}}
  %z = sherry.rope %y, %table : tensor<?x128xf32>, tensor<?x64xf32>
  return %z : tensor<?x128xf32>
}

// -----

sherry.weight @w count 1 from ["a"] rows [128] : tensor<128x32xbf16>
func.func @f(%x: tensor<?x32xf32>, %r: tensor<?x128xf32>) -> tensor<?x128xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x128xf32>
  // expected-error @+1 {{cannot be cut: it takes whole rows and columns of a rank}}
  %z = sherry.swiglu %y, %r : tensor<?x128xf32>
  return %z : tensor<?x128xf32>
}

// -----

sherry.weight @w count 1 from ["a"] rows [128] : tensor<128x32xbf16>
func.func @f(%x: tensor<?x32xf32>) -> tensor<?x128xf32> {
  %y = sherry.linear %x, @w : tensor<?x32xf32> -> tensor<?x128xf32>
  // expected-error @+1 {{has no rule by which ranks divide it}}
  %z = math.sqrt %y : tensor<?x128xf32>
  return %z : tensor<?x128xf32>
}
