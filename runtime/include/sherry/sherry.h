//===- sherry.h - Runs compiled models --------------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public interface of the runtime, for C and C++: open a compiled
// model, turn text into tokens, evaluate them in a context, pick the next
// token, turn tokens into text.
//
// Errors: the comment of a function that can fail gives the return value of a
// failure; sherry_error_message() gives the reason. Pointers must not be null
// unless the comment allows it, and need no more alignment than their types.
// Many threads may use a model at once; a context, sampler or text stream is
// for one thread at a time.
//
// Processes may fork while no call is under way. Parent and child then share
// the weights and have their own copies of everything else. In the child, each
// call by the thread that forked starts the other threads of a team anew, which
// takes about 0.1 ms; for a thread that the child has started, only the first
// call does.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_SHERRY_H
#define SHERRY_SHERRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version of the runtime, such as "0.2.0".
const char *sherry_version(void);

/// The reason why the last failed call of this thread failed. Valid until the
/// next failing call of this thread; never null.
const char *sherry_error_message(void);

/// The CPU features that a model may need and that this CPU and operating
/// system have, as LLVM spells them, separated by commas. On a CPU with AMX,
/// this function and sherry_model_open() ask Linux to let the process use AMX;
/// alternate signal stacks must then have room for the AMX tiles (about 11
/// KiB).
const char *sherry_cpu_features(void);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

typedef struct sherry_model sherry_model;

/// Where the weights of an open model lie.
typedef enum sherry_weights {
  /// In memory of this process, in huge pages if the system grants them.
  /// Reading is faster by half than from pages of a file, because the CPU
  /// prefetches only within a page.
  SHERRY_WEIGHTS_COPIED = 0,
  /// In the file, mapped read-only: loaded when used, and shared with every
  /// process that maps the file. If the file becomes shorter while the model is
  /// open, the system ends processes that use the model (SIGBUS).
  SHERRY_WEIGHTS_MAPPED
} sherry_weights;

/// Opens a compiled model. The file is checked before any of its code is
/// loaded, by a checksum of all except the weights. While the model is open,
/// the file may be removed, or replaced by another file of the same name as
/// sherry-compile does it; it must not be overwritten in place. As with every
/// shared object, the code in the file is trusted: open only files from sources
/// that you trust. Returns null on error.
sherry_model *sherry_model_open(const char *path, sherry_weights weights);

/// Contexts and text streams made from the model may be used after this call.
/// Null is ignored.
void sherry_model_close(sherry_model *model);

/// Reads all weights and compares them with their checksum. Returns 0, or -1 if
/// they are damaged. If the model is cut among ranks (ranks.h), all ranks call
/// this function, before sherry_model_follow(). If the weights of one rank are
/// damaged, the function returns -1 on all ranks, and later evaluations fail.
int sherry_model_verify(const sherry_model *model);
/// The checksums of the code and the weights, as stored in the file, in one
/// number. A saved sequence can be loaded only with a model that has the same
/// checksum.
uint64_t sherry_model_checksum(const sherry_model *model);

/// The model's description, a JSON object in zero-terminated UTF-8. Owned by
/// the model and valid as long as it.
const char *sherry_model_metadata(const sherry_model *model);

uint32_t sherry_model_vocab_size(const sherry_model *model);
uint32_t sherry_model_hidden_size(const sherry_model *model);
/// The most positions that a sequence can have.
uint32_t sherry_model_max_context(const sherry_model *model);
/// The most tokens that are evaluated in one pass over the weights.
uint32_t sherry_model_max_block(const sherry_model *model);
/// Sizes in bytes: of the weights, of the cache per position of a sequence, and
/// of the workspace of a context whose team has `threads` threads. 0 threads:
/// only what threads share; a team never has more than 1024.
uint64_t sherry_model_weights_size(const sherry_model *model);
uint64_t sherry_model_cache_size_per_position(const sherry_model *model);
uint64_t sherry_model_workspace_size(const sherry_model *model,
                                     uint32_t threads);

/// The token that begins a text (BOS); -1 if there is none.
int32_t sherry_model_bos_token(const sherry_model *model);
/// Whether `token` ends a text (EOS).
bool sherry_model_is_eos(const sherry_model *model, int32_t token);

//===----------------------------------------------------------------------===//
// Text and tokens
//===----------------------------------------------------------------------===//

/// Returns false if the model was compiled without a tokenizer; the functions
/// of this section then fail.
bool sherry_model_has_tokenizer(const sherry_model *model);

