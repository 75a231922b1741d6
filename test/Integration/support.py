# ===- support.py - What the scripts of this folder share -----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import pathlib
import shlex
import subprocess
import sys

REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "Reference"
sys.path.insert(0, str(REFERENCE))

# The module is only found through the path above.
from compare_npy import Mismatch, compare  # noqa: E402, F401

# Features that a level adds, as far as models can need them.
LEVELS = {
    "x86-64-v2": {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"},
    "x86-64-v3": {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def run(*command):
    """Runs a program of PATH and returns what it prints; Mismatch if it fails."""
    command = [str(word) for word in command]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if process.returncode != 0:
        raise Mismatch(
            f"{shlex.join(command)}: exit code {process.returncode}\n"
            + process.stderr.decode(errors="replace")
        )
    return process.stdout.decode()


def join(tokens):
    return ",".join(map(str, tokens))


def list_targets():
    """The levels of x86-64 that this CPU can run, and native."""
    have = set(run("sherry-cpu-features").split())
    targets, needed = [], set()
    for level, features in LEVELS.items():
        needed |= features
        if needed <= have:
            targets.append(level)
    return targets + ["native"]


def count_failures(cases):
    """Runs (name, function) one after the other: prints the difference that a
    function returns, or that it failed by a Mismatch. Returns how many did."""
    failures = 0
    for name, check in cases:
        print(f"{name}: ", end="")
        try:
            print(f"{check():.2g}", flush=True)
        except Mismatch as mismatch:
            failures += 1
            print(f"FAILED: {mismatch}", flush=True)
    return failures
