//===- DemoModel.c - A model written by hand ----------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Obeys the ABI without the compiler, to test the runtime alone. With w the
// first 256 bytes of the weights, the likeliest token after t[0..p] is
//
//   (DEMO_SHIFT + sum over q <= p of w[t[q] % 256] * (q + 1)) % DEMO_VOCAB
//
// so each token, each position and each step counts; the hidden state of a
// token t is t, t + 1, t + 2, t + 3. The macros make
// variants: those that must be refused, one that the token 3 interrupts as
// Ctrl-C would, one that has a logit that is no number after the token 7, and
// one whose code and weights both say something else.
//
//===----------------------------------------------------------------------===//
#include "sherry-abi/abi.h"

#ifndef DEMO_ABI_VERSION
#define DEMO_ABI_VERSION SHERRY_ABI_VERSION
#endif
#ifndef DEMO_STRUCT_SIZE
#define DEMO_STRUCT_SIZE sizeof(sherry_abi_model)
#endif
#ifndef DEMO_REQUIRED_FEATURES
#define DEMO_REQUIRED_FEATURES 0
#endif
#ifndef DEMO_WEIGHTS_SIZE
#define DEMO_WEIGHTS_SIZE 16384
#endif
#ifndef DEMO_TOKENIZER_OFFSET
#define DEMO_TOKENIZER_OFFSET 4096
#endif
#ifndef DEMO_ENVIRONMENT_SIZE
#define DEMO_ENVIRONMENT_SIZE sizeof(sherry_abi_environment)
#endif
#ifndef DEMO_VOCAB
#define DEMO_VOCAB 262
#endif
#ifndef DEMO_SHIFT
#define DEMO_SHIFT 0
#endif
#ifndef DEMO_FIRST_WEIGHT
#define DEMO_FIRST_WEIGHT "11"
#endif
#ifndef DEMO_QUERY
#define DEMO_QUERY sherry_model_query
#endif
#ifndef DEMO_METADATA
#define DEMO_METADATA                                                          \
  "{\"name\": \"demo\", \"vocab_size\": 262, \"bos_token_id\": 260, "          \
  "\"eos_token_ids\": [261], \"add_bos_token\": false, "                       \
  "\"steps\": [{\"op\": \"term\"}, {\"op\": \"sum\"}]}"
#endif

enum { LogitsStride = DEMO_VOCAB + 2, Parts = 8, ThreadNumbers = 16 };
enum { HiddenSize = 4, HiddenStride = 6 };

// 256 bytes (37 i + DEMO_FIRST_WEIGHT) % 256, the tokenizer at 4096, 16384
// bytes in all.
__asm__(".pushsection .sherry.weights,\"\",@progbits\n"
        ".balign 4096\n"
        ".set value, " DEMO_FIRST_WEIGHT "\n"
        ".rept 256\n"
        ".byte value\n"
        ".set value, (value + 37) & 255\n"
        ".endr\n"
        ".org 4096\n"
        ".incbin \"" DEMO_TOKENIZER "\"\n"
        ".org 16384\n"
        ".popsection\n"
        ".pushsection .sherry.checksum,\"\",@progbits\n"
        ".skip 20\n" // see AddChecksum.h
        ".popsection\n");

// A page of the cache has two planes of int64, the terms of the sum and their
// complements: a wrong page mixes them up.
enum { PagePositions = SHERRY_ABI_PAGE_POSITIONS };

/// Where the cache has the term of a position; its complement lies
/// PagePositions behind it.
static int64_t *termAt(uint8_t *pages, const int32_t *pageTable, int64_t stride,
                       int32_t sequence, int64_t position) {
  int32_t page = pageTable[sequence * stride + position / PagePositions];
  return (int64_t *)pages + (int64_t)2 * PagePositions * page +
         position % PagePositions;
}

static int64_t readTerm(const int64_t *term) {
  return term[0] == ~term[PagePositions] ? term[0] : 1;
}

#ifdef DEMO_INTERRUPTS
static long call(long number, long first, long second) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second)
                   : "rcx", "r11", "memory");
  return result;
}

static void notice(int32_t token) {
  enum { Kill = 62, GetPid = 39, SigInt = 2 };
  if (token == 3)
    call(Kill, call(GetPid, 0, 0), SigInt);
}
#else
static void notice(int32_t token) { (void)token; }
#endif

#ifdef DEMO_NAN
static int isSpoilt(int32_t token, int64_t v) { return token == 7 && v == 5; }
#else
static int isSpoilt(int32_t token, int64_t v) { return token < 0 && v < 0; }
#endif