enum sherry_tokenize_flags {
  /// Begin with the BOS token if the texts of the model begin with it.
  SHERRY_TOKENIZE_BOS = 1,
  /// Turn names of special tokens in the text into these tokens. Without this
  /// flag they are text like any other; leave it out for text that you do not
  /// trust.
  SHERRY_TOKENIZE_SPECIAL = 2
};

/// Turns `size` bytes of text, valid UTF-8 or not, into tokens. Writes the
/// first `capacity` tokens to `tokens` and returns the number of all tokens, -1
/// on error (such as unknown flags). `tokens` may be null if `capacity` is 0.
int64_t sherry_tokenize(const sherry_model *model, const char *text,
                        size_t size, unsigned flags, int32_t *tokens,
                        int64_t capacity);

/// A part of a text: `size` bytes; `flags` is SHERRY_TOKENIZE_SPECIAL or 0.
typedef struct sherry_text_part {
  const char *text;
  size_t size;
  unsigned flags;
} sherry_text_part;

/// Turns a text that is given in parts into tokens, for example a chat, whose
/// parts are written by a template or by users. The tokens are those of the
/// whole text, except that a name becomes a special token only if it lies
/// wholly in one or more adjacent parts with SHERRY_TOKENIZE_SPECIAL. `flags`
/// is SHERRY_TOKENIZE_BOS or 0. Writes and returns as sherry_tokenize().
int64_t sherry_tokenize_parts(const sherry_model *model,
                              const sherry_text_part *parts, size_t n_parts,
                              unsigned flags, int32_t *tokens,
                              int64_t capacity);

/// The bytes of one token, with their number in `*size`: not zero-terminated,
/// not always whole characters. Owned by the model and valid as long as it.
/// Returns null on error.
const char *sherry_token_bytes(const sherry_model *model, int32_t token,
                               size_t *size);
/// Whether `token` is a special token, which has a meaning instead of a text,
/// such as the end of a text. False if the model has no such token.
bool sherry_token_is_special(const sherry_model *model, int32_t token);

/// Turns a stream of tokens into text. Each returned text ends at the end of a
/// character. Special tokens give no text.
typedef struct sherry_text_stream sherry_text_stream;

/// Returns null on error.
sherry_text_stream *sherry_text_stream_create(const sherry_model *model);
/// Null is ignored.
void sherry_text_stream_destroy(sherry_text_stream *stream);

/// Appends a token and returns the text that is complete now: zero-terminated,
/// owned by the stream and valid until the next call with it. Writes the size
/// of the text in bytes to `*size` unless `size` is null. Returns null on
/// error.
const char *sherry_text_stream_push(sherry_text_stream *stream, int32_t token,
                                    size_t *size);
/// Returns, in the same way, the bytes that were held back, of a character that
/// did not become complete. Returns null on error.
const char *sherry_text_stream_finish(sherry_text_stream *stream, size_t *size);

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// One or more sequences of tokens with their keys and values (the cache).
typedef struct sherry_context sherry_context;

/// In every field 0 stands for the default.
typedef struct sherry_context_options {
  /// The most positions of a sequence; default: the smaller of 4096 and
  /// sherry_model_max_context().
  uint32_t context;
  /// The most tokens that are evaluated in one pass over the weights; 1: one by
  /// one; default: sherry_model_max_block().
  uint32_t block;
  /// Threads; default: one per physical core that this process may use, or
  /// OMP_NUM_THREADS if it is less. The context uses no more threads than this
  /// process has processors, unless OMP_DYNAMIC is `false`, and no more than
  /// OMP_THREAD_LIMIT.
  uint32_t threads;
  /// Sequences that the context begins with, numbered from 0; default: 1, at
  /// most SHERRY_MAX_SEQUENCES.
  uint32_t sequences;
  /// Pages, of SHERRY_PAGE_POSITIONS positions each, for all sequences
  /// together; default: enough for `sequences` full sequences. A page takes
  /// memory from its first use on.
  uint32_t pages;
} sherry_context_options;

/// `options` may be null. Returns null on error.
sherry_context *sherry_context_create(const sherry_model *model,
                                      const sherry_context_options *options);
/// Null is ignored.
void sherry_context_destroy(sherry_context *context);

