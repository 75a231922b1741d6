//===- main.c - A program that runs a compiled model --------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// embed MODEL.so PROMPT COUNT prints the prompt and up to COUNT tokens of text
// after it. sherry.h is all that it needs.
//
//===----------------------------------------------------------------------===//
#include <sherry/sherry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *object) {
  if (!object) {
    fprintf(stderr, "embed: %s\n", sherry_error_message());
    exit(1);
  }
  return object;
}

static void checkStatus(int64_t status) {
  if (status < 0)
    check(NULL);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: embed MODEL.so PROMPT COUNT\n");
    return 2;
  }
  const char *prompt = argv[2];
  const size_t promptSize = strlen(prompt);
  const unsigned flags = SHERRY_TOKENIZE_BOS;

  sherry_model *model =
      check(sherry_model_open(argv[1], SHERRY_WEIGHTS_COPIED));
  const uint32_t vocabSize = sherry_model_vocab_size(model);
  sherry_context *context = check(sherry_context_create(model, NULL));
  const sherry_sampler_options sampling = {
      .temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .seed = 1};
  sherry_sampler *sampler = check(sherry_sampler_create(&sampling));
  sherry_text_stream *stream = check(sherry_text_stream_create(model));

  // The first call only counts.
  int64_t count = sherry_tokenize(model, prompt, promptSize, flags, NULL, 0);
  checkStatus(count);
  int32_t *tokens = calloc((size_t)count + 1, sizeof(*tokens));
  if (!tokens)
    return 1;
  checkStatus(sherry_tokenize(model, prompt, promptSize, flags, tokens, count));
  checkStatus(
      sherry_eval(context, tokens, count, SHERRY_LOGITS_LAST, NULL, NULL));
  free(tokens);

  fputs(prompt, stdout);
  for (long left = atol(argv[3]); left > 0; --left) {
    const float *logits = sherry_context_logits(context);
    if (!logits) // the prompt was empty
      break;
    int32_t token = sherry_sample(sampler, logits, vocabSize);
    checkStatus(token);
    if (sherry_model_is_eos(model, token) ||
        sherry_context_position(context, 0) == sherry_context_size(context))
      break;
    size_t size;
    const char *text =
        check((void *)sherry_text_stream_push(stream, token, &size));
    fwrite(text, 1, size, stdout);
    fflush(stdout);
    checkStatus(
        sherry_eval(context, &token, 1, SHERRY_LOGITS_LAST, NULL, NULL));
  }
  size_t size;
  const char *rest = sherry_text_stream_finish(stream, &size);
  fwrite(rest, 1, size, stdout);
  putchar('\n');

  sherry_text_stream_destroy(stream);
  sherry_sampler_destroy(sampler);
  sherry_context_destroy(context);
  sherry_model_close(model);
  return 0;
}
