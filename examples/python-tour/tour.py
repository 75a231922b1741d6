#!/usr/bin/env python3
# ===- tour.py - A tour of Sherry in Python ------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: tour.py [MODEL], a Hugging Face folder (default: examples/shakespeare)
#
# Cells begin with %%: editors that know notebooks run them one by one. It needs the
# packages sherry-compiler and sherry-runtime, or SHERRY_COMPILE and SHERRY_LIBRARY
# with the paths of sherry-compile and libsherry.so; and NumPy.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import sys
import tempfile

import numpy as np
import sherry

examples = pathlib.Path(__file__).resolve().parents[1]
folder = sys.argv[1] if len(sys.argv) > 1 else examples / "shakespeare"

# %% Compile. The result is a shared object for this CPU, with code and weights.
work = tempfile.TemporaryDirectory()
path = sherry.compile(folder, pathlib.Path(work.name) / "model.so")
print(f"compiled: {path.stat().st_size / 1e6:.1f} MB")

# %% Open. The description says what the compiler knew.
model = sherry.Model(path, threads=1)
about = model.metadata
print(f"{about['num_hidden_layers']} layers of {model.hidden_size}")
print(f"{about['bits_per_weight']:.3f} bits per ternary weight, head in {about['head']}")

# %% Text is tokens.
tokens = model.tokenize("First Citizen:")
print("tokens:", [(int(t), model.token_bytes(t).decode()) for t in tokens])

# %% Logits are what the model computes: a row after each token.
logits = model.logits(tokens)
print("logits:", logits.shape, logits.dtype)

# %% Of the last row, the probabilities of what comes next.
probabilities = np.exp(logits[-1] - logits[-1].max())
probabilities /= probabilities.sum()
for token in np.argsort(-probabilities)[:3]:
    print(f"  {probabilities[token]:.2f} {model.token_bytes(token)!r}")

# %% Generating picks one token after the other. The same seed gives the same text.
text = model.generate("First Citizen:", max_tokens=30, temperature=0.8, seed=1)
print("one answer:", repr(text))

# %% Several prompts are read together, for one read of the weights per step; the
# answers are the same as alone, bit for bit.
prompts = ["First Citizen:", "ROMEO:", "KING HENRY:"]
answers = model.generate(prompts, max_tokens=30, temperature=0.8, seed=1)
print("batch equals alone:", answers[0] == text)

# %% Which continuation is the most likely?
choices = [" my lord", " my computer", " my zebra"]
scores = model.score_batch([("Good morrow,", choice) for choice in choices])
print("most likely:", choices[int(np.argmax([s.log_likelihood for s in scores]))])

# %% Perplexity of a text.
score = model.score("", "Before we proceed any further, hear me speak.")
print(f"perplexity: {np.exp(-score.log_likelihood / score.tokens):.1f}")

# %% Embeddings are means of hidden states, of length 1.
vectors = model.embed(["the king is dead", "the king lives", "apples and pears"])
print("similarity:", [round(float(x), 2) for x in vectors @ vectors[0]])

# %% A context has sequences. One forks without any computation, so a long prefix is
# read once for all that begin with it.
with model.context(full_sequences=2) as context:
    prefix = model.tokenize("My lord, the")
    context.eval(prefix, "none")
    fork = context.fork(len(prefix))
    after_king, after_queen = context.eval_batch(
        [
            (0, model.tokenize(" king", bos=False), "last"),
            (fork, model.tokenize(" queen", bos=False), "last"),
        ]
    )
    whole = model.logits(np.append(prefix, model.tokenize(" king", bos=False)))
    print("fork equals whole:", np.array_equal(after_king[0], whole[-1]))

# %%
model.close()
work.cleanup()