/// The most positions of a sequence, tokens of a block, and threads of the
/// context.
uint32_t sherry_context_size(const sherry_context *context);
uint32_t sherry_context_block(const sherry_context *context);
uint32_t sherry_context_threads(const sherry_context *context);
/// A number that is larger than those of all sequences; some smaller numbers
/// may be free.
uint32_t sherry_context_sequences(const sherry_context *context);
/// The number of pages of the context, and of those that no sequence holds.
uint32_t sherry_context_pages(const sherry_context *context);
uint32_t sherry_context_free_pages(const sherry_context *context);
/// The number of tokens of a sequence; 0 if there is no such sequence.
uint32_t sherry_context_position(const sherry_context *context,
                                 uint32_t sequence);

/// Keeps the first `position` tokens of a sequence and drops the rest. Returns
/// 0, or -1 if the sequence has fewer tokens or does not exist.
int sherry_context_truncate(sherry_context *context, uint32_t sequence,
                            uint32_t position);

// A sequence holds the pages that its tokens need. Forks share pages; a shared
// page is copied before a sequence writes to it. Functions that return the
// number of a sequence return -1 on error, for example if the context already
// has SHERRY_MAX_SEQUENCES.

enum {
  SHERRY_PAGE_POSITIONS = 64,  ///< of a page
  SHERRY_MAX_SEQUENCES = 1024, ///< of a context
};

/// Creates a sequence without tokens. Returns its number, the lowest that is
/// free.
int64_t sherry_sequence_create(sherry_context *context);
/// Drops a sequence: frees its number and the pages that no other sequence
/// holds. Returns 0, or -1 if there is no such sequence.
int sherry_sequence_drop(sherry_context *context, uint32_t sequence);
/// Creates a sequence of the first `position` tokens of another one, without
/// computing or copying anything. Returns its number.
int64_t sherry_sequence_fork(sherry_context *context, uint32_t sequence,
                             uint32_t position);
/// Writes the first `capacity` tokens of a sequence to `tokens`. Returns the
/// number of all its tokens, -1 on error. `tokens` may be null if `capacity` is
/// 0.
int64_t sherry_sequence_tokens(const sherry_context *context, uint32_t sequence,
                               int32_t *tokens, int64_t capacity);

/// Writes a sequence to the file `path`: tokens, keys and values, with their
/// checksum and the model's. The last page is written as a whole, so keys and
/// values of dropped tokens may be in the file. Returns 0, or -1 on error; an
/// old file of this name then stays as it was.
int sherry_sequence_save(const sherry_context *context, uint32_t sequence,
                         const char *path);
/// Creates a sequence from a file of sherry_sequence_save(); its further logits
/// are bit for bit those of the saved sequence. Returns its number, or -1 if
/// the file is damaged, is of another model or another version of the ABI, or
/// does not fit.
int64_t sherry_sequence_load(sherry_context *context, const char *path);

/// The evaluated tokens after which logits are computed, or instead of logits
/// the hidden states after the last norm, the inputs of the head.
enum sherry_logits {
  SHERRY_LOGITS_NONE,
  SHERRY_LOGITS_LAST,
  SHERRY_LOGITS_ALL,
  SHERRY_HIDDEN_LAST,
  SHERRY_HIDDEN_ALL
};

/// Receives the logits [vocab_size], or hidden states [hidden_size], after
/// token `index` of the evaluation, in order. `logits` is valid during the
/// callback. Until the evaluation returns, the context is in use: it must not
/// be destroyed, functions that change it fail, and functions that read it see
/// the state before the evaluation.
typedef void (*sherry_logits_fn)(void *user, int64_t index,
                                 const float *logits);

/// Appends `n_tokens` tokens to sequence 0. `on_logits` may be null; `user` is
/// passed to it. Returns 0, or -1 on error (a token or a value of `logits` that
/// does not exist, a full context); the sequence is then as it was. A stack of
/// 64 KiB is enough for this thread (plus the needs of `on_logits`) and for the
/// threads of OpenMP (OMP_STACKSIZE).
int sherry_eval(sherry_context *context, const int32_t *tokens,
                int64_t n_tokens, enum sherry_logits logits,
                sherry_logits_fn on_logits, void *user);

/// Tokens [n_tokens] to be appended to a sequence.
typedef struct sherry_batch_entry {
  uint32_t sequence;
  enum sherry_logits logits;
  const int32_t *tokens;
  int64_t n_tokens;
} sherry_batch_entry;

