#!/usr/bin/env python3
# ===- odd_shapes.py - Random models of odd shapes against a reference ----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: odd_shapes.py [CASE FOLDER]
#
# Each case compiles one of the models below with some options for one target and
# compares the logits of a prompt with those of sherry-reference. By default each
# model is compiled for this CPU with its first options and 8-bit activations;
# PER_TOKEN, IN_F32 and SECOND name the models of further cases. The first model
# is compiled for every level of x86-64. --all takes all options and levels in
# turns.
#
# ===----------------------------------------------------------------------=== #
import functools
import json
import re
import sys

from support import (
    REFERENCE,
    TARGETS,
    Case,
    Mismatch,
    check_stored,
    compare,
    has_fma,
    join,
    require_target,
    run,
    run_case,
)

MAX_ABS = 1e-3
# What BitNet's models have to reach where no rounding flips.
MAX_ABS_PER_TOKEN = 1e-4
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
    "heads that take loops": (
        "--hidden 64 --ffn 96 --layers 1 --heads 2 --kv-heads 1 --head-dim 580 "
        "--vocab 97 --rope-scaling llama3",
        ["--head=bf16", "--head=q8_0 --kv=f16"],
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
        "--vocab 97 --head-dim 64 --rope-scaling yarn",
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
    "bitnet": (
        "--architecture bitnet --trits multiply --hidden 320 --ffn 556 --heads 5 "
        "--kv-heads 1 --vocab 97 --rope-theta 500000",
        ["--head=bf16", "--head=q8_0 --kv=f16"],
    ),
    "bitnet online": (
        "--architecture bitnet --trits online --hidden 256 --ffn 300 --heads 2 "
        "--vocab 97",
        ["--head=bf16"],
    ),
    "falcon": (
        "--trits divide --hidden 256 --ffn 512 --heads 3 --kv-heads 1 "
        "--head-dim 256 --vocab 97 --untied --rope-theta 1000042",
        ["--head=bf16"],
    ),
    "unpacked trits with a scale of a matrix": (
        "--trits tensor --hidden 256 --ffn 640 --heads 4 --vocab 97 --untied "
        "--dtype f16",
        ["--head=bf16"],
    ),
    "unpacked trits with a scale of a row": (
        "--trits row --hidden 320 --ffn 556 --heads 5 --vocab 97 --dtype f32",
        ["--head=q8_0"],
    ),
    "unpacked trits with a scale of 256 inputs": (
        "--trits 256 --hidden 512 --ffn 640 --layers 1 --heads 4 --vocab 97",
        ["--head=bf16"],
    ),
    "unpacked trits with a scale of 128 inputs": (
        "--trits 128 --hidden 320 --ffn 384 --layers 1 --heads 5 --vocab 97",
        ["--head=bf16"],
    ),
    "unpacked trits with a scale of 64 inputs": (
        "--trits 64 --hidden 320 --ffn 384 --layers 1 --heads 5 --vocab 97",
        ["--head=bf16"],
    ),
}

# With scales of tokens: some are enough, for the products are those of blocks.
PER_TOKEN = {
    "three heads, shards",
    "bitnet",
    "falcon",
    "unpacked trits with a scale of 128 inputs",
}

# With activations of f32: caches of f16, heads of many sizes, each architecture.
IN_F32 = {
    "three heads, shards",
    "falcon",
    "hunyuan",
    "qwen2",
    "qwen3",
    "tiny",
}
# With the second options: scales of f32, and groups across chunks.
SECOND = {"head_dim 20, f32, tensor scales", "rows of several chunks"}


def is_skipped(options):
    """Without integers both modes of activations are the same code. With a
    cache of i8, other ties of 8-bit activations break than in the reference."""
    integers = {"--activations=i8", "--activations=i8-token"} & set(options)
    return integers and (
        {"--no-quantize", "--head=bf16"} <= set(options) or "--kv=i8" in options
    )


def choose_tolerance(options):
    if "--kv=i8" in options:
        return MAX_ABS_KV_I8
    return MAX_ABS_PER_TOKEN if "--activations=i8-token" in options else MAX_ABS


def run_reference(checkpoint, options, output):
    """Writes the logits and returns the prompt that they belong to."""
    vocab = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
    prompt = join((3 + 37 * i + i * i) % vocab for i in range(PROMPT_TOKENS))
    return run(
        *("sherry-reference", checkpoint, "--tokens", prompt, "--logits", output),
        *("--tie-distance", TIE_DISTANCE),
        *options,
    ).strip()


def find_trits(shape):
    """The option for unpacked trits: how many inputs share a scale at most."""
    kind = re.search(r"--trits (tensor|row|\d+)", shape)
    return [f"--trits={kind[1] if kind[1].isdigit() else 256}"] if kind else []


def name_logits(name, options):
    return f"{name}, {' '.join(options)}"


def check_model(folder, name, number, shape, target, options):
    """Returns the largest difference of the logits in all splits."""
    checkpoint, expected = folder / "checkpoint", folder / "expected.npy"
    run(
        *(sys.executable, REFERENCE / "make_checkpoint.py", checkpoint),
        *("--seed", number),
        *shape.split(),
    )
    prompt = run_reference(checkpoint, [*options, *find_trits(shape)], expected)
    tolerance = choose_tolerance(options)
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
            if has_fma(target):
                check_stored(name_logits(name, options), actual)
        except Mismatch as mismatch:
            raise Mismatch(f"{split}: {mismatch}") from None
    return worst


def complete(activations, variant):
    """The options of the compiler, or None where they are skipped."""
    options = [f"--activations={activations}", *variant.split()]
    # A cache in f16 rounds by the last bits of f32 sums, and the next 8-bit
    # activations make a quantum of it.
    if activations != "f32" and "--kv=f16" in options:
        options.remove("--kv=f16")
    if not any(option.startswith("--kv=") for option in options):
        options.append("--kv=f32")
    return None if is_skipped(options) else options


def choose_targets(activations, name, number, index):
    """The targets of options `index` of model `number`, and which of them are
    compiled by default."""
    if activations == "f32":
        is_default = index == 0 and name in IN_F32
    else:
        is_default = index == 0 or (index == 1 and name in SECOND)
    default = ["native"] if is_default else []
    if activations == "i8-token":
        return default, TARGETS
    if index == 0:
        others = TARGETS[number % 2 :: 2]
        if number == 0 and activations == "i8":
            default = others = TARGETS
    else:
        others = [TARGETS[(number + index) % len(TARGETS)]]
        if others == ["x86-64-v4"]:
            others.append("native") # which every CPU can run
    return default, [target for target in TARGETS if target in {*default, *others}]


def list_cases():
    for activations in ("f32", "i8", "i8-token"):
        for number, (name, (shape, variants)) in enumerate(MODELS.items()):
            for index, variant in enumerate(variants):
                options = complete(activations, variant)
                if options is None:
                    continue
                if activations == "i8-token" and (name not in PER_TOKEN or index):
                    continue
                default, targets = choose_targets(activations, name, number, index)
                for target in targets:
                    yield Case(
                        f"{name_logits(name, options)}, {target}",
                        functools.partial(
                            check_model,
                            name=name,
                            number=number,
                            shape=shape,
                            target=target,
                            options=options,
                        ),
                        require_target(target) | (set() if target in default else {"all"}),
                        name_logits(name, options),
                    )


if __name__ == "__main__":
    run_case(list_cases())
