#!/usr/bin/env python3
# ===- quantize.py - Models in other formats ------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: quantize.py [CASE FOLDER]
#
# Writes models of make_checkpoint.py in the formats of sherry-quantize, compiles
# both and compares the logits of a prompt: what is written is the model that was
# read, as far as the type can hold it.
#
# ===----------------------------------------------------------------------=== #
import argparse
import functools
import json
import math
import re
import struct
import sys

from support import REFERENCE, Case, Mismatch, compare, join, run, run_case

# The module is only found through the path that support sets.
import make_gguf  # noqa: E402 isort: skip

PROMPT = join(3 + 3 * i for i in range(19))
SHAPE = "--hidden 256 --ffn 256 --layers 2 --heads 4 --kv-heads 2 --vocab 70"
# The same sums in another order.
MAX_ABS_REORDERED = 1e-3

# Options of make_checkpoint.py that must survive in F16, F32 or BF16.
FOLDERS = {
    "llama": "--rope-scaling llama3 --rope-theta 500000 --granularity per_channel",
    "llama with its own head": "--untied --granularity per_tensor",
    "latent weights of groups of 64": "--group-size 64 --keep-dense mlp.down_proj",
    "qwen2": "--architecture qwen2 --no-quant-config --rope-scaling linear",
    "qwen3": "--architecture qwen3 --head-dim 32 --rope-scaling yarn",
    "hunyuan": "--architecture hunyuan_v1_dense --rope-scaling hunyuan",
}

# The others take long and run with --all.
BY_DEFAULT = {"llama", "qwen2", "hunyuan"}
# Fast to compile; enough where trits are compared.
FAST = ("--activations=f32",)

# Of BitNet, with the largest relative squared error: inverses and means are not
# exact in f16.
BITNET = {
    "bitnet": ("--architecture bitnet --trits multiply", 0),
    "bitnet rounded when loaded": ("--architecture bitnet --trits online", 1e-7),
    "falcon": ("--trits divide --untied", 1e-7),
}


def make_checkpoint(folder, name, options):
    checkpoint = folder / name
    run(
        *(sys.executable, REFERENCE / "make_checkpoint.py", checkpoint),
        *(*SHAPE.split(), *options.split()),
    )
    return checkpoint


def make_file(folder, name, checkpoint, options):
    gguf = folder / name
    run(
        *(sys.executable, REFERENCE / "make_gguf.py", checkpoint, gguf),
        *options.split(),
    )
    return gguf


def compute_logits(model, *options):
    compiled, logits = (
        model.with_name(model.name + suffix) for suffix in (".so", ".npy")
    )
    run("sherry-compile", model, "-o", compiled, *options)
    run(
        *("sherry-run", compiled, "--tokens", PROMPT, "--logits", logits),
        *("-n", 0, "--print-tokens", "-q"),
    )
    return logits


def check_equal(one, *others, options=()):
    ours = compute_logits(one, *options)
    for other in others:
        theirs = compute_logits(other, *options)
        if ours.read_bytes() != theirs.read_bytes():
            difference = compare(ours, theirs, math.inf)
            raise Mismatch(f"{one.name} and {other.name} differ by {difference:.2g}")
    return 0


def get_error(report):
    return float(re.search(r"relative squared error (\S+?),?\s", report)[1])


def check_dense(folder, options):
    """Latent weights and dense ones go to GGUF and back as they are; what latent
    ones are projected to is the same model."""
    checkpoint = make_checkpoint(folder, "dense", options)
    gguf = folder / "dense.gguf"
    again = folder / "again"
    projected = folder / "projected.gguf"
    is_latent = "--no-quant-config" not in options
    as_they_are = ["--type=bf16"] + ["--latent"] * is_latent
    run("sherry-quantize", checkpoint, "-o", gguf, *as_they_are)
    run("sherry-quantize", gguf, "--hf", again, *as_they_are)
    models = [gguf, again]
    if is_latent:
        run(
            *("sherry-quantize", checkpoint, "-o", projected),
            *("--type=f16", "--head=bf16"),
        )
        models.append(projected)
    return check_equal(checkpoint, *models)