/// Receives the logits [vocab_size], or hidden states [hidden_size], after
/// token `index` of entry `entry`, in order within an entry. `logits` is valid
/// during the callback; if all entries together have at most
/// sherry_context_block() tokens, it is valid until the next evaluation with
/// the context, or until the context is destroyed. The context is in use, as
/// with sherry_logits_fn.
typedef void (*sherry_batch_logits_fn)(void *user, int64_t entry, int64_t index,
                                       const float *logits);

/// Evaluates the tokens of several sequences together: the weights are read
/// once for each block of tokens. Each sequence may occur once. `on_logits` may
/// be null; `user` is passed to it. Returns 0, or -1 on error; all sequences
/// are then as they were.
int sherry_eval_batch(sherry_context *context,
                      const sherry_batch_entry *entries, int64_t n_entries,
                      sherry_batch_logits_fn on_logits, void *user);

/// The logits [vocab_size] that were computed last (with sherry_eval() the
/// logits after the last token), owned by the context and valid until the next
/// call that changes it. Null if the last such call computed no logits.
const float *sherry_context_logits(const sherry_context *context);

/// Is called between the blocks of an evaluation; false ends the evaluation.
typedef bool (*sherry_block_fn)(void *user);

/// Calls `function` between the blocks of all later evaluations. If it returns
/// false, the evaluation fails, and all sequences are as they were. Null:
/// evaluations always go on.
void sherry_context_on_block(sherry_context *context, sherry_block_fn function,
                             void *user);

//===----------------------------------------------------------------------===//
// Sampling
//===----------------------------------------------------------------------===//

typedef struct sherry_sampler sherry_sampler;

/// A number that is added to the logit of a token; -INFINITY forbids the token.
typedef struct sherry_logit_bias {
  int32_t token;
  float bias;
} sherry_logit_bias;

/// Biases and penalties are applied first, then temperature, top_k, top_p,
/// min_p and typical_p in this order, as in Hugging Face transformers. For the
/// fields after `seed`, 0 means off.
typedef struct sherry_sampler_options {
  float temperature; ///< 0: always the most likely token
  uint32_t top_k;    ///< keep the k most likely tokens; 0: all
  float top_p; ///< keep the fewest tokens that reach this probability; 1: all
  uint64_t seed;
  /// Keep tokens whose probability is at least this fraction of the probability
  /// of the most likely token.
  float min_p;
  /// Keep the fewest tokens that reach this probability, beginning with the
  /// tokens whose information is closest to the mean (arXiv 2202.00666).
  float typical_p;
  // Penalties apply to the last penalty_last_n accepted tokens.
  /// Divides logits above 0 and multiplies logits below 0 (arXiv 1909.05858).
  float repetition_penalty;
  float presence_penalty;          ///< subtracted from the logit
  float frequency_penalty;         ///< subtracted once per occurrence
  uint32_t penalty_last_n;         ///< 0: 64
  const sherry_logit_bias *biases; ///< need not outlive the call
  size_t n_biases;
} sherry_sampler_options;

/// Returns null on error (a temperature below 0, a top_p, min_p or typical_p
/// outside [0, 1], a top_p of 0, penalties that are not finite).
sherry_sampler *sherry_sampler_create(const sherry_sampler_options *options);
/// Copies a sampler: the copy picks the same tokens as the original would from
/// here on. Returns null on error.
sherry_sampler *sherry_sampler_copy(const sherry_sampler *sampler);
/// Null is ignored.
void sherry_sampler_destroy(sherry_sampler *sampler);

/// Picks a token by the logits [n]. The same seed gives the same tokens. Tokens
/// whose logits are -INFINITY are impossible. Returns -1 if all tokens are
/// impossible, or if a logit is NaN because activations of the model left the
/// range of a type; sherry_error_message() then says how to compile the model.
int32_t sherry_sample(sherry_sampler *sampler, const float *logits, uint32_t n);
/// Picks, like sherry_sample(), among the tokens whose bits are set in `mask`
/// [(n + 31) / 32]: the bit of token t is bit t % 32 of mask[t / 32]. Null: all
/// tokens.
int32_t sherry_sample_masked(sherry_sampler *sampler, const float *logits,
                             uint32_t n, const uint32_t *mask);
/// Tells the sampler a token of the text, for the penalties: one of the prompt,
/// or one that was picked. A `token` of -1 makes the sampler forget all tokens.
/// Returns 0, or -1 on error.
int sherry_sampler_accept(sherry_sampler *sampler, int32_t token);

#ifdef __cplusplus
}
#endif

#endif // SHERRY_SHERRY_H
