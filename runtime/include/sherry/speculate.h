/*===- speculate.h - More tokens for a read of the weights ------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Drafts of tokens: guesses of the tokens that follow, which the caller
// compares with the logits. They make answers faster and change no token. The
// rules of sherry.h hold.
//
//===----------------------------------------------------------------------===*/
#ifndef SHERRY_SPECULATE_H
#define SHERRY_SPECULATE_H

#include "sherry/sherry.h"

#ifdef __cplusplus
extern "C" {
#endif

// Several tokens for one read of the weights: evaluate the token that was
// picked last together with a draft of the next tokens, with SHERRY_LOGITS_ALL,
// and pick tokens from the logits in order. A token of the draft is accepted if
// it equals the picked token. After the first token that is not accepted, drop
// the rest with sherry_context_truncate(). Logits do not depend on the tokens
// that are evaluated together, so the picked tokens are the same as without
// drafts.

/// A text of tokens, which it continues with drafts. If the end of the text has
/// occurred before, the draft repeats the tokens that followed then. If the
/// text repeats a part of itself, but for some tokens that it has replaced by
/// as many others, the draft goes on with this part. For one thread at a time.
typedef struct sherry_drafter sherry_drafter;

/// Returns null on error.
sherry_drafter *sherry_drafter_create(void);
/// Null is ignored.
void sherry_drafter_destroy(sherry_drafter *drafter);

/// Appends `n_tokens` tokens to the text. Time and memory are linear in the
/// length of the text, about 100 bytes for a token. Returns 0, or -1 on error.
int sherry_drafter_push(sherry_drafter *drafter, const int32_t *tokens,
                        int64_t n_tokens);

/// Writes the `capacity` tokens that followed an earlier occurrence of the end
/// of the text to `tokens`. Returns how far to trust them: the number of tokens
/// of the longest end that has occurred before, or, behind replaced tokens, a
/// multiple of the tokens that are repeated again; 0 if the last token is new,
/// and nothing is written; -1 on error.
int64_t sherry_drafter_draft(const sherry_drafter *drafter, int32_t *tokens,
                             int64_t capacity);

#ifdef __cplusplus
}
#endif

#endif // SHERRY_SPECULATE_H