def check_other_engines(folder):
    """What a reader that projects nothing computes is the model, but for the
    latent weights, which are another one."""
    options = "--granularity per_channel --keep-dense mlp.down_proj"
    checkpoint = make_checkpoint(folder, "trained", options)
    expected = compute_logits(checkpoint, "--activations=f32", "--head=bf16")

    def compute_elsewhere(*options):
        output, logits = folder / "elsewhere", folder / "elsewhere.npy"
        run("sherry-quantize", checkpoint, "--hf", output, "--head=bf16", *options)
        run(
            *("sherry-reference", output, "--tokens", PROMPT, "--logits", logits),
            *("--keep-linear", "--head=bf16"),
        )
        return logits

    worst = max(
        compare(compute_elsewhere(option), expected, MAX_ABS_REORDERED)
        for option in ("--type=f16", "--type=f32")
    )
    latent = compare(compute_elsewhere("--type=f32", "--latent"), expected, math.inf)
    if latent < 100 * MAX_ABS_REORDERED:
        raise Mismatch(f"latent weights differ from the model by {latent} only")
    return worst


def check_reordered(folder):
    """Groups of four become strided ones, exactly where the scales are shared
    by as many weights."""
    checkpoint = make_checkpoint(folder, "sherry-256", "--group-size 256 --untied")
    gguf, again = folder / "strided.gguf", folder / "contiguous"
    reports = [
        run("sherry-quantize", checkpoint, "-o", gguf, "--head=bf16"),
        run("sherry-quantize", gguf, "--hf", again),
    ]
    for report in reports:
        if get_error(report) > 1e-12 or "0 trits changed" not in report:
            raise Mismatch(f"the model is another one:\n{report}")
    expected = compute_logits(checkpoint, "--activations=f32", "--head=bf16")
    return max(
        compare(
            compute_logits(model, "--activations=f32", "--head=bf16"),
            expected,
            MAX_ABS_REORDERED,
        )
        for model in (gguf, again)
    )


def check_strided(folder):
    """STQ1_0 stays what it is, byte for byte, and the rest of the file too."""
    checkpoint = make_checkpoint(folder, "base", "--rope-scaling llama3")
    gguf = make_file(folder, "base.gguf", checkpoint, "--type STQ1_0 --head-type Q6_K")
    first, second = folder / "first.gguf", folder / "second.gguf"
    run("sherry-quantize", gguf, "-o", first)
    run("sherry-quantize", first, "-o", second)
    if first.read_bytes() != second.read_bytes():
        raise Mismatch("an exported file changes when it is exported again")
    return check_equal(gguf, second, options=FAST)


def check_trits(folder):
    """Trits without a pattern, in all types."""
    checkpoint = make_checkpoint(folder, "trits", "--no-quant-config")
    gguf = make_file(folder, "tq1.gguf", checkpoint, "--type TQ1_0 --head-type Q8_0")
    files = [gguf]
    for name in ("TQ2_0", "Q2_0", "TQ1_0"):
        files.append(folder / f"{name}.gguf")
        report = run("sherry-quantize", files[-2], "-o", files[-1], f"--type={name}")
        if get_error(report) != 0:
            raise Mismatch(f"the trits are not what they were in {name}:\n{report}")
    plain = make_file(folder, "plain.gguf", checkpoint, "--type TQ2_0 --head-type F32")
    again = folder / "again"
    run("sherry-quantize", plain, "--hf", again, "--strict")
    return check_equal(*files, options=FAST) + check_equal(plain, again, options=FAST)


def check_projected(folder):
    """Trits without a pattern that say so are projected by all readers, and stay
    what they are."""
    checkpoint = make_checkpoint(folder, "latent", "--untied")
    config = json.loads((checkpoint / "config.json").read_text())
    quantization = config["quantization_config"]
    del quantization["N"], quantization["M"]
    quantization["codebook"] = "dense"
    (checkpoint / "config.json").write_text(json.dumps(config))
    once, twice = folder / "once", folder / "twice"
    gguf, trits = folder / "once.gguf", folder / "trits.gguf"
    run("sherry-quantize", checkpoint, "--hf", once)
    reports = [
        run("sherry-quantize", once, "--hf", twice),
        run("sherry-quantize", once, "-o", gguf, "--type=f16", "--head=bf16"),
        run("sherry-quantize", gguf, "-o", trits, "--type=Q2_0", "--head=bf16"),
    ]
    for report in reports:
        if get_error(report) != 0 or "0 trits changed" not in report:
            raise Mismatch(f"the model is another one:\n{report}")
    return check_equal(checkpoint, once, twice, gguf, trits, options=FAST)


