#!/usr/bin/env python3
# ===- check_debug_info.py - From instructions to weights -----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_debug_info.py MODEL.so INSTRUCTION FUNCTION STEP...
#
# Fails unless each instruction of this name in a function of a model resolves to
# a step, and to its line in the description, and each of the named steps has some.
#
# ===----------------------------------------------------------------------=== #
import collections
import json
import re
import subprocess
import sys


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read_steps(path):
    """The steps of the description, as the line table calls them."""
    with open(path, "rb") as file:
        content = file.read()
    start = content.index(b'{"', content.rindex(b"\0", 0, content.index(b'"steps":[')))
    description, _ = json.JSONDecoder().raw_decode(content[start:].decode(errors="replace"))
    return [" ".join(filter(None, (s["op"], s.get("weight")))) for s in description["steps"]]


def find_instructions(path, instruction, function):
    listing = run("llvm-objdump", "-d", "--no-show-raw-insn", f"--disassemble-symbols={function}", path)
    return re.findall(rf"^\s*([0-9a-f]+):\s+{instruction}\s", listing, re.M)


def main():
    path, instruction, function, *names = sys.argv[1:]
    steps = read_steps(path)
    addresses = find_instructions(path, instruction, function)
    if not addresses:
        sys.exit(f"{function}: no {instruction}")
    frames = json.loads(
        run(
            "llvm-symbolizer",
            f"--obj={path}",
            "--output-style=JSON",
            *("0x" + address for address in addresses),
        )
    )
    found = collections.Counter()
    for frame in frames:
        inner, *outer = frame["Symbol"]
        name, line = inner["FunctionName"], inner["Line"]
        layer = [] if function.endswith("_layer") else [[function + "_layer", function]]
        if [f["FunctionName"] for f in outer] not in [[function], *layer]:
            sys.exit(f"{frame['Address']}: in no step of {function}: {frame}")
        if line > 0 and steps[line - 1] != name:
            sys.exit(f"{frame['Address']}: {name}, but line {line} is {steps[line - 1]}")
        found[name] += 1
    for name in names:
        if name not in found:
            sys.exit(f"{function}: no {instruction} of {name}, only of {list(found)}")


if __name__ == "__main__":
    main()
