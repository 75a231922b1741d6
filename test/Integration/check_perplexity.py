#!/usr/bin/env python3
# ===- check_perplexity.py - What 8-bit numbers cost ----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_perplexity.py TEXT PERPLEXITY_JSON FOLDER MODEL...
#
# FOLDER holds one model, compiled in ways that LIMITS names: activations, then
# head, then cache if it is not the default.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import re
import sys

from support import Mismatch, run

# model, what it is compared with, percent that they may differ by
LIMITS = [
    ("f32-bf16", "PyTorch", 0.1),
    ("i8-bf16", "f32-bf16", 1.0),
    ("i8-q8_0", "f32-q8_0", 1.0),
    ("f32-q8_0", "f32-bf16", 0.3),
    ("i8-q8_0", "i8-bf16", 0.3),
    ("i8-q6_K", "i8-bf16", 0.3),
    ("i8-q4_0", "i8-bf16", 3.0),
    ("i8-q8_0-i8", "i8-q8_0", 0.3),
]


def measure(model, text, expected):
    window = expected["window"]
    printed = run("sherry-run", model, "--perplexity", text, "--window", window, "-q")
    values = dict(re.findall(r"^(\w+): (\S+)$", printed, re.MULTILINE))
    if int(values["tokens"]) != expected["tokens_scored"]:
        raise Mismatch(f"{model}: scored {values['tokens']} tokens")
    return float(values["perplexity"])


def main():
    text, reference, folder = map(pathlib.Path, sys.argv[1:4])
    names = sys.argv[4:]
    expected = json.loads(reference.read_text())
    values = {"PyTorch": expected["perplexity"]}
    try:
        for name in names:
            values[name] = measure(folder / f"{name}.so", text, expected)
    except Mismatch as mismatch:
        sys.exit(str(mismatch))
    failed = False
    limits = [limit for limit in LIMITS if set(limit[:2]) <= set(values)]
    if {name for name, _, _ in limits} != set(names):
        sys.exit("a model has no limit, or what it is compared with is missing")
    for name, base, limit in limits:
        percent = 100 * (values[name] / values[base] - 1)
        # A NaN is no good either.
        verdict = "ok" if abs(percent) <= limit else "FAILED"
        failed |= verdict != "ok"
        print(
            f"{name} {values[name]:.4f}, {base} {values[base]:.4f}: "
            f"{percent:+.4f} % of {limit} %: {verdict}"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
