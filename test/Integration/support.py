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
sys.path[:0] = [str(REFERENCE), str(REFERENCE.parent)]

# The modules are only found through the paths above.
from compare_npy import Mismatch, compare  # noqa: E402, F401
from machine import LEVELS, features_of  # noqa: E402


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
    return [level for level in LEVELS if features_of(level) <= have] + ["native"]


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
