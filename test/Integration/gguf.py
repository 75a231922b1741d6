#!/usr/bin/env python3
# ===- gguf.py - GGUF files against the reference -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: gguf.py [CASE FOLDER]
#
# Compiles GGUF files of every type that is read and compares the logits of a
# prompt with those that sherry-reference computes from the same numbers in F32.
# A file of numbers in BF16 has to give the very logits of the folder that it
# was made from.
#
# ===----------------------------------------------------------------------=== #
import functools
import sys

from support import REFERENCE, Case, Mismatch, compare, join, run, run_case

MAX_ABS = 1e-3
PROMPT_TOKENS = 19
SHAPE = "--hidden 256 --ffn 256 --layers 2 --heads 4 --kv-heads 2 --vocab 70"

# name: options of make_checkpoint.py, of make_gguf.py and of the compiler, and
# what the description of the model has to say
MODELS = {
    "STQ1_0": (
        "--rope-scaling llama3 --rope-theta 500000",
        "--type STQ1_0 --head-type Q6_K",
        "",
        '"grouping": "strided"',
    ),
    "STQ1_0 as 42, own head, version 2, parts": (
        "--untied",
        "--type STQ1_0-42 --head-type Q8_0 --version 2 --split 3",
        "",
        '"head": "q8_0"',
    ),
    "STQ1_0 as 40, hunyuan, alignment 64": (
        "--architecture hunyuan_v1_dense --rope-scaling hunyuan",
        "--type STQ1_0-40 --head-type Q4_0 --alignment 64",
        "",
        '"head": "q4_0"',
    ),
    "STQ1_0 with integer scales": (
        "",
        "--type STQ1_0-i16",
        "",
        '"codebook": "3:4"',
    ),
    "STQ1_0 with integer scales, said so": (
        "--architecture qwen3 --rope-scaling yarn",
        "--type STQ1_0-i16",
        "--stq-scale=i16",
        '"codebook": "3:4"',
    ),
    "TQ1_0": ("--architecture qwen2", "--type TQ1_0", "", '"head": "q6_K"'),
    "TQ1_0 that is 3:4-sparse": (
        "",
        "--type TQ1_0-sparse",
        "",
        '"codebook": "3:4"',
    ),
    "TQ2_0": ("", "--type TQ2_0 --head-type BF16", "--head=bf16", '"head": "bf16"'),
    "TQ2_0 that is 3:4-sparse in strided groups": (
        "",
        "--type TQ2_0-strided",
        "",
        '"grouping": "strided"',
    ),
    "TQ1_0, embedding and head": (
        "--architecture qwen3",
        "--type TQ1_0 --head-type TQ1_0",
        "",
        '"head": "ternary dense"',
    ),
    "Q2_0, embedding and head": (
        "--architecture qwen3",
        "--type Q2_0 --head-type Q2_0",
        "",
        '"head": "ternary dense"',
    ),
    "Q2_0 whose scales agree, embedding and head": (
        "--architecture qwen3 --rope-scaling yarn",
        "--type Q2_0-pairs --head-type Q2_0-pairs",
        "",
        '"head": "ternary dense"',
    ),
    "Q2_0 as it was, parts": (
        "--untied",
        "--type PQ2_0-42 --head-type PQ2_0-42 --split 2",
        "",
        '"head": "ternary dense"',
    ),
    "PQ2_0, PTQ1_0": (
        "--architecture qwen3 --hidden 384 --heads 3 --kv-heads 1",
        "--type PQ2_0 --value-type PTQ1_0 --head-type PTQ1_0",
        "",
        '"head": "ternary dense"',
    ),
    "I2_S": (
        "--hidden 384 --heads 3 --kv-heads 1",
        "--type I2_S --head-type F16",
        "--head=f16",
        '"head": "f16"',
    ),
    "I2_S, embedding and head": (
        "--architecture qwen3",
        "--type I2_S --head-type I2_S",
        "",
        '"head": "ternary dense"',
    ),
    "I2_S that is 3:4-sparse": (
        "",
        "--type I2_S-sparse",
        "",
        '"granularity": "per_channel"',
    ),
    "Q8_0": ("", "--type Q8_0", "", ""),
    "Q4_0": ("", "--type Q4_0", "", ""),
    "Q6_K": ("", "--type Q6_K", "", ""),
    # What K-quants fall back to where rows are no multiple of 256: two types in
    # the one product of q, k and v.
    "Q5_0 and Q8_0, IQ4_NL": (
        "--hidden 96 --ffn 160 --heads 3 --kv-heads 1",
        "--type Q5_0 --value-type Q8_0 --head-type IQ4_NL",
        "",
        '"head": "q8_0"',
    ),
    "TQ1_0 and I2_S, scales beside them": (
        "--architecture qwen2",
        "--type TQ1_0 --value-type I2_S --scales 0.7",
        "",
        '"scale_type": "f32"',
    ),
    "I2_S that is 3:4-sparse, scales beside it": (
        "",
        "--type I2_S-sparse --scales 0.7",
        "",
        '"codebook": "3:4"',
    ),
    "F16 of trits, scales beside them, bitnet": (
        "--architecture bitnet --no-quant-config",
        "--type F16-trits --head-type BF16 --scales 0.05",
        "--head=bf16",
        '"codebook": "dense"',
    ),
    "TQ2_0, bitnet": (
        "--architecture bitnet --no-quant-config",
        "--type TQ2_0 --head-type BF16",
        "--head=bf16",
        '"head": "bf16"',
    ),
}
# Compiled as Q8_0: what is near, not the same.
WIDENED = {
    "Q4_K": ("", "--type Q4_K --head-type Q5_K", "", '"head": "q8_0"'),
    "Q5_K": ("", "--type Q5_K --head-type Q4_K", "", '"head": "q8_0"'),
    "Q4_1": ("", "--type Q4_1 --head-type Q5_1", "", '"head": "q8_0"'),
}
MAX_ABS_WIDENED = 0.3


