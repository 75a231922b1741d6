#!/usr/bin/env python3
# ===- run_odd.py - Random models of odd shapes against the reference -----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: run_odd.py f32|i8 OUTPUT_FOLDER
#
# Compiles the models below for the levels of x86-64 that this CPU can run and
# compares the logits of a prompt with those of sherry-reference. The first
# options of a model go through every other level, each of the others through
# one, in turns: compiling takes seconds.
#
# ===----------------------------------------------------------------------=== #
import functools
import json
import pathlib
import sys

from support import (
    REFERENCE,
    Mismatch,
    compare,
    count_failures,
    join,
    list_targets,
    run,
)

MAX_ABS = 1e-3
# Products with a cache of i8 round queries and weights to 15 bits, which makes
# the next layer round some of its keys and values another way: that costs a
# tenth of what the cache itself does to these models.
MAX_ABS_KV_I8 = 1e-2
# Longer than a block, and no multiple of anything.
PROMPT_TOKENS = 71
SPLITS = {
    "one block": ["-t", 1],
    "blocks of 7": ["-t", 2, "--block", 7],
    "token by token": ["-t", 1, "--block", 1],
}

# 8-bit activations are compared where their rounding does not hang on the last
# bits of an f32 sum, see sherry-reference --help.
TIE_DISTANCE = 1e-4

# name: (options of make_checkpoint.py, several options of the compiler)
MODELS = {
    "three heads, shards": (
        "--hidden 192 --ffn 320 --heads 3 --vocab 333 --shards 3",
        [
            "--head=bf16",
            "--head=q8_0",
            "--head=q6_K",
            "--head=q4_0",
            "--no-quantize --head=bf16",
            "--head=bf16 --kv=i8",
        ],
    ),
    "grouped queries, f16, own head, long rope": (
        "--hidden 192 --ffn 200 --heads 6 --kv-heads 2 --vocab 300 --dtype f16 "
        "--untied --rope-scaling llama3 --rope-theta 500000 "
        "--granularity per_channel",
        [
            "--head=bf16",
            "--head=q8_0 --granularity=per_tensor --kv=f16",
            "--head=q6_K",
        ],
    ),
    "head_dim 20, f32, tensor scales": (
        "--hidden 100 --ffn 148 --heads 5 --kv-heads 1 --head-dim 20 --vocab 333 "
        "--dtype f32 --granularity per_tensor",
        [
            "--head=q4_0",
            "--head=bf16 --scale-type=f32 --kv=f16",
            "--no-quantize --head=q8_0",
        ],
    ),
    "groups of 20": (
        "--hidden 192 --ffn 324 --heads 4 --kv-heads 2 --vocab 258 --untied "
        "--group-size 20 --tokenizer bytes",
        ["--head=q8_0", "--head=bf16 --granularity=per_channel --scale-type=f32"],
    ),
    "rows of several chunks": (
        "--hidden 256 --ffn 1100 --layers 1 --heads 4 --vocab 160 "
        "--granularity per_channel",
        [
            "--head=q6_K",
            "--head=bf16 --granularity=per_group --group-size=300",
            "--head=q8_0 --kv=i8",
        ],
    ),
    "some linear layers dense, no quantization_config": (
        "--hidden 128 --ffn 96 --heads 2 --kv-heads 1 --vocab 97 --keep-dense k_proj "
        "--keep-dense mlp.down_proj",
        ["--head=q8_0"],
    ),
    "settings of the command line": (
        "--hidden 128 --ffn 96 --heads 2 --vocab 97 --no-quant-config",
        ["--head=q8_0", "--head=q8_0 --granularity=per_group --group-size=4"],
    ),
    "qwen2": (
        "--architecture qwen2 --hidden 128 --ffn 96 --heads 4 --kv-heads 2 "
        "--vocab 97 --head-dim 20",
        ["--head=q8_0", "--head=bf16 --granularity=per_channel"],
    ),
    "qwen3": (
        "--architecture qwen3 --hidden 128 --ffn 96 --heads 4 --kv-heads 2 "
        "--vocab 97 --head-dim 64",
        ["--head=q8_0 --kv=f16"],
    ),
    "hunyuan": (
        "--architecture hunyuan_v1_dense --hidden 128 --ffn 96 --heads 2 "
        "--vocab 97 --rope-scaling hunyuan",
        ["--head=q6_K"],
    ),
    "tiny": (
        "--hidden 4 --ffn 12 --layers 3 --heads 2 --head-dim 6 --vocab 10",
        ["--head=q8_0 --kv=f16", "--head=q6_K", "--head=q4_0"],
    ),
}


def is_skipped(options):
    """Without integers both modes of activations are the same code. With a
    cache of i8, other ties of 8-bit activations break than in the reference."""
    return "--activations=i8" in options and (
        {"--no-quantize", "--head=bf16"} <= set(options) or "--kv=i8" in options
    )


def run_reference(checkpoint, options, output):
    """Writes the logits and returns the prompt that they belong to."""
    vocab = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
    prompt = join((3 + 37 * i + i * i) % vocab for i in range(PROMPT_TOKENS))
    return run(
        *("sherry-reference", checkpoint, "--tokens", prompt, "--logits", output),
        *("--tie-distance", TIE_DISTANCE),
        *options,
    ).strip()


def check_model(checkpoint, target, options, prompt, expected, folder):
    """Returns the largest difference of the logits in all splits."""
    tolerance = MAX_ABS_KV_I8 if "--kv=i8" in options else MAX_ABS
    model, actual = folder / "model.so", folder / "actual.npy"
    run("sherry-compile", checkpoint, "-o", model, f"--target-cpu={target}", *options)
    worst = 0
    for split, arguments in SPLITS.items():
        run(
            *("sherry-run", model, "--tokens", prompt, "--logits", actual),
            *("-n", 0, "--print-tokens", "-q"),
            *arguments,
        )
        try:
            worst = max(worst, compare(actual, expected, tolerance))
        except Mismatch as mismatch:
            raise Mismatch(f"{split}: {mismatch}") from None
    return worst


def main():
    activations, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    targets = list_targets()
    failures = 0
    for number, (name, (shape, variants)) in enumerate(MODELS.items()):
        checkpoint, expected = folder / f"model-{number}", folder / "expected.npy"
        run(
            *(sys.executable, REFERENCE / "make_checkpoint.py", checkpoint),
            *("--seed", number),
            *shape.split(),
        )
        for index, variant in enumerate(variants):
            options = [f"--activations={activations}", *variant.split()]
            # A cache in f16 rounds by the last bits of f32 sums, and the next
            # 8-bit activations make a quantum of it.
            if activations == "i8" and "--kv=f16" in options:
                options.remove("--kv=f16")
            if not any(option.startswith("--kv=") for option in options):
                options.append("--kv=f32")
            if is_skipped(options):
                continue
            prompt = run_reference(checkpoint, options, expected)
            some = targets[number % 2 :: 2] or targets
            if index:
                some = [targets[(number + index) % len(targets)]]
            cases = [
                (
                    f"{name}, {' '.join(options)}, {target}",
                    functools.partial(
                        check_model,
                        *(checkpoint, target, options, prompt, expected, folder),
                    ),
                )
                for target in some
            ]
            failures += count_failures(cases)
    if failures:
        sys.exit(f"{failures} failures")


if __name__ == "__main__":
    main()
