#!/usr/bin/env python3
# ===- same_bits.py - The same logits on every CPU ------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: same_bits.py [CASE FOLDER]
#
# Compiles the example for this CPU and for a level of x86-64; the logits of a
# prompt must be equal bit for bit, whatever the level, the number of threads and
# the size of the blocks.
#
# ===----------------------------------------------------------------------=== #
import functools
import pathlib

from support import (
    TARGETS,
    Case,
    Mismatch,
    check_stored,
    join,
    require_target,
    run,
    run_case,
)

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shakespeare"
# More than one round of attention, and no multiple of a block.
PROMPT = join((5 + 31 * i + i * i) % 1024 for i in range(150))
RUNS = [["-t", 1], ["-t", 2, "--block", 24], ["-t", 3, "--block", 1]]
OPTIONS = {
    "default": [],
    "i8 cache, q6_K head": ["--kv=i8", "--head=q6_K"],
    "f32 activations, bf16 head": ["--activations=f32", "--head=bf16"],
}


def compute_logits(folder, target, options):
    """The logits of each run."""
    model, output = folder / "model.so", folder / "logits.npy"
    run(
        *("sherry-compile", EXAMPLE, "-o", model, f"--target-cpu={target}", "--emulate-fma"),
        *options,
    )
    for arguments in RUNS:
        run(
            *("sherry-run", model, "--tokens", PROMPT, "--print-tokens", "--logits", output),
            *("-n", 0, "-q"),
            *arguments,
        )
        yield f"{target} {join(arguments)}", output.read_bytes()


def name_logits(name):
    return f"example, {name}"


def check(folder, name, target, options):
    (first, expected), *others = [
        *compute_logits(folder, "native", options),
        *compute_logits(folder, target, options),
    ]
    different = [name for name, logits in others if logits != expected]
    if different:
        raise Mismatch(f"other logits than {first}: {', '.join(different)}")
    check_stored(name_logits(name), folder / "logits.npy")
    return 0


def list_cases():
    for name, options in OPTIONS.items():
        for target in TARGETS[:-1]:
            # The rest is compared with scalar sums in Unit/Kernels.
            default = target == "x86-64-v3" or (target == "x86-64-v4" and not options)
            yield Case(
                f"{name}, {target}",
                functools.partial(check, name=name, target=target, options=options),
                require_target(target) | (set() if default else {"all"}),
                name_logits(name),
            )


if __name__ == "__main__":
    run_case(list_cases())
