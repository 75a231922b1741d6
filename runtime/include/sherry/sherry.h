//===- sherry.h - Runs compiled models --------------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public interface of the runtime, for C and C++: open a compiled
// model, turn text into tokens, evaluate them in a context, pick the next
// token, turn tokens into text.
//
// Errors: a function that can fail says what it returns then;
// sherry_error_message() tells why. Pointers must not be null unless it says
// so, and need the alignment of their types alone. A model may be used by many
// threads at once; contexts, samplers and text streams by one thread at a time
// each.
//
// Processes may fork when no call is under way; parent and child then have each
// their own of everything, and the weights in common. In the child, calls by
// the thread that forked start the other threads of a team anew, about 0.1 ms
// each time; calls by threads that it has started do so once.
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

/// Version of the runtime, such as "0.1.0".
const char *sherry_version(void);

/// What went wrong in the last call of this thread that failed. Valid until the
/// next failing call of this thread; never null.
const char *sherry_error_message(void);

/// The features of this CPU and operating system that a model can need, as LLVM
/// spells them, separated by commas. Where there is AMX, this call, and opening
/// a model, asks Linux for its use by the process; alternate signal stacks must
/// then have room for the tiles (about 11 KiB).
const char *sherry_cpu_features(void);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

typedef struct sherry_model sherry_model;

/// Where the weights of an open model lie.
typedef enum sherry_weights {
  /// In memory of this process, in huge pages if the system grants them. Faster
  /// by half than pages of a file, because the CPU prefetches within pages.
  SHERRY_WEIGHTS_COPIED = 0,
  /// In the file, mapped read-only: loaded when used, and shared with every
  /// process that maps the file. Should the file become shorter while the model
  /// is open, the system ends a process that uses it (SIGBUS).
  SHERRY_WEIGHTS_MAPPED
} sherry_weights;

/// Opens a compiled model. The file is checked before any of its code is
/// loaded, all but the weights by a checksum. While the model is open, the file
/// may be replaced by another of its name, as sherry-compile does it, and
/// removed, but not overwritten in place. As with every shared object, the code
/// in it is trusted: open files from sources that you trust. Returns null on
/// error.
sherry_model *sherry_model_open(const char *path, sherry_weights weights);

/// Contexts and streams made from the model may outlive this call. Null is
/// ignored.
void sherry_model_close(sherry_model *model);

/// Reads all weights and compares them with their checksum. Returns 0, or -1 if
/// they are damaged. Of a model that is cut among ranks (ranks.h), all ranks
/// call it before others than rank 0 follow; all get -1 if the weights of one
/// are damaged, and can evaluate nothing then.
int sherry_model_verify(const sherry_model *model);
/// The checksums that the model was written with, of its code and its weights:
/// sequences are saved for models with the same ones.
uint64_t sherry_model_checksum(const sherry_model *model);

/// The model's description, a JSON object in zero-terminated UTF-8. Lives as
/// long as the model.
const char *sherry_model_metadata(const sherry_model *model);

uint32_t sherry_model_vocab_size(const sherry_model *model);
uint32_t sherry_model_hidden_size(const sherry_model *model);
/// Most positions of a context.
uint32_t sherry_model_max_context(const sherry_model *model);
/// Most tokens that are evaluated in one go.
uint32_t sherry_model_max_block(const sherry_model *model);
/// Bytes of the weights, of a context's cache per position and of a context's
/// workspace.
uint64_t sherry_model_weights_size(const sherry_model *model);
uint64_t sherry_model_cache_size_per_position(const sherry_model *model);
uint64_t sherry_model_workspace_size(const sherry_model *model);

/// The token that begins a text, -1 if there is none.
int32_t sherry_model_bos_token(const sherry_model *model);
/// Whether a text ends with `token`.
bool sherry_model_is_eos(const sherry_model *model, int32_t token);

//===----------------------------------------------------------------------===//
// Text and tokens
//===----------------------------------------------------------------------===//

/// False: the model was compiled without a tokenizer, and the functions of this
/// part fail.
bool sherry_model_has_tokenizer(const sherry_model *model);

