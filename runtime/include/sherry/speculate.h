/*===- speculate.h - More tokens for a read of the weights ------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Guesses that change no token: what is guessed is compared with the logits of
// sherry.h, whose functions and rules these go with.
//
//===----------------------------------------------------------------------===*/
#ifndef SHERRY_SPECULATE_H
#define SHERRY_SPECULATE_H

#include "sherry/sherry.h"

#ifdef __cplusplus
extern "C" {
#endif

// Several tokens for one read of the weights: evaluate the token that was
// picked last and a draft of those that may follow, with SHERRY_LOGITS_ALL,
// and pick from the logits in order. A token of the draft is accepted if it is
// the one that was picked; after the first that is not,
// sherry_context_truncate() drops the rest. Logits do not depend on what is
// evaluated together, so the tokens are those that one by one gives.

/// A text of tokens, of which it drafts how it may go on: as it did after an
/// earlier place like its end. For one thread at a time.
typedef struct sherry_drafter sherry_drafter;

/// Returns null on error.
sherry_drafter *sherry_drafter_create(void);
/// Null is ignored.
void sherry_drafter_destroy(sherry_drafter *drafter);

/// Appends tokens to the text. Time and memory are linear in its length, about
/// 100 bytes for a token. Returns 0, or -1 on error.
int sherry_drafter_push(sherry_drafter *drafter, const int32_t *tokens,
                        int64_t n_tokens);

/// Finds the longest suffix of the text that has occurred before, and writes
/// `capacity` tokens that may follow as they followed there. Returns how many
/// tokens the suffix has; 0: the last token is new, and nothing is written. -1
/// on error.
int64_t sherry_drafter_draft(const sherry_drafter *drafter, int32_t *tokens,
                             int64_t capacity);

#ifdef __cplusplus
}
#endif

#endif // SHERRY_SPECULATE_H
