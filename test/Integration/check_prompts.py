#!/usr/bin/env python3
# ===- check_prompts.py - A model against reference logits and texts ------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_prompts.py MODEL REFERENCE_FOLDER OUTPUT_FOLDER
#
# For every prompt of prompts.json: the logits, in any split of the prompt into
# blocks, the greedy continuation token for token, and the text that comes out.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import sys

from support import Mismatch, compare, join, run

MAX_ABS = 1e-3
# Between splits of the same prompt.
MAX_ABS_SPLIT = 1e-4
SPLITS = {
    "default": ["-t", 1],
    "block-1": ["-t", 1, "--block", 1],
    "block-3": ["-t", 2, "--block", 3],
}


def expect_equal(what, actual, expected):
    if actual != expected:
        raise Mismatch(f"{what}:\n  got      {actual!r}\n  expected {expected!r}")


def check_prompt(model, prompt, logits, output):
    greedy = prompt["greedy"]
    generation = ("-n", len(greedy), "--temp", 0, "--ignore-eos", "-q")
    worst = 0
    for split, options in SPLITS.items():
        actual = output / f"{split}.npy"
        printed = run(
            *("sherry-run", model, "--tokens", join(prompt["tokens"])),
            *("--logits", actual, "--print-tokens", "--no-echo"),
            *generation,
            *options,
        )
        worst = max(worst, compare(actual, logits, MAX_ABS))
        compare(actual, output / "default.npy", MAX_ABS_SPLIT)
        tokens = [int(token) for token in printed.split(",")]
        expect_equal(f"greedy tokens, {split}", tokens, greedy)
    text = run("sherry-run", model, "-p", prompt["text"], "-t", 1, *generation)
    expect_equal("text", text, prompt["text"] + prompt["greedy_text"] + "\n")
    return worst


def main():
    model, reference, output = map(pathlib.Path, sys.argv[1:])
    prompts = json.loads((reference / "prompts.json").read_text())
    if not prompts:
        sys.exit(f"{reference}: no prompts")
    for prompt in prompts:
        try:
            worst = check_prompt(model, prompt, reference / prompt["logits"], output)
        except Mismatch as mismatch:
            sys.exit(f"prompt {prompt['text']!r}: {mismatch}")
        print(f"{prompt['text']!r}: {worst:.2g}")


if __name__ == "__main__":
    main()
