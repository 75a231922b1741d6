//===- abi.h - Contract between a compiled model and its runtime -*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All that the compiler, the generated code and the runtime share. C11,
// freestanding. A compiled model is an ELF shared object that
//
//  * exports one function, SHERRY_ABI_QUERY_SYMBOL of type
//    sherry_abi_query_fn, which returns a table with static lifetime;
//  * needs nothing: no undefined symbol, no library, no constructor;
//  * carries its weights in the section SHERRY_ABI_WEIGHTS_SECTION, which is
//    page-aligned in the file, not loaded with the code, and mapped read-only
//    by the runtime;
//  * carries checksums of itself in the section SHERRY_ABI_CHECKSUM_SECTION,
//    which is not loaded either.
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_ABI_ABI_H
#define SHERRY_ABI_ABI_H

#include "sherry-abi/limits.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Raised whenever anything below changes its meaning or its place. The first
/// two fields of sherry_abi_model never move, so that every runtime can name
/// the version it refuses.
#define SHERRY_ABI_VERSION 3u

/// A cache has room for a multiple of so many positions.
#define SHERRY_ABI_CONTEXT_MULTIPLE 16
#define SHERRY_ABI_QUERY_SYMBOL "sherry_model_query"
#define SHERRY_ABI_WEIGHTS_SECTION ".sherry.weights"
#define SHERRY_ABI_CHECKSUM_SECTION ".sherry.checksum"

/// Alignment in bytes of the weights section in the file, and of the weights,
/// kv_cache and workspace pointers that an entry point is given.
#define SHERRY_ABI_WEIGHTS_ALIGNMENT 4096
#define SHERRY_ABI_BUFFER_ALIGNMENT 64

/// One thread's view of the team that executes a forward call together. Every
/// thread of the team calls the entry point with the same arguments but its
/// own sherry_abi_team.
typedef struct sherry_abi_team {
  /// Returns once all n_threads threads of the team have called it; memory
  /// written by any of them before is then visible to all. Never null. `step`
  /// is the index in the list "steps" of the model's description of the step
  /// that ends here, for profiles; -1 if it is none of them.
  void (*barrier)(const struct sherry_abi_team *self, int32_t step);
  /// For the owner of the team; generated code does not look at it.
  void *user;
  /// 0 <= thread < n_threads.
  int64_t thread;
  int64_t n_threads;
} sherry_abi_team;

/// Runs n_tokens tokens of one or more sequences through the model, in one
/// pass over the weights.
///
///  weights    start of the weights section
///  kv_cache   of each sequence, from number 0 on,
///             context * kv_bytes_per_position bytes
///  workspace  workspace_size bytes, contents irrelevant before and after
///  tokens     [n_tokens] ids, each in [0, vocab_size) (the caller checks)
///  positions  [n_tokens] positions, each in [0, context). What comes before a
///             token in its sequence is among the tokens of this call, in any
///             order, or was in an earlier one with this cache; no two tokens
///             of a call have the same place
///  sequences  [n_tokens] numbers of sequences, below SHERRY_ABI_MAX_SEQUENCES
///  logits     [n_logits][logits_stride] f32, written for the last n_logits
///             tokens; of each row the first vocab_size entries count
///  n_tokens   decode: 1; prefill: 1 .. max_block
///  n_logits   decode: 0 or 1; prefill: 0 .. n_tokens
///  context    capacity of a sequence in positions, a multiple of
///             SHERRY_ABI_CONTEXT_MULTIPLE
///
/// Allocates nothing and keeps no state: one mapped model serves any number
/// of contexts at once. All threads of the team return together.
typedef void (*sherry_abi_forward_fn)(const uint8_t *weights, uint8_t *kv_cache,
                                      uint8_t *workspace, const int32_t *tokens,
                                      const int32_t *positions,
                                      const int32_t *sequences, float *logits,
                                      int64_t n_tokens, int64_t n_logits,
                                      int64_t context,
                                      const sherry_abi_team *team);

typedef struct sherry_abi_model {
  uint32_t abi_version;
  uint32_t struct_size; ///< sizeof(sherry_abi_model)

  /// Bit i is set if the code needs the feature of bit i in cpu_features.def.
  uint64_t required_features;
  const char *target_cpu; ///< zero-terminated, for messages

  /// Model description: a JSON object in UTF-8, see docs/Pipeline.md.
  const char *metadata;
  uint64_t metadata_size; ///< at most SHERRY_ABI_MAX_METADATA

  uint64_t weights_size; ///< bytes of the weights section
  /// tokenizer.json as it was, inside the weights section; size 0: none, at
  /// most SHERRY_ABI_MAX_TOKENIZER.
  uint64_t tokenizer_offset;
  uint64_t tokenizer_size;

  uint64_t workspace_size;
  uint64_t kv_bytes_per_position; ///< of one sequence

  /// At most SHERRY_ABI_MAX_SIZE, like max_context.
  uint32_t vocab_size;
  uint32_t logits_stride; ///< >= vocab_size
  uint32_t max_context;   ///< largest `context` the model was made for
  /// Most tokens of one prefill call, at most SHERRY_ABI_MAX_BLOCK.
  uint32_t max_block;

  sherry_abi_forward_fn decode;
  sherry_abi_forward_fn prefill;
} sherry_abi_model;

typedef const sherry_abi_model *(*sherry_abi_query_fn)(void);

/// What the checksum section holds: CRC-32 as of zlib and gzip. A runtime
/// compares that of the code before it loads any.
typedef struct sherry_abi_checksum {
  uint32_t code;    ///< of the file without the contents of these two sections
  uint32_t weights; ///< of the contents of the weights section
} sherry_abi_checksum;

/// One bit per CPU feature, in the order of cpu_features.def.
enum sherry_abi_cpu_feature {
#define SHERRY_CPU_FEATURE(id, name, leaf, subleaf, reg, bit, state)           \
  SHERRY_CPU_##id,
#include "sherry-abi/x86/cpu_features.def"
#undef SHERRY_CPU_FEATURE
  SHERRY_CPU_FEATURE_COUNT
};

#ifdef __cplusplus
#define SHERRY_ABI_STATIC_ASSERT static_assert
#else
#define SHERRY_ABI_STATIC_ASSERT _Static_assert
#endif
SHERRY_ABI_STATIC_ASSERT(sizeof(void *) == 8, "x86-64 only");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_team) == 32, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_team, thread) == 16, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_model) == 112, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_model, weights_size) == 40,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_model, vocab_size) == 80,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_model, prefill) == 104,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_checksum) == 8, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(SHERRY_CPU_FEATURE_COUNT <= 64, "one bit each");

#ifdef __cplusplus
}
#endif

#endif // SHERRY_ABI_ABI_H
