//===- limits.h - Bounds of compiled models -----------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds of compiled models. The compiler refuses larger values with the name
// of the option or file, so that no runtime meets them; the runtime checks the
// same bounds, because files can be damaged. C11, freestanding.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ABI_LIMITS_H
#define SHERRY_ABI_LIMITS_H

/// Largest size of a model: entries of the vocabulary, positions of a context,
/// columns of a matrix. Products of two fit 64 bits.
#define SHERRY_ABI_MAX_SIZE (1 << 24)
/// Most tokens of a prefill call. The workspace grows with it.
#define SHERRY_ABI_MAX_BLOCK (1 << 13)
/// Most bytes of stack that an entry point of any model takes, without the
/// stack of `take`.
#define SHERRY_ABI_MAX_STACK (1 << 15)
/// Most bytes of the workspace that threads share, and of the part of one
/// thread.
#define SHERRY_ABI_MAX_WORKSPACE (1ull << 48)
/// Most entry points of a model.
#define SHERRY_ABI_MAX_ENTRIES 16
/// Most ranks that a model is cut among.
#define SHERRY_ABI_MAX_RANKS 64
/// Most sequences of a call, and of a context.
#define SHERRY_ABI_MAX_SEQUENCES (1 << 10)
/// Most threads of a context. With more, the system may run out of threads, and
/// OpenMP then ends the program.
#define SHERRY_ABI_MAX_THREADS (1 << 10)
/// Most bytes of the description of a model, which includes its chat template.
#define SHERRY_ABI_MAX_METADATA (1 << 24)
/// Most matrices that the description of a model lists.
#define SHERRY_ABI_MAX_MATRICES (1 << 10)
/// Most bytes of tokenizer.json.
#define SHERRY_ABI_MAX_TOKENIZER (1 << 26)

#endif // SHERRY_ABI_LIMITS_H
