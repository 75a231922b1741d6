// What no op of the dialect is in must not make a pass fail: the dialect is
// then loaded only if the pass asks for it.

// RUN: sherry-opt %s -sherry-fuse-linear | FileCheck %s
// RUN: sherry-opt %s -sherry-quantize-activations | FileCheck %s
// RUN: sherry-opt %s -sherry-select-layout | FileCheck %s
// RUN: sherry-opt %s -sherry-fuse-residual | FileCheck %s
// RUN: sherry-opt %s -sherry-fuse-swiglu | FileCheck %s
// RUN: sherry-opt %s -sherry-place-weights | FileCheck %s
// RUN: sherry-opt %s -sherry-verify-stage | FileCheck %s
// RUN: sherry-opt %s -sherry-place-buffers | FileCheck %s
// RUN: sherry-opt %s -sherry-distribute-parallel | FileCheck %s
// RUN: sherry-opt %s -sherry-attach-target=cpu=icelake-server -sherry-lower-kernel-avx512 | FileCheck %s
// RUN: sherry-opt %s -sherry-attach-target=cpu=sapphirerapids -sherry-lower-kernel-amx | FileCheck %s
// RUN: sherry-opt %s -sherry-attach-target=cpu=x86-64-v3 -sherry-lower-kernel-avx2 | FileCheck %s
// RUN: sherry-opt %s -sherry-lower-kernel-generic | FileCheck %s
// RUN: sherry-opt %s -sherry-approximate-math | FileCheck %s
// RUN: sherry-opt %s -sherry-apply-abi | FileCheck %s
// RUN: not sherry-opt %s -sherry-specialize-tokens 2>&1 | FileCheck %s --check-prefix=FORWARD
// RUN: not sherry-opt %s -sherry-convert-to-loops 2>&1 | FileCheck %s --check-prefix=TOKENS

// CHECK: func{{.*}} @f
// FORWARD: there is no public function @forward to specialize
// TOKENS: needs the attribute sherry.max_tokens
func.func @f() {
  return
}
