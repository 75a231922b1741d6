#!/usr/bin/env python3
# ===- bad_numbers.py - Numbers that options refuse -----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: bad_numbers.py MODEL OUTPUT
#
# Every number below must be refused with its name, the number and the range;
# OUTPUT must not be written.
#
# ===----------------------------------------------------------------------=== #
import os
import subprocess
import sys

HUGE = 2**63 - 1
NO_NUMBER = "value invalid for"
DISTANCE = "it must be in 0..1073741824"
BLOCK = "it must be a multiple of 8 in 8..8192"

CASES = [
    ("--max-block", BLOCK, [0, 4, 7, -8, 8200, 16384, 65536, 65544, 10**9, HUGE - 7, -(2**63)]),
    ("--prefetch", DISTANCE, [-1, 2**30 + 1, HUGE]),
    ("--prefetch-l2", DISTANCE, [-1, 2**30 + 1, HUGE]),
    ("--interleave", "it must be in 1..16", [-1, 17, HUGE]),
    (
        "--group-size",
        "it must be a multiple of 4 in 4..16777216",
        [0, 6, -4, 2**24 + 4, HUGE - 3],
    ),
]
OPTIONS = [option for option, *_ in CASES]


def expect_refused(arguments, message):
    command = ["sherry-compile", sys.argv[1], "-o", sys.argv[2], *arguments]
    process = subprocess.run(command, stderr=subprocess.PIPE, universal_newlines=True)
    if process.returncode != 1 or message not in process.stderr:
        sys.exit(f"{arguments}: exit code {process.returncode}, {process.stderr}")
    if os.path.exists(sys.argv[2]):
        sys.exit(f"{arguments} left a file")


def main():
    for option, message, numbers in CASES:
        # A library checks it, which has no options.
        name = "the group size" if option == "--group-size" else option
        for number in numbers:
            expect_refused([f"{option}={number}"], f"error: {name} is {number}; {message}\n")
    for option in OPTIONS:
        for text in ("1e3", "8k", "", str(2**64)):
            expect_refused([f"{option}={text}"], NO_NUMBER)


if __name__ == "__main__":
    main()
