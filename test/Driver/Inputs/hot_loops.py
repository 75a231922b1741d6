#!/usr/bin/env python3
# ===- hot_loops.py - Instructions of the innermost loops -----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: hot_loops.py ASSEMBLY FUNCTION INSTRUCTION MOST [ENDING]
#
# Of the innermost loops of FUNCTION that contain INSTRUCTION at least 4 times,
# no one may have more than MOST instructions for each of them, memory moves and
# the loop itself included; where there is ENDING, it is the limit of those that
# also end sums, which they add to f32 totals. A count regresses where a time
# would only scatter.
#
# ===----------------------------------------------------------------------=== #
import re
import sys

LABEL = re.compile(r"(\.L\w+):")
JUMP = re.compile(r"\tj\w+\s+(\.L\w+)")
INSTRUCTION = re.compile(r"\t(?:\{vex\}\s+)?([a-z]\w+)")


def function_lines(path, name):
    with open(path) as file:
        text = file.read()
    match = re.search(rf"^{name}:.*?^\.Lfunc_end", text, re.DOTALL | re.MULTILINE)
    if not match:
        sys.exit(f"{path} has no function {name}")
    return match.group(0).split("\n")


def innermost_loops(lines):
    """The instructions of each loop that contains no other loop."""
    labels, loops = {}, []
    for number, line in enumerate(lines):
        if match := LABEL.match(line):
            labels[match.group(1)] = number
        elif (match := JUMP.match(line)) and match.group(1) in labels:
            begin = labels[match.group(1)]
            # Loops are listed by their ends: those inside come first.
            if not any(begin <= other for other, _ in loops):
                loops.append((begin, number))
    for begin, end in loops:
        body = [INSTRUCTION.match(line) for line in lines[begin : end + 1]]
        yield [match.group(1) for match in body if match]


def main():
    path, function, instruction, *limits = sys.argv[1:]
    plain, ending = [], []
    for loop in innermost_loops(function_lines(path, function)):
        count = loop.count(instruction)
        ends = len(limits) > 1 and any(name.startswith("vfmadd") for name in loop)
        if count >= 4:
            (ending if ends else plain).append(len(loop) / count)
    for rates, limit in zip([plain, ending], limits):
        print(f"{function}, {instruction}: " + " ".join(f"{rate:.2f}" for rate in rates))
        if not rates:
            sys.exit(f"no such loop has {instruction}")
        if max(rates) > float(limit):
            sys.exit(f"more than {limit} instructions for each {instruction}")


if __name__ == "__main__":
    main()
