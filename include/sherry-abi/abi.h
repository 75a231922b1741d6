//===- abi.h - Contract between a compiled model and its runtime -*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interface between the compiler, the generated code and the runtime. C11,
// freestanding. A compiled model is an ELF shared object that
//
//  * exports one function, SHERRY_ABI_QUERY_SYMBOL of type
//    sherry_abi_query_fn, which returns a table with static lifetime;
//  * needs nothing: no undefined symbol, no library, no constructor;
//  * carries its weights in the section SHERRY_ABI_WEIGHTS_SECTION, which is
//    aligned to 64 KiB in the file, not loaded with the code, and mapped
//    read-only by the runtime;
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

/// Raised whenever anything below changes its meaning or offset.
/// docs/Pipeline.md lists the versions. The first two fields of
/// sherry_abi_model never move, so that every runtime can name the version
/// that it refuses.
#define SHERRY_ABI_VERSION 7u

/// Positions in a page of the cache.
#define SHERRY_ABI_PAGE_POSITIONS 64
#define SHERRY_ABI_QUERY_SYMBOL "sherry_model_query"
#define SHERRY_ABI_WEIGHTS_SECTION ".sherry.weights"
#define SHERRY_ABI_CHECKSUM_SECTION ".sherry.checksum"

/// Alignment in bytes of the weights section in the file and of the segments of
/// the code, so that systems with pages of up to 64 KiB can map them.
#define SHERRY_ABI_WEIGHTS_ALIGNMENT 65536
/// Alignment in bytes of the pointers to weights, pages and workspace that an
/// entry point gets.
#define SHERRY_ABI_BUFFER_ALIGNMENT 64

/// Iterations [begin, end) of a step; no iteration if begin = end.
typedef struct sherry_abi_range {
  int64_t begin, end;
} sherry_abi_range;

/// The environment of one thread of the team that computes a call. Every thread
/// of the team calls the entry point with the same arguments, except for its
/// own environment. New fields are only added at the end.
///
/// A call is a sequence of steps, the same for all threads. A step has a number
/// of independent iterations; any thread may run any of them. A step ends when
/// all its iterations have ended, whichever threads ran them. A thread that
/// comes to an ended step goes on to the next.
typedef struct sherry_abi_environment {
  /// Bytes of this struct that the runtime has filled in, at least the
  /// environment_size of the model.
  uint64_t size;
  /// Returns a range of the iterations [0, count) of the step that no thread
  /// has taken yet. The thread runs the whole range and calls `take` again. An
  /// empty range says that the step has ended: the writes of its iterations, on
  /// all threads, are visible, and the next call of `take` is for the next
  /// step. Never null. `step` is the index in the list "steps" of the model's
  /// description, for profiles; -1 if the step is not in the list. Ranges begin
  /// and end at multiples of `grain` if this suits the team; 0 says that the
  /// step takes about as long as a call of `take`. All calls for a step have
  /// the same `step`, `count` and `grain`.
  sherry_abi_range (*take)(const struct sherry_abi_environment *self,
                           int32_t step, int64_t count, int64_t grain);
  /// For the owner of the team; generated code does not use it.
  void *user;
  /// The number of the thread, 0 <= thread < n_threads, and of its part of the
  /// workspace. The threads of a call have different numbers.
  int64_t thread;
  /// For the owner of the team; generated code does not use it.
  int64_t n_threads;
  /// For a model that is cut among ranks, processes that make the same calls:
  /// copies the `bytes` bytes at `mine` of all ranks, in the order of their
  /// numbers, to `all`. All ranks make the same exchanges with the same sizes,
  /// each in the only iteration of a step, on any thread. After a failure the
  /// contents of `all` are undefined. Null for models of one rank.
  void (*exchange)(const struct sherry_abi_environment *self, const void *mine,
                   void *all, int64_t bytes);
  /// 0 <= rank < n_ranks of the model.
  int64_t rank;
} sherry_abi_environment;

/// Runs n_tokens tokens of one or more sequences through the model, in one
/// pass over the weights.
///
///  weights     start of the weights section
///  pages       the cache: page k begins at byte k * page size, where a page is
///              SHERRY_ABI_PAGE_POSITIONS * kv_bytes_per_position bytes
///  page_table  [sequences][table_stride] numbers of pages: position p of a
///              sequence is in the page of entry
///              p / SHERRY_ABI_PAGE_POSITIONS. Entries after the last position
///              are not read. Sequences may share pages if no token of this
///              call has a position in them
///  workspace   workspace_size bytes, and thread_workspace_size more for each
///              thread of the team; contents irrelevant before and after
///  tokens      [n_tokens] ids, each in [0, vocab_size) (the caller checks)
///  positions   [n_tokens] positions, each in [0, max_context). All earlier
///              positions of a token's sequence are among the tokens of this
///              call, in any order, or were in earlier calls with these pages.
///              No two tokens of a call have the same sequence and position
///  sequences   [n_tokens] numbers of sequences, below
///              SHERRY_ABI_MAX_SEQUENCES
///  logits      [n_logits][logits_stride] f32, written for the last n_logits
///              tokens; the first vocab_size entries of each row are valid
///  hidden      [n_hidden][hidden_stride] f32, written for the last n_hidden
///              tokens: the hidden states after the last norm; the first
///              hidden_size entries of each row are valid
///  n_tokens    1 .. max_tokens of the entry point
///  n_hidden    0 .. n_tokens
///  n_logits    0 .. n_hidden
///
/// Allocates nothing and keeps no state: one mapped model serves any number
/// of contexts at once. When one thread returns, the results are complete, but
/// other threads of the team may still read the arguments and their buffers,
/// and write to their parts of the workspace.
typedef void (*sherry_abi_forward_fn)(
    const uint8_t *weights, uint8_t *pages, const int32_t *page_table,
    uint8_t *workspace, const int32_t *tokens, const int32_t *positions,
    const int32_t *sequences, float *logits, float *hidden, int64_t n_tokens,
    int64_t n_logits, int64_t n_hidden, int64_t table_stride,
    const sherry_abi_environment *environment);

