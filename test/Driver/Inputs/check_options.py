#!/usr/bin/env python3
# ===- check_options.py - Every option of sherry-compile at every stage ---=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_options.py MODEL
#
# An option either changes what is printed, or is refused.
#
# ===----------------------------------------------------------------------=== #
import re
import subprocess
import sys

# With a value that makes a difference, and what the option needs.
OPTIONS = [
    ("--target-cpu=x86-64-v4", ""),
    ("--activations=f32", ""),
    ("--activations=i8-token", ""),
    ("--granularity=per_tensor", ""),
    ("--group-size=64", ""),
    ("--scale-type=f32", ""),
    ("--codebook=dense", ""),
    ("--head=bf16", ""),
    ("--head=ternary", ""),
    ("--kv=i8", ""),
    ("--emulate-fma", ""),
    ("--no-quantize", ""),
    ("--grouping=strided", "--random-weights"),
    ("--max-block=16", ""),
    ("--prefetch=128", ""),
    ("--prefetch-l2=128", ""),
    ("--interleave=2", ""),
    ("--ranks=2", ""),
]
# What they change is no part of a stage's text, or takes too long to see.
ELSEWHERE = {"-o", "--stq-scale", "--random-weights", "--tune", "--emit", "--stats"}
ELSEWHERE |= {"--quantize", "--strict", "--from"}


def run(*command):
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def main():
    model = sys.argv[1]
    help_text = run("sherry-compile", "--help").stdout
    names = set(re.findall(r"^  (--?[a-z][a-z0-9-]*)", help_text, re.MULTILINE))
    tested = {option.split("=")[0] for option, _ in OPTIONS} | ELSEWHERE
    general = {"--help", "--help-list", "--version"}
    assert len(names) > 15 and names <= tested | general, names - tested

    without = {}
    seen = 0
    for stage in ("sherry", "layout", "kernel"):
        for option, needs in OPTIONS:
            command = ["sherry-compile", model, f"--emit={stage}", *needs.split()]
            if not option.startswith("--target-cpu"):
                command.append("--target-cpu=x86-64-v2")
            result = run(*command, option)
            assert result.returncode == 0, (option, stage, result.stderr)
            key = tuple(command)
            if key not in without:
                without[key] = run(*command).stdout
            assert result.stdout != without[key], (option, stage)
            seen += 1
    assert seen == 3 * len(OPTIONS), seen


if __name__ == "__main__":
    main()