enum sherry_tokenize_flags {
  /// Begin with the BOS token if the model's texts do.
  SHERRY_TOKENIZE_BOS = 1,
  /// Take the names of special tokens in the text as these tokens. Without it
  /// they are text like any other: right for text from strangers.
  SHERRY_TOKENIZE_SPECIAL = 2
};

/// Turns `size` bytes of text, UTF-8 or not, into tokens: writes the first
/// `capacity` of them to `tokens` and returns how many there are, -1 on error
/// (such as unknown flags).
/// `tokens` may be null if `capacity` is 0.
int64_t sherry_tokenize(const sherry_model *model, const char *text,
                        size_t size, unsigned flags, int32_t *tokens,
                        int64_t capacity);

/// A part of a text; `flags` is SHERRY_TOKENIZE_SPECIAL or 0.
typedef struct sherry_text_part {
  const char *text;
  size_t size;
  unsigned flags;
} sherry_text_part;

/// The same of a text that is given in parts, such as a chat with what its
/// template and what its users write: the tokens are those of the whole text,
/// but a name is a special token only where all of it lies in neighbouring
/// parts with SHERRY_TOKENIZE_SPECIAL. `flags` is SHERRY_TOKENIZE_BOS or 0.
int64_t sherry_tokenize_parts(const sherry_model *model,
                              const sherry_text_part *parts, size_t n_parts,
                              unsigned flags, int32_t *tokens,
                              int64_t capacity);

/// The bytes of one token, not zero-terminated, not always whole characters.
/// They live as long as the model. Returns null on error.
const char *sherry_token_bytes(const sherry_model *model, int32_t token,
                               size_t *size);

/// Whether a token has a meaning rather than a text, such as one that ends
/// texts; false if there is no such token.
bool sherry_token_is_special(const sherry_model *model, int32_t token);

/// Joins tokens to text piece by piece, such that each piece ends at the end of
/// a character. Special tokens give no text.
typedef struct sherry_text_stream sherry_text_stream;

/// Returns null on error.
sherry_text_stream *sherry_text_stream_create(const sherry_model *model);
/// Null is ignored.
void sherry_text_stream_destroy(sherry_text_stream *stream);

/// Appends a token and returns the text that is complete now, zero-terminated
/// and valid until the next call with this stream, with its size in bytes in
/// `*size` unless that is null. Returns null on error.
const char *sherry_text_stream_push(sherry_text_stream *stream, int32_t token,
                                    size_t *size);

/// Returns, in the same way, what was held back: the bytes of a character that
/// never became complete. Returns null on error.
const char *sherry_text_stream_finish(sherry_text_stream *stream, size_t *size);

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// One or more sequences of tokens and the model's memory of them.
typedef struct sherry_context sherry_context;

/// 0 stands for the default everywhere.
typedef struct sherry_context_options {
  /// Positions of each sequence; default: the smaller of 4096 and the model's
  /// maximum.
  uint32_t context;
  /// Most tokens evaluated in one go; 1: one by one; default: the model's
  /// maximum.
  uint32_t block;
  /// Threads; default: one per physical core that this process may use, or
  /// OMP_NUM_THREADS if that is less. No more are used than this process has
  /// processors, unless OMP_DYNAMIC is `false`, and no more than
  /// OMP_THREAD_LIMIT.
  uint32_t threads;
  /// Sequences that there are at the start, numbered from 0; default: 1, at
  /// most SHERRY_MAX_SEQUENCES.
  uint32_t sequences;
  /// Pages of SHERRY_PAGE_POSITIONS for all sequences together; default: what
  /// `sequences` full ones need. A page takes memory when it is used first.
  uint32_t pages;
} sherry_context_options;

/// `options` may be null. Returns null on error.
sherry_context *sherry_context_create(const sherry_model *model,
                                      const sherry_context_options *options);
/// Null is ignored.
void sherry_context_destroy(sherry_context *context);