def make_files(folder, seed, checkpoint_options, gguf_options):
    checkpoint, gguf = folder / "checkpoint", folder / "model.gguf"
    run(
        *(sys.executable, REFERENCE / "make_checkpoint.py", checkpoint),
        *(*SHAPE.split(), "--seed", seed, *checkpoint_options.split()),
    )
    dequantized = folder / "dequantized"
    run(
        *(sys.executable, REFERENCE / "make_gguf.py", checkpoint, gguf),
        *("--dequantized", dequantized, *gguf_options.split()),
    )
    if not gguf.exists():
        gguf = next(folder.glob("model-00001-of-*.gguf"))
    return checkpoint, gguf, dequantized


def compute_logits(model, compiler_options, folder, name):
    compiled, logits = folder / "model.so", folder / f"{name}.npy"
    run("sherry-compile", model, "-o", compiled, *compiler_options)
    prompt = join(3 + 3 * i for i in range(PROMPT_TOKENS))
    run(
        *("sherry-run", compiled, "--tokens", prompt, "--logits", logits),
        *("-n", 0, "--print-tokens", "-q"),
    )
    return logits, run("sherry-run", compiled, "--info=json")


def check_model(folder, seed, model, tolerance):
    checkpoint_options, gguf_options, compiler_options, description = model
    _, gguf, dequantized = make_files(folder, seed, checkpoint_options, gguf_options)
    options = ["--activations=f32", *compiler_options.split()]
    actual, info = compute_logits(gguf, options, folder, "actual")
    if description.replace(" ", "") not in info.replace(" ", ""):
        raise Mismatch(f"the description lacks {description}: {info}")
    expected = folder / "expected.npy"
    prompt = join(3 + 3 * i for i in range(PROMPT_TOKENS))
    run(
        *("sherry-reference", dequantized, "--tokens", prompt, "--logits", expected),
        *("--keep-linear", "--head=f32"),
    )
    return compare(actual, expected, tolerance)


def check_same_model(folder, seed):
    """A folder and a file of the same numbers."""
    checkpoint, gguf, _ = make_files(
        folder,
        seed,
        "--rope-scaling llama3 --no-quant-config",
        "--type BF16 --head-type BF16",
    )
    ours, _ = compute_logits(gguf, [], folder, "gguf")
    theirs, _ = compute_logits(checkpoint, [], folder, "folder")
    if ours.read_bytes() != theirs.read_bytes():
        raise Mismatch("the logits of a file are not those of its folder")
    return 0


def list_cases():
    models = [(name, model, MAX_ABS) for name, model in MODELS.items()]
    models += [(name, model, MAX_ABS_WIDENED) for name, model in WIDENED.items()]
    for seed, (name, model, tolerance) in enumerate(models):
        yield Case(
            name,
            functools.partial(check_model, seed=seed, model=model, tolerance=tolerance),
        )
    yield Case("BF16", functools.partial(check_same_model, seed=len(models)))


if __name__ == "__main__":
    run_case(list_cases())
