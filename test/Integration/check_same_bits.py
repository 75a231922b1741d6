#!/usr/bin/env python3
# ===- check_same_bits.py - The same logits on every CPU ------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_same_bits.py CHECKPOINT OUTPUT_FOLDER [compiler option]...
#
# Compiles a model for every level of x86-64 that this CPU can run; the logits of
# a prompt must be equal bit for bit, whatever the level, the number of threads
# and the size of the blocks.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import sys

from support import join, list_targets, run

# More than one round of attention, and no multiple of a block.
PROMPT = join((5 + 31 * i + i * i) % 1024 for i in range(150))
RUNS = [["-t", 1], ["-t", 2, "--block", 24], ["-t", 3, "--block", 1]]


def main():
    checkpoint, folder, *options = sys.argv[1:]
    folder = pathlib.Path(folder)
    model, output = folder / "model.so", folder / "logits.npy"
    logits = {}
    for target in list_targets():
        run(
            *("sherry-compile", checkpoint, "-o", model, f"--target-cpu={target}", "--emulate-fma"),
            *options,
        )
        for arguments in RUNS:
            run(
                *("sherry-run", model, "--tokens", PROMPT, "--print-tokens", "--logits", output),
                *("-n", 0, "-q"),
                *arguments,
            )
            logits[f"{target} {join(arguments)}"] = output.read_bytes()
    first, *others = logits
    different = [name for name in others if logits[name] != logits[first]]
    for name in different:
        print(f"{name} gives other logits than {first}")
    print(f"{len(logits)} runs compared, {len(different)} differ")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