/// Capacity of a sequence in positions.
uint32_t sherry_context_size(const sherry_context *context);
uint32_t sherry_context_block(const sherry_context *context);
uint32_t sherry_context_threads(const sherry_context *context);
/// All sequences have lower numbers; some numbers may be free.
uint32_t sherry_context_sequences(const sherry_context *context);
/// Pages of the context, and those of them that no sequence holds.
uint32_t sherry_context_pages(const sherry_context *context);
uint32_t sherry_context_free_pages(const sherry_context *context);
/// How many tokens a sequence has; 0 if there is no such sequence.
uint32_t sherry_context_position(const sherry_context *context,
                                 uint32_t sequence);

/// Drops all tokens of a sequence but the first `position`. Returns 0, or -1 if
/// it has fewer or does not exist.
int sherry_context_truncate(sherry_context *context, uint32_t sequence,
                            uint32_t position);

// A sequence holds the pages that its tokens need. Forks share pages; a page
// that is shared is copied when a sequence is about to write to it. Functions
// that return a number return -1 on error, such as when there are no more
// sequences.

enum {
  SHERRY_PAGE_POSITIONS = 64,  ///< of a page
  SHERRY_MAX_SEQUENCES = 1024, ///< of a context
};

/// A new sequence without tokens. Returns its number, the lowest that is free.
int64_t sherry_sequence_create(sherry_context *context);
/// Gives back the pages that only this sequence holds, and its number. Returns
/// 0, or -1 if there is no such sequence.
int sherry_sequence_drop(sherry_context *context, uint32_t sequence);
/// A new sequence of the first `position` tokens of another, without computing
/// or copying anything. Returns its number.
int64_t sherry_sequence_fork(sherry_context *context, uint32_t sequence,
                             uint32_t position);
/// Writes the first `capacity` tokens of a sequence to `tokens`; returns how
/// many it has. `tokens` may be null if `capacity` is 0.
int64_t sherry_sequence_tokens(const sherry_context *context, uint32_t sequence,
                               int32_t *tokens, int64_t capacity);

/// Writes a sequence to a file: tokens, keys and values, with their checksum
/// and that of the model; the last page as it is, with what tokens that were
/// dropped left in it. Returns 0, or -1 on error; a file of this name is
/// then as it was.
int sherry_sequence_save(const sherry_context *context, uint32_t sequence,
                         const char *path);
/// A new sequence from such a file; its logits continue bit for bit as those of
/// the one that was saved. Returns its number; -1 if the file is damaged, of
/// another model or another version of the ABI, or does not fit.
int64_t sherry_sequence_load(sherry_context *context, const char *path);

/// For which of the evaluated tokens logits are computed, or instead of them
/// hidden states: what the head would make logits of, after the last norm.
enum sherry_logits {
  SHERRY_LOGITS_NONE,
  SHERRY_LOGITS_LAST,
  SHERRY_LOGITS_ALL,
  SHERRY_HIDDEN_LAST,
  SHERRY_HIDDEN_ALL
};

/// Receives the logits [vocab_size], or hidden states [hidden_size], after
/// token `index` of the call, in order. They are valid during the call. Until
/// the evaluation returns, the context is in use: it must not be destroyed,
/// functions that change it fail, and the others see it as it was.
typedef void (*sherry_logits_fn)(void *user, int64_t index,
                                 const float *logits);

/// Appends `n_tokens` tokens to sequence 0. `on_logits` may be null. Returns 0,
/// or -1 on error (a token or a value of `logits` that does not exist, a full
/// context); the sequence is then as it was. A stack of 64 KiB is enough for
/// this thread (without what `on_logits` takes) and for those of OpenMP
/// (OMP_STACKSIZE).
int sherry_eval(sherry_context *context, const int32_t *tokens,
                int64_t n_tokens, enum sherry_logits logits,
                sherry_logits_fn on_logits, void *user);

/// Tokens that are appended to a sequence.
typedef struct sherry_batch_entry {
  uint32_t sequence;
  enum sherry_logits logits;
  const int32_t *tokens;
  int64_t n_tokens;
} sherry_batch_entry;

