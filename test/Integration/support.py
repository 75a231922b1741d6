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