def check_bitnet(folder, options, error):
    """Trits of a folder of BitNet stay what they are in all types that hold
    them, and scales if f16 holds them."""
    checkpoint = make_checkpoint(folder, "bitnet", options)
    files = [checkpoint]
    for name in ("TQ1_0", "TQ2_0", "Q2_0"):
        files.append(folder / f"{name}.gguf")
        report = run(
            *("sherry-quantize", checkpoint, "-o", files[-1]),
            *("--type", name, "--head=BF16"),
        )
        if get_error(report) > error:
            raise Mismatch(f"the trits are not what they were in {name}:\n{report}")
    if error:
        return error
    ours = compute_logits(checkpoint, "--head=bf16", "--activations=i8-token")
    for file in files[1:]:
        theirs = compute_logits(file, "--head=bf16", "--activations=i8-token")
        if ours.read_bytes() != theirs.read_bytes():
            difference = compare(ours, theirs, math.inf)
            raise Mismatch(f"{file.name} differs by {difference:.2g}")
    return 0


def check_blocks(folder):
    """What is near, as its report says."""
    checkpoint = make_checkpoint(folder, "blocks", "--no-quant-config")
    errors = []
    for name in ("Q8_0", "Q6_K", "Q4_0", "TQ2_0", "STQ1_0"):
        gguf = folder / f"{name}.gguf"
        report = run("sherry-quantize", checkpoint, "-o", gguf, "--type", name)
        errors.append(get_error(report))
    if not 0 < errors[0] < errors[1] < errors[2] < errors[3] < errors[4] < 0.5:
        raise Mismatch(f"the errors are {errors}")
    return errors[-1]


def check_importance(folder):
    """Inputs that matter more get more of the error of the others."""
    checkpoint = make_checkpoint(folder, "important", "--no-quant-config --layers 1")
    matrix, gguf = folder / "imatrix.gguf", folder / "important.gguf"
    names = [f"attn_{name}" for name in ("q", "k", "v", "output")]
    names += [f"ffn_{name}" for name in ("gate", "up", "down")]

    def write(inputs):
        sums = struct.pack(f"<{inputs}f", *(10 ** (i % 5) for i in range(inputs)))
        tensors = [
            (f"blk.0.{name}.weight.in_sum2", [1, inputs], 0, sums) for name in names
        ]
        values = [("general.type", make_gguf.value(make_gguf.STRING, "imatrix"))]
        options = argparse.Namespace(version=3, alignment=32)
        make_gguf.write_gguf(matrix, values, tensors, options)
        return ("sherry-quantize", checkpoint, "-o", gguf, "--importance", matrix)

    plain = get_error(run("sherry-quantize", checkpoint, "-o", gguf))
    weighted = get_error(run(*write(256)))
    if not plain < weighted < 0.6:
        raise Mismatch(f"the errors are {plain} and {weighted}")
    try:
        run(*write(128))
    except Mismatch as mismatch:
        if "the file belongs to another model" in str(mismatch):
            return weighted
    raise Mismatch("an importance file of another model is taken")


def list_cases():
    for name, options in FOLDERS.items():
        yield Case(
            name,
            functools.partial(check_dense, options=options),
            set() if name in BY_DEFAULT else {"all"},
        )
    yield Case("other engines", check_other_engines)
    yield Case("groups become strided", check_reordered)
    yield Case("STQ1_0 stays", check_strided)
    yield Case("trits stay", check_trits)
    yield Case("projected trits stay", check_projected)
    for name, (options, error) in BITNET.items():
        check = functools.partial(check_bitnet, options=options, error=error)
        yield Case(name, check)
    yield Case("blocks", check_blocks)
    yield Case("importance", check_importance)


if __name__ == "__main__":
    run_case(list_cases())