/// Receives the logits [vocab_size], or hidden states [hidden_size], after
/// token `index` of entry `entry`, those of an entry in order. They are valid
/// during the call; where all entries together have no more tokens than a block
/// of the context, until the next evaluation by the context, or its end. The
/// context is in use, as with sherry_logits_fn.
typedef void (*sherry_batch_logits_fn)(void *user, int64_t entry, int64_t index,
                                       const float *logits);

/// Evaluates the tokens of several sequences together: the weights are read
/// once for as many tokens as a block has. Each sequence may occur once.
/// `on_logits` may be null. Returns 0, or -1 on error; all sequences are then
/// as they were.
int sherry_eval_batch(sherry_context *context,
                      const sherry_batch_entry *entries, int64_t n_entries,
                      sherry_batch_logits_fn on_logits, void *user);

/// The logits [vocab_size] that were computed last, with sherry_eval those
/// after the last token, valid until the next call that changes the context;
/// null if the last such call computed none.
const float *sherry_context_logits(const sherry_context *context);

/// Is asked between the blocks of an evaluation, whether it goes on.
typedef bool (*sherry_block_fn)(void *user);

/// Lets `function` decide, from the next evaluation on, whether evaluations go
/// on after each block of tokens; they fail where it returns false, and all
/// sequences are then as they were. Null: they go on.
void sherry_context_on_block(sherry_context *context, sherry_block_fn function,
                             void *user);

//===----------------------------------------------------------------------===//
// Sampling
//===----------------------------------------------------------------------===//

typedef struct sherry_sampler sherry_sampler;

/// What is added to the logit of a token; -INFINITY forbids it.
typedef struct sherry_logit_bias {
  int32_t token;
  float bias;
} sherry_logit_bias;

/// Biases and penalties come first, then temperature, top_k, top_p, min_p and
/// typical_p in this order, as in Hugging Face transformers. What follows the
/// seed is off at 0.
typedef struct sherry_sampler_options {
  float temperature; ///< 0: always the most likely token
  uint32_t top_k;    ///< keep the k most likely tokens; 0: all
  float top_p; ///< keep the fewest tokens that reach this probability; 1: all
  uint64_t seed;
  /// Keep tokens with this part of the probability of the most likely one.
  float min_p;
  /// Keep the fewest tokens that reach this probability, beginning with those
  /// whose information is closest to the mean (arXiv 2202.00666).
  float typical_p;
  // Of the last penalty_last_n tokens that were accepted:
  /// divides logits above 0 and multiplies those below (arXiv 1909.05858);
  float repetition_penalty;
  float presence_penalty;          ///< is subtracted from the logit
  float frequency_penalty;         ///< is subtracted once per occurrence
  uint32_t penalty_last_n;         ///< 0: 64
  const sherry_logit_bias *biases; ///< need not outlive the call
  size_t n_biases;
} sherry_sampler_options;

/// Returns null on error (a temperature below 0, a part outside [0, 1], top_p
/// of 0, penalties that are not finite).
sherry_sampler *sherry_sampler_create(const sherry_sampler_options *options);
/// One that will pick as this one would from here on. Returns null on error.
sherry_sampler *sherry_sampler_copy(const sherry_sampler *sampler);
/// Null is ignored.
void sherry_sampler_destroy(sherry_sampler *sampler);

/// Picks a token by its logits [n]. The same seed gives the same tokens. Tokens
/// whose logits are -INFINITY are impossible. Returns -1 if all are, or if a
/// logit is NaN, as those of a model whose activations leave the range of a
/// type are; sherry_error_message() then says how to compile it.
int32_t sherry_sample(sherry_sampler *sampler, const float *logits, uint32_t n);

/// The same among the tokens whose bits are set in `mask`, of which token t is
/// bit t % 32 of number t / 32: the others are impossible. Null: all.
int32_t sherry_sample_masked(sherry_sampler *sampler, const float *logits,
                             uint32_t n, const uint32_t *mask);

/// Tells the sampler of a token of the text, for the penalties: of a prompt,
/// and of what was picked. Forgets all of them with a `token` of -1. Returns 0,
/// or -1 on error.
int sherry_sampler_accept(sherry_sampler *sampler, int32_t token);

#ifdef __cplusplus
}
#endif

#endif // SHERRY_SHERRY_H
