# ===- support.py - What the scripts of this folder share -----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import dataclasses
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import typing

INPUTS = pathlib.Path(__file__).resolve().parent / "Inputs"
REFERENCE = INPUTS.parent.parent / "Reference"
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


def check_stored(name, logits):
    """Compares the file of the logits of a model, computed on a CPU with FMA or
    as on one, with the SHA-256 in Inputs/logits.json: no change of the compiler may
    change a bit. Models that have none there are not compared: c6cbaec, whose
    logits these are, did not know them all. lit wants a case for each name there."""
    stored = json.loads((INPUTS / "logits.json").read_text()).get(name)
    actual = hashlib.sha256(logits.read_bytes()).hexdigest()
    if stored not in (None, actual):
        raise Mismatch(f"{name}: the logits have the SHA-256 {actual}, not {stored}")


def list_unused(cases):
    """The names in Inputs/logits.json that are those of no case."""
    stored = json.loads((INPUTS / "logits.json").read_text())
    return sorted(set(stored) - {case.stored for case in cases})


def has_fma(target):
    """Whether code for the target rounds a product and its sum once."""
    if target == "native":
        return "fma" in run("sherry-cpu-features").split()
    return "fma" in features_of(target)


# What models are compiled for.
TARGETS = [*LEVELS, "native"]


def require_target(target):
    """The features of lit that a model for `target` needs."""
    if target == "native":
        return set()
    return {f"cpu-{feature}" for feature in features_of(target)}


@dataclasses.dataclass
class Case:
    """A test: check(folder) returns a difference, or throws Mismatch."""

    name: str
    check: typing.Callable[[pathlib.Path], float]
    requires: typing.Set[str] = dataclasses.field(default_factory=set)
    stored: str = ""  # the name of the logits for check_stored()

    def __post_init__(self):
        self.name = re.sub(r"[^\w.]+", "-", self.name).strip("-")


def run_case(cases):
    """The main function of a script with cases: CASE FOLDER runs one of them,
    and without arguments the script prints their names."""
    if len(sys.argv) != 3:
        print("\n".join(case.name for case in cases))
        return
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    check = next(case.check for case in cases if case.name == name)
    try:
        print(f"{check(folder):.2g}")
    except Mismatch as mismatch:
        sys.exit(str(mismatch))


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