static void forward(const uint8_t *weights, uint8_t *pages,
                    const int32_t *page_table, uint8_t *workspace,
                    const int32_t *tokens, const int32_t *positions,
                    const int32_t *sequences, float *logits, float *hidden,
                    int64_t n_tokens, int64_t n_logits, int64_t n_hidden,
                    int64_t table_stride, const sherry_abi_environment *team) {
  int64_t *partial = (int64_t *)workspace;
  // Wrong logits if threads do not have memory of their own.
  int64_t *mine = partial + Parts + team->thread * ThreadNumbers;
  for (int64_t i = 0; i < ThreadNumbers; ++i)
    mine[i] = team->thread;
  sherry_abi_range range;
  while (range = team->take(team, 0, n_tokens, 1), range.begin < range.end)
    for (int64_t i = range.begin; i < range.end; ++i) {
      int64_t q = positions[i];
      int64_t *term = termAt(pages, page_table, table_stride, sequences[i], q);
      notice(tokens[i]);
      term[0] = (int64_t)weights[tokens[i] % 256] * (q + 1);
      term[PagePositions] = ~term[0];
      for (int64_t h = 0; i >= n_tokens - n_hidden && h < HiddenSize; ++h)
        hidden[(i - (n_tokens - n_hidden)) * HiddenStride + h] =
            (float)(tokens[i] + h);
    }
  for (int64_t row = 0; row < n_logits; ++row) {
    int64_t i = n_tokens - n_logits + row;
    while (range = team->take(team, 1, Parts, 1), range.begin < range.end)
      for (int64_t part = range.begin; part < range.end; ++part) {
        partial[part] = 0;
        for (int64_t q = part; q <= positions[i]; q += Parts)
          partial[part] += readTerm(
              termAt(pages, page_table, table_stride, sequences[i], q));
      }
    while (range = team->take(team, -1, DEMO_VOCAB, 0),
           range.begin < range.end) {
      int64_t sum = DEMO_SHIFT;
      for (int64_t i = 0; i < ThreadNumbers; ++i)
        sum += mine[i] != team->thread;
      for (int64_t part = 0; part < Parts; ++part)
        sum += partial[part];
      for (int64_t v = range.begin; v < range.end; ++v) {
        int64_t distance = (v - sum % DEMO_VOCAB + DEMO_VOCAB) % DEMO_VOCAB;
        logits[row * LogitsStride + v] = isSpoilt(tokens[i], v)
                                             ? __builtin_nanf("")
                                             : -0.25f * (float)distance;
      }
    }
  }
}

static void decode(const uint8_t *weights, uint8_t *pages,
                   const int32_t *page_table, uint8_t *workspace,
                   const int32_t *tokens, const int32_t *positions,
                   const int32_t *sequences, float *logits, float *hidden,
                   int64_t n_tokens, int64_t n_logits, int64_t n_hidden,
                   int64_t table_stride, const sherry_abi_environment *team) {
  if (n_tokens == 1) // else leave the logits wrong
    forward(weights, pages, page_table, workspace, tokens, positions, sequences,
            logits, hidden, n_tokens, n_logits, n_hidden, table_stride, team);
}

static const sherry_abi_entry entries[] = {
    {"decode", SHERRY_ABI_FORWARD, 1, decode},
    {"prefill", SHERRY_ABI_FORWARD, 16, forward},
};

static const char metadata[] = DEMO_METADATA;

static const sherry_abi_model model = {
    .abi_version = DEMO_ABI_VERSION,
    .struct_size = DEMO_STRUCT_SIZE,
    .required_features = DEMO_REQUIRED_FEATURES,
    .target_cpu = "demo-cpu",
    .machine = 62,
    .environment_size = DEMO_ENVIRONMENT_SIZE,
    .metadata = metadata,
    .metadata_size = sizeof(metadata) - 1,
    .weights_size = DEMO_WEIGHTS_SIZE,
    .tokenizer_offset = DEMO_TOKENIZER_OFFSET,
    .tokenizer_size = DEMO_TOKENIZER_SIZE,
    .workspace_size = Parts * sizeof(int64_t),
    .thread_workspace_size = ThreadNumbers * sizeof(int64_t),
    .kv_bytes_per_position = 2 * sizeof(int64_t),
    .vocab_size = DEMO_VOCAB,
    .logits_stride = LogitsStride,
    .hidden_size = HiddenSize,
    .hidden_stride = HiddenStride,
    .max_context = 1024,
    .n_entries = 2,
    .entries = entries,
};

const sherry_abi_model *DEMO_QUERY(void);
const sherry_abi_model *DEMO_QUERY(void) { return &model; }
