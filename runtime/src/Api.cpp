//===- Api.cpp - The C interface ------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Handles.h"
#include "sherry/sherry.h"
#include "sherry/support/CpuFeatures.h"

#include <algorithm>

using namespace sherry::runtime;

std::string &sherry::runtime::errorMessage() {
  static thread_local std::string message;
  return message;
}

const char *sherry_version(void) { return SHERRY_VERSION; }

const char *sherry_error_message(void) { return errorMessage().c_str(); }

const char *sherry_cpu_features(void) {
  static const std::string names = cpuFeatureNames(hostCpuFeatures());
  return names.c_str();
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

sherry_model *sherry_model_open(const char *path, sherry_weights weights) {
  return guard(static_cast<sherry_model *>(nullptr), [&] {
    checkEnumerator(weights, SHERRY_WEIGHTS_MAPPED, "sherry_weights");
    return new sherry_model{std::make_shared<const Model>(path, weights)};
  });
}

void sherry_model_close(sherry_model *model) { delete model; }

int sherry_model_verify(const sherry_model *model) {
  return guard(-1, [&] {
    if (const std::shared_ptr<Ranks> &ranks = model->model->ranks())
      ranks->verify(*model->model);
    else
      model->model->verify();
    return 0;
  });
}

const char *sherry_model_metadata(const sherry_model *model) {
  return model->model->metadata().text.c_str();
}

uint32_t sherry_model_vocab_size(const sherry_model *model) {
  return model->model->abi().vocab_size;
}

uint32_t sherry_model_max_context(const sherry_model *model) {
  return model->model->abi().max_context;
}

uint32_t sherry_model_max_block(const sherry_model *model) {
  return model->model->maxBlock();
}

uint32_t sherry_model_hidden_size(const sherry_model *model) {
  return model->model->abi().hidden_size;
}

uint64_t sherry_model_weights_size(const sherry_model *model) {
  return model->model->abi().weights_size;
}

uint64_t sherry_model_checksum(const sherry_model *model) {
  const sherry_abi_checksum &checksum = model->model->checksum();
  return uint64_t{checksum.code} << 32 | checksum.weights;
}

uint64_t sherry_model_cache_size_per_position(const sherry_model *model) {
  return model->model->abi().kv_bytes_per_position;
}

uint64_t sherry_model_workspace_size(const sherry_model *model,
                                     uint32_t threads) {
  return model->model->workspaceSize(
      std::min<uint32_t>(threads, SHERRY_ABI_MAX_THREADS));
}

int32_t sherry_model_bos_token(const sherry_model *model) {
  return model->model->metadata().bosToken.value_or(-1);
}

bool sherry_model_is_eos(const sherry_model *model, int32_t token) {
  return model->model->isEos(token);
}

//===----------------------------------------------------------------------===//
// Text and tokens
//===----------------------------------------------------------------------===//

bool sherry_model_has_tokenizer(const sherry_model *model) {
  return model->model->hasTokenizer();
}

static void requireFlags(unsigned flags, unsigned known) {
  if (flags & ~known)
    throw Error(
        "flags of " + std::to_string(flags) +
        " are not values of sherry_tokenize_flags, or have no effect here");
}

/// Copies the first `capacity` of all tokens; returns the number of all.
static int64_t copyTokens(const std::vector<int32_t> &all, int32_t *tokens,
                          int64_t capacity) {
  const auto count = static_cast<int64_t>(all.size());
  std::copy_n(all.begin(), std::min(count, capacity), tokens);
  return count;
}

int64_t sherry_tokenize(const sherry_model *model, const char *text,
                        size_t size, unsigned flags, int32_t *tokens,
                        int64_t capacity) {
  return guard(int64_t{-1}, [&] {
    requireFlags(flags, SHERRY_TOKENIZE_BOS | SHERRY_TOKENIZE_SPECIAL);
    requireCapacity(capacity);
    return copyTokens(model->model->tokenizer().encode(
                          {text, size}, flags & SHERRY_TOKENIZE_BOS,
                          flags & SHERRY_TOKENIZE_SPECIAL),
                      tokens, capacity);
  });
}

int64_t sherry_tokenize_parts(const sherry_model *model,
                              const sherry_text_part *parts, size_t n_parts,
                              unsigned flags, int32_t *tokens,
                              int64_t capacity) {
  return guard(int64_t{-1}, [&] {
    requireFlags(flags, SHERRY_TOKENIZE_BOS);
    requireCapacity(capacity);
    std::string text;
    Tokenizer::Ranges special;
    for (size_t i = 0; i < n_parts; ++i) {
      const sherry_text_part &part = parts[i];
      requireFlags(part.flags, SHERRY_TOKENIZE_SPECIAL);
      const size_t begin = text.size();
      text.append(part.text, part.size);
      if (part.flags == 0)
        continue;
      if (!special.empty() && special.back().second == begin)
        special.back().second = text.size();
      else
        special.emplace_back(begin, text.size());
    }
    return copyTokens(model->model->tokenizer().encode(
                          text, flags & SHERRY_TOKENIZE_BOS, special),
                      tokens, capacity);
  });
}

const char *sherry_token_bytes(const sherry_model *model, int32_t token,
                               size_t *size) {
  return guard(static_cast<const char *>(nullptr), [&] {
    std::string_view bytes = model->model->tokenizer().bytes(token);
    *size = bytes.size();
    return bytes.empty() ? "" : bytes.data();
  });
}

bool sherry_token_is_special(const sherry_model *model, int32_t token) {
  return guard(false,
               [&] { return model->model->tokenizer().isSpecial(token); });
}

sherry_text_stream *sherry_text_stream_create(const sherry_model *model) {
  return guard(static_cast<sherry_text_stream *>(nullptr), [&] {
    model->model->tokenizer(); // throws if there is none
    return new sherry_text_stream{model->model, {}, {}};
  });
}

void sherry_text_stream_destroy(sherry_text_stream *stream) { delete stream; }

static const char *giveText(sherry_text_stream *stream, size_t *size) {
  if (size)
    *size = stream->text.size();
  return stream->text.c_str();
}

const char *sherry_text_stream_push(sherry_text_stream *stream, int32_t token,
                                    size_t *size) {
  return guard(static_cast<const char *>(nullptr), [&] {
    const Tokenizer &tokenizer = stream->model->tokenizer();
    std::string_view bytes = tokenizer.bytes(token);
    if (tokenizer.isSpecial(token))
      bytes = {};
    stream->text = stream->buffer.push(bytes);
    return giveText(stream, size);
  });
}

const char *sherry_text_stream_finish(sherry_text_stream *stream,
                                      size_t *size) {
  return guard(static_cast<const char *>(nullptr), [&] {
    stream->text = stream->buffer.finish();
    return giveText(stream, size);
  });
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

sherry_context *sherry_context_create(const sherry_model *model,
                                      const sherry_context_options *options) {
  return guard(static_cast<sherry_context *>(nullptr), [&] {
    return new sherry_context{
        Context(model->model, options ? *options : sherry_context_options{})};
  });
}

void sherry_context_destroy(sherry_context *context) { delete context; }

uint32_t sherry_context_size(const sherry_context *context) {
  return context->context.size();
}

uint32_t sherry_context_block(const sherry_context *context) {
  return context->context.block();
}

uint32_t sherry_context_threads(const sherry_context *context) {
  return context->context.threads();
}

uint32_t sherry_context_sequences(const sherry_context *context) {
  return context->context.sequences();
}

uint32_t sherry_context_position(const sherry_context *context,
                                 uint32_t sequence) {
  return context->context.position(sequence);
}

int sherry_context_truncate(sherry_context *context, uint32_t sequence,
                            uint32_t position) {
  return guard(-1, [&] {
    context->context.truncate(sequence, position);
    return 0;
  });
}

uint32_t sherry_context_pages(const sherry_context *context) {
  return context->context.pages().size();
}

uint32_t sherry_context_free_pages(const sherry_context *context) {
  return context->context.pages().available();
}

int64_t sherry_sequence_create(sherry_context *context) {
  return guard(int64_t{-1},
               [&] { return int64_t{context->context.createSequence()}; });
}

int sherry_sequence_drop(sherry_context *context, uint32_t sequence) {
  return guard(-1, [&] {
    context->context.dropSequence(sequence);
    return 0;
  });
}

int64_t sherry_sequence_fork(sherry_context *context, uint32_t sequence,
                             uint32_t position) {
  return guard(int64_t{-1}, [&] {
    return int64_t{context->context.forkSequence(sequence, position)};
  });
}

int64_t sherry_sequence_tokens(const sherry_context *context, uint32_t sequence,
                               int32_t *tokens, int64_t capacity) {
  return guard(int64_t{-1}, [&] {
    requireCapacity(capacity);
    return copyTokens(context->context.sequence(sequence).tokens(), tokens,
                      capacity);
  });
}

int sherry_sequence_save(const sherry_context *context, uint32_t sequence,
                         const char *path) {
  return guard(-1, [&] {
    context->context.saveSequence(sequence, path);
    return 0;
  });
}

int64_t sherry_sequence_load(sherry_context *context, const char *path) {
  return guard(int64_t{-1},
               [&] { return int64_t{context->context.loadSequence(path)}; });
}

int sherry_eval(sherry_context *context, const int32_t *tokens,
                int64_t n_tokens, enum sherry_logits logits,
                sherry_logits_fn on_logits, void *user) {
  struct Receiver {
    sherry_logits_fn function;
    void *user;
  } receiver = {on_logits, user};
  auto pass = [](void *user, int64_t, int64_t index, const float *logits) {
    const auto *receiver = static_cast<const Receiver *>(user);
    receiver->function(receiver->user, index, logits);
  };
  const sherry_batch_entry entry = {0, logits, tokens, n_tokens};
  return sherry_eval_batch(context, &entry, 1, on_logits ? +pass : nullptr,
                           &receiver);
}

int sherry_eval_batch(sherry_context *context,
                      const sherry_batch_entry *entries, int64_t n_entries,
                      sherry_batch_logits_fn on_logits, void *user) {
  return guard(-1, [&] {
    context->context.eval(entries, n_entries, on_logits, user);
    return 0;
  });
}

const float *sherry_context_logits(const sherry_context *context) {
  return context->context.logits();
}

void sherry_context_on_block(sherry_context *context, sherry_block_fn function,
                             void *user) {
  context->context.onBlock(function, user);
}

//===----------------------------------------------------------------------===//
// Sampling
//===----------------------------------------------------------------------===//

sherry_sampler *sherry_sampler_create(const sherry_sampler_options *options) {
  return guard(static_cast<sherry_sampler *>(nullptr),
               [&] { return new sherry_sampler{Sampler(*options)}; });
}

sherry_sampler *sherry_sampler_copy(const sherry_sampler *sampler) {
  return guard(static_cast<sherry_sampler *>(nullptr),
               [&] { return new sherry_sampler(*sampler); });
}

void sherry_sampler_destroy(sherry_sampler *sampler) { delete sampler; }

int32_t sherry_sample(sherry_sampler *sampler, const float *logits,
                      uint32_t n) {
  return sherry_sample_masked(sampler, logits, n, nullptr);
}

int32_t sherry_sample_masked(sherry_sampler *sampler, const float *logits,
                             uint32_t n, const uint32_t *mask) {
  return guard(int32_t{-1},
               [&] { return sampler->sampler.sample(logits, n, mask); });
}

int sherry_sampler_accept(sherry_sampler *sampler, int32_t token) {
  return guard(-1, [&] {
    sampler->sampler.accept(token);
    return 0;
  });
}
