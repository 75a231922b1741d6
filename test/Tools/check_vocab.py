#!/usr/bin/env python3
# ===- check_vocab.py - A vocabulary against others' results --------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_vocab.py MODEL TEXTS IDS
#
# TEXTS are separated by lines "__ggml_vocab_test__", IDS has a line for each.
# Tokenizing a text has to give its ids, and decoding these the text.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import subprocess
import sys


def tokenize(model, text, option):
    return subprocess.run(
        ["sherry-tokenize", model, "-f", "-", option],
        input=text,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout


def main():
    model = sys.argv[1]
    raw = pathlib.Path(sys.argv[2]).read_bytes()
    texts = raw.split(b"\n__ggml_vocab_test__\n")
    # The last separator ends the file.
    if not texts[-1]:
        texts.pop()
    lines = pathlib.Path(sys.argv[3]).read_text().splitlines()
    assert len(lines) == len(texts), f"{len(texts)} texts, {len(lines)} results"
    failures = 0
    for text, line in zip(texts, lines):
        expected = [int(number) for number in line.split()]
        output = tokenize(model, text, "--no-bos").decode().strip()
        actual = [int(number) for number in output.split(",") if number]
        decoded = tokenize(model, output.encode(), "--decode")
        if actual != expected or decoded != text:
            failures += 1
            print(f"{text!r}:\n  expected {expected}\n  got      {actual}")
            print(f"  decoded  {decoded!r}")
    print(f"{len(texts)} texts, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
