// RUN: sherry-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{max_block must be a multiple of 8 in 8..8192, not 12}}
module attributes {sherry.schedule = #sherry.schedule<max_block = 12>} {}

// -----

// expected-error @+1 {{lookup_tokens must be a power of two of at most 8, not 3}}
module attributes {sherry.schedule = #sherry.schedule<lookup_tokens = 3>} {}

// -----

// expected-error @+1 {{lookup_block must be in 0..8192, not 8193}}
module attributes {sherry.schedule = #sherry.schedule<lookup_block = 8193>} {}

// -----

// expected-error @+1 {{prefetch_l2 must be in 0..1073741824, not -1}}
module attributes {sherry.schedule = #sherry.schedule<prefetch_l2 = -1>} {}

// -----

// expected-error @+1 {{activations are i8 or f32, not 'f16'}}
module attributes {sherry.numerics = #sherry.numerics<activations = f16>} {}

// -----

// expected-error @+1 {{'sherry.schedule' must be a #sherry.schedule}}
module attributes {sherry.schedule = 8 : i64} {}

// -----

// expected-error @+1 {{'sherry.schedule' belongs to a module}}
func.func private @f() attributes {sherry.schedule = #sherry.schedule<>}

// -----

// expected-error @+1 {{'sherry.numerics' must be a #sherry.numerics}}
module attributes {sherry.numerics = #sherry.schedule<>} {}

// -----

// expected-error @+1 {{'sherry.max_tokens' must be an i64 from 1 to 8192}}
func.func private @f() attributes {sherry.max_tokens = 0 : i64}

// -----

// expected-error @+1 {{'sherry.max_tokens' must be an i64 from 1 to 8192}}
func.func private @f() attributes {sherry.max_tokens = 8 : i32}

// -----

// expected-error @+1 {{'sherry.weights_size' must be an i64 that is not negative}}
module attributes {sherry.weights_size = -1 : i64} {}

// -----

// expected-error @+1 {{'sherry.workspace_size' belongs to a module}}
func.func private @f() attributes {sherry.workspace_size = 1 : i64}

// -----

// expected-error @+1 {{'sherry.steps' must be a list of dictionaries}}
module attributes {sherry.steps = [1]} {}

// -----

// expected-error @+1 {{'sherry.on_demand' belongs to a parallel loop}}
func.func private @f() attributes {sherry.on_demand}

// -----

// expected-error @+1 {{'sherry.max_token' is not an attribute of this dialect}}
func.func private @f() attributes {sherry.max_token = 8 : i64}

// -----

// expected-error @+1 {{'sherry.stage' must be the name of a stage: sherry, layout, loops, kernel, llvm-mlir}}
module attributes {sherry.stage = 1 : i64} {}

// -----

// expected-error @+1 {{'sherry.stage' must be the name of a stage: sherry, layout, loops, kernel, llvm-mlir}}
module attributes {sherry.stage = "foo"} {}

// -----

// expected-error @+1 {{'sherry.cache' must be a !sherry.kv_cache}}
module attributes {sherry.cache = i8} {}

// -----

func.func @f(%n: index) {
  // expected-error @+1 {{'sherry.step' belongs to a parallel loop}}
  scf.for %i = %n to %n step %n {
  } {sherry.step = {op = "linear"}}
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'sherry.step' must be a dictionary}}
  affine.parallel (%i) = (0) to (1) {
  } {sherry.step = 1 : i64}
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'sherry.on_demand' must be a unit attribute}}
  affine.parallel (%i) = (0) to (1) {
  } {sherry.on_demand = true}
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'sherry.per_thread' must be a unit attribute}}
  %a = memref.alloc() {sherry.per_thread = true} : memref<1xf32>
  return
}

// -----

// expected-error @+1 {{'sherry.per_thread' belongs to a memref.alloc}}
func.func private @f() attributes {sherry.per_thread}

// -----

// expected-error @+1 {{'sherry.max_tokens' belongs to a function}}
module attributes {sherry.max_tokens = 8 : i64} {}

// -----

// expected-error @+1 {{'sherry.thread_workspace_size' must be an i64 that is not negative}}
module attributes {sherry.thread_workspace_size = 1 : i32} {}

// -----

// expected-error @+1 {{'sherry.workspace_size' must be an i64 that is not negative}}
module attributes {sherry.workspace_size = 1 : i32} {}

// -----

// expected-error @+1 {{only activations in i8 have scales}}
module attributes {sherry.numerics = #sherry.numerics<activations = f32, per_token = true>} {}