/// The kind of an entry point; a runtime does not call kinds that it does not
/// know.
enum sherry_abi_entry_kind {
  SHERRY_ABI_FORWARD = 1 ///< a sherry_abi_forward_fn
};

typedef struct sherry_abi_entry {
  const char *name; ///< zero-terminated, as in the list "steps"
  uint32_t kind;    ///< sherry_abi_entry_kind
  /// Most tokens of a call, at most SHERRY_ABI_MAX_BLOCK.
  uint32_t max_tokens;
  sherry_abi_forward_fn forward;
} sherry_abi_entry;

typedef struct sherry_abi_model {
  uint32_t abi_version;
  uint32_t struct_size; ///< sizeof(sherry_abi_model)

  /// Bit i is set if the code needs the feature of bit i in cpu_features.def.
  uint64_t required_features;
  const char *target_cpu; ///< zero-terminated, for messages
  /// e_machine of the ELF header of the code, 62 for x86-64.
  uint32_t machine;
  /// Bytes of sherry_abi_environment that the code may read.
  uint32_t environment_size;

  /// Description of the model: a JSON object in UTF-8, see docs/Pipeline.md.
  const char *metadata;
  uint64_t metadata_size; ///< at most SHERRY_ABI_MAX_METADATA

  uint64_t weights_size; ///< bytes of the weights section
  /// The unchanged tokenizer.json, inside the weights section; size 0: none, at
  /// most SHERRY_ABI_MAX_TOKENIZER.
  uint64_t tokenizer_offset;
  uint64_t tokenizer_size;

  /// Bytes of the workspace that the threads of a team share, and of the part
  /// of each thread: multiples of SHERRY_ABI_BUFFER_ALIGNMENT, at most
  /// SHERRY_ABI_MAX_WORKSPACE.
  uint64_t workspace_size;
  uint64_t thread_workspace_size;
  uint64_t kv_bytes_per_position; ///< of one sequence

  /// At most SHERRY_ABI_MAX_SIZE, like max_context and hidden_size.
  uint32_t vocab_size;
  uint32_t logits_stride; ///< >= vocab_size
  uint32_t hidden_size;
  uint32_t hidden_stride; ///< >= hidden_size
  uint32_t max_context;   ///< positions of the longest sequence
  uint32_t n_entries;     ///< at most SHERRY_ABI_MAX_ENTRIES
  /// Within a kind, entry points with fewer tokens come first. At least one is
  /// of kind SHERRY_ABI_FORWARD.
  const sherry_abi_entry *entries;
} sherry_abi_model;

typedef const sherry_abi_model *(*sherry_abi_query_fn)(void);

/// CRC-32 as in zlib and gzip. A runtime checks the CRC-32 of the code before
/// it loads the code.
typedef struct sherry_abi_checksum {
  uint32_t code;    ///< of the file without the contents of these two sections
  uint32_t weights; ///< of the contents of the weights section
} sherry_abi_checksum;

/// The contents of the checksum section.
typedef struct sherry_abi_identity {
  sherry_abi_checksum file;
  /// CRC-32 of the `weights` of all ranks, in their order. It is the same in
  /// the files of all ranks, which also have the same code.
  uint32_t model;
  uint32_t rank;    ///< the rank of this part of the weights, below n_ranks
  uint32_t n_ranks; ///< 1: the model is not cut; at most SHERRY_ABI_MAX_RANKS
} sherry_abi_identity;

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
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_range) == 16, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_environment) == 56, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_environment, thread) == 24,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_entry) == 24, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_model) == 128, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_model, weights_size) == 48,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_model, vocab_size) == 96,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(offsetof(sherry_abi_model, entries) == 120,
                         "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_checksum) == 8, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(sizeof(sherry_abi_identity) == 20, "ABI drift");
SHERRY_ABI_STATIC_ASSERT(SHERRY_CPU_FEATURE_COUNT <= 64, "one bit each");

#ifdef __cplusplus
}
#endif

#endif // SHERRY_ABI_ABI_H
