//===- limits.h - The largest models ----------------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler makes and the runtime opens. The compiler refuses more by
// the name of the option or of the file, so that no runtime ever meets it; the
// runtime checks the same bounds, because files can be damaged. C11,
// freestanding.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ABI_LIMITS_H
#define SHERRY_ABI_LIMITS_H

/// Largest size of a model: entries of the vocabulary, positions of a context,
/// columns of a matrix. Products of two fit 64 bits.
#define SHERRY_ABI_MAX_SIZE (1 << 24)
/// Most tokens of a prefill call. The workspace grows with it.
#define SHERRY_ABI_MAX_BLOCK (1 << 13)
/// Most bytes of stack that an entry point takes, whatever the model is. What
/// `take` takes comes on top.
#define SHERRY_ABI_MAX_STACK (1 << 15)
/// Most entry points of a model.
#define SHERRY_ABI_MAX_ENTRIES 16
/// Most ranks that a model is cut among.
#define SHERRY_ABI_MAX_RANKS 64
/// Most sequences of a call, and of a context.
#define SHERRY_ABI_MAX_SEQUENCES (1 << 10)
/// Most threads of a context. More would only exhaust the system: OpenMP ends
/// the program then.
#define SHERRY_ABI_MAX_THREADS (1 << 10)
/// Most bytes of the description of a model, which has its chat template.
#define SHERRY_ABI_MAX_METADATA (1 << 24)
/// Most bytes of tokenizer.json.
#define SHERRY_ABI_MAX_TOKENIZER (1 << 26)

#endif // SHERRY_ABI_LIMITS_H
